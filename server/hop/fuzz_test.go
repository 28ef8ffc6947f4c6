package hop_test

import (
	"context"
	"crypto/tls"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server/hop"
)

// TestSend has facts that come out as they have gone in.
func TestSend(t *testing.T) {
	for _, f := range []hop.Facts{
		{},
		{ID: "a-1", Client: hop.Client{Peer: "192.0.2.1:4711", Protocol: "HTTP/1.1", Local: netip.MustParseAddrPort("192.0.2.7:443")}},
		{Client: hop.Client{Peer: "[2001:db8::1%eth0]:1", Protocol: "HTTP/2.0", Mount: "/ü b&c=d%", Promises: true, Hints: true}},
		{Client: hop.Client{Local: netip.AddrPortFrom(netip.Addr{}, 443), Hints: true}},
		{Target: "http://example.test/a?b", Path: "/a b/ü%\xff", Page: "/page?x"},
		{Variables: map[string]string{"site.a": "1; x=ü&\x00\n", "b": ""}},
		{Client: hop.Client{TLS: &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, ServerName: "www.example.test"}}},
	} {
		var s hop.Sender
		var v hop.Receiver
		for range 2 { // the second time it is known
			r := httptest.NewRequest("GET", "/x", nil)
			r.Header = http.Header{"A": {"b"}}
			s.Send(&f, r.Header)
			m, err := v.Receive(r)
			if err != nil {
				t.Fatalf("%+v: %v", f, err)
			}
			got := *hop.From(m.Context())
			if f.TLS != nil {
				if got.TLS.Version != f.TLS.Version || got.TLS.CipherSuite != f.TLS.CipherSuite || got.TLS.ServerName != f.TLS.ServerName {
					t.Errorf("TLS is %+v", got.TLS)
				}
				got.TLS = f.TLS
			}
			if !reflect.DeepEqual(got, f) {
				t.Errorf("got %+v, want %+v", got, f)
			}
			if !maps.EqualFunc(m.Header, http.Header{"A": {"b"}}, func(a, b []string) bool { return a[0] == b[0] }) {
				t.Errorf("the fields are %v", m.Header)
			}
		}
	}
}

// A scene is the context of a request of a server that lets it have other values.
type scene struct {
	context.Context
	parent context.Context
}

func (s *scene) Parent() context.Context          { return s.parent }
func (s *scene) SetParent(parent context.Context) { s.parent = parent }
func (s *scene) Value(key any) any                { return s.parent.Value(key) }

// TestReceiveInPlace has a request that is not copied for its context, unless it has trailers, which its
// server puts into what it has made itself.
func TestReceiveInPlace(t *testing.T) {
	for _, trailer := range []http.Header{nil, {"Larkspur-Body": nil}} {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Trailer = trailer
		r = r.WithContext(&scene{t.Context(), context.WithValue(t.Context(), http.ServerContextKey, "s")})
		new(hop.Sender).Send(&hop.Facts{ID: "a-1", Client: hop.Client{Peer: "192.0.2.1:4711"}}, r.Header)
		m, err := new(hop.Receiver).Receive(r)
		if err != nil {
			t.Fatal(err)
		}
		if (m == r) != (trailer == nil) {
			t.Errorf("with the trailer %v it is the same: %v", trailer, m == r)
		}
		if f := hop.From(m.Context()); f == nil || f.ID != "a-1" || m.RemoteAddr != "192.0.2.1:4711" ||
			m.Context().Value(http.ServerContextKey) != "s" {
			t.Errorf("from %s, with %+v", m.RemoteAddr, f)
		}
	}
}

// FuzzReceive holds that whatever comes in the fields of a hop is facts or an error, and that facts
// which came are sent as they are.
func FuzzReceive(f *testing.F) {
	f.Add("peer=192.0.2.1%3A1&local=192.0.2.7%3A443&protocol=HTTP%2F2.0&accepts=promises%2Chints&mount=%2Fa&tls=0304+1301+x", "id", "/page", "/target", "/p%20", "a=b")
	f.Add("local=:99999&tls=zz", "", "", "", "%zz", "%zz=;")
	f.Add("tls=0304 1301 x&certificate=AAAA", "a", "*", "http://x/", "/", "a")
	f.Fuzz(func(t *testing.T, client, id, page, target, path, variables string) {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header = http.Header{"Larkspur-Client": {client}, "Larkspur-Request": {id}, "Larkspur-Page": {page},
			"Larkspur-Target": {target}, "Larkspur-Path": {path}, "Larkspur-Variables": {variables}}
		var v hop.Receiver
		m, err := v.Receive(r)
		if err != nil {
			return
		}
		for name := range m.Header {
			if strings.HasPrefix(name, "Larkspur-") {
				t.Errorf("there is %s still", name)
			}
		}
		facts := hop.From(m.Context())
		if facts.TLS != nil {
			return // what of it is sent is not all
		}
		again := httptest.NewRequest("GET", "/x", nil)
		new(hop.Sender).Send(facts, again.Header)
		m, err = v.Receive(again)
		if err != nil {
			t.Fatalf("%+v: %v", facts, err)
		}
		if got := hop.From(m.Context()); !reflect.DeepEqual(got, facts) && (len(got.Variables) > 0 || len(facts.Variables) > 0 || got.Client != facts.Client) {
			t.Errorf("got %+v, sent %+v", got, facts)
		}
	})
}
