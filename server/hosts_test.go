package server_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server"
)

// TestHosts verifies which mount answers for a host, and what becomes of a host that none is for.
func TestHosts(t *testing.T) {
	say := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	named := []server.Mount{
		{Host: "example.com", Handler: say("root")},
		{Host: "Example.com", Path: "/a", Handler: say("a")},
		{Host: "*.example.com", Path: "/w", Handler: say("wild")},
		{Host: "www.example.com", Path: "/w/deep", Handler: say("www")},
	}
	everywhere := server.Mount{Path: "/status", Handler: say("status")}
	rest := server.Mount{Host: "*", Path: "", Handler: say("rest")}
	certified := func(_ *http.Request, host string) bool { return strings.HasSuffix(host, "example.com") }
	for _, test := range []struct {
		name, host, path, connection string // made for that host by TLS; "" for cleartext, - for no name
		mounts                       []server.Mount
		status                       int
		want                         string
	}{
		{"its root", "example.com", "/", "", named, 200, "root"},
		{"the longest path", "example.com", "/a/b", "", named, 200, "a"},
		{"a port, case and the root of DNS are no part of it", "EXAMPLE.com.:8000", "/a", "", named, 200, "a"},
		{"a wildcard", "x.example.com", "/w", "", named, 200, "wild"},
		{"of one label", "x.y.example.com", "/w", "", named, 404, ""},
		{"and not of none", "example.com", "/w", "", named, 200, "root"},
		{"a name before a wildcard", "www.example.com", "/w/deep", "", named, 200, "www"},
		{"and not one after the other", "www.example.com", "/w", "", named, 404, ""},
		{"an address", "[::1]:80", "/", "", named, 404, ""},
		{"unknown", "other.org", "/", "", named, 404, ""},
		{"unknown, but for what is everywhere", "other.org", "/status", "", append(named, everywhere), 200, "status"},
		{"what is everywhere is below a host", "example.com", "/status", "", append(named, everywhere), 200, "root"},
		{"the rest", "other.org", "/a", "", append(named, rest), 200, "rest"},
		{"the rest is not of a host that there is", "www.example.com", "/", "", append(named, rest), 404, ""},
		// RFC 9110, sections 15.5.20 and 7.4.
		{"unknown, asked of another's connection", "other.org", "/", "example.com", named, 421, ""},
		{"unknown, asked of its own", "other.org", "/", "other.org", named, 404, ""},
		{"unknown, of a client that says no name", "other.org", "/", "-", named, 404, ""},
		{"of another's connection with a certificate for both", "example.com", "/", "www.example.com", named, 200, "root"},
		{"of another's, whose certificate is not for it", "shop.net", "/", "example.com",
			append(named, server.Mount{Host: "shop.net", Handler: say("shop")}), 421, ""},
		{"a certificate that the client took for its host", "shop.net", "/", "shop.net",
			append(named, server.Mount{Host: "shop.net", Handler: say("shop")}), 200, "shop"},
		{"no hosts at all", "shop.net", "/", "example.com", []server.Mount{{Handler: say("any")}}, 200, "any"},
	} {
		t.Run(test.name, func(t *testing.T) {
			front := &server.Front{Mounts: test.mounts, Certified: certified, Logger: slog.New(slog.DiscardHandler)}
			r := httptest.NewRequest(http.MethodGet, test.path, nil)
			r.Host = test.host
			if test.connection != "" {
				r.TLS = &tls.ConnectionState{ServerName: strings.TrimPrefix(test.connection, "-")}
			}
			w := httptest.NewRecorder()
			front.ServeHTTP(w, r)
			if got := w.Body.String(); w.Code != test.status || w.Code == 200 && got != test.want {
				t.Errorf("got %d %s, want %d %s", w.Code, got, test.status, test.want)
			}
		})
	}
}
