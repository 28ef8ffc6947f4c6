package environ_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

// named is an address of a listener that is not one of package net.
type named string

func (n named) Network() string { return "named" }
func (n named) String() string  { return string(n) }

// TestServerAddress is SERVER_NAME and SERVER_PORT by the address that a server says it has.
func TestServerAddress(t *testing.T) {
	for _, tt := range []struct {
		at         net.Addr
		name, port string
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8000}, "127.0.0.1", "8000"},
		{&net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8443}, "192.0.2.1", "8443"},
		{&net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 443}, "2001:db8::1", "443"},
		// A server of HTTP/3 listens for all addresses of the machine with one socket.
		{&net.UDPAddr{IP: net.IPv6unspecified, Port: 8443}, "localhost", "8443"},
		{&net.UDPAddr{IP: net.IPv4zero, Port: 8443}, "localhost", "8443"},
		{&net.UDPAddr{Port: 8443}, "localhost", "8443"},
		{named("192.0.2.7:8080"), "192.0.2.7", "8080"},
		{named("[2001:db8::7]:8080"), "2001:db8::7", "8080"},
		{named("somewhere"), "localhost", "80"},
		{&net.UnixAddr{Name: "/run/app.sock", Net: "unix"}, "localhost", "80"},
		{nil, "localhost", "80"},
	} {
		r := httptest.NewRequest("GET", "http://example.test:99/", nil)
		if tt.at != nil {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, tt.at))
		}
		env := new(environ.Config).New(environ.FromHTTP(r)).Dict()
		for key, want := range map[string]string{"SERVER_NAME": tt.name, "SERVER_PORT": tt.port} {
			if v, _, _ := env.Get(starlark.String(key)); v != starlark.String(want) {
				t.Errorf("%T %v: %s is %v, want %q", tt.at, tt.at, key, v, want)
			}
		}
	}
}
