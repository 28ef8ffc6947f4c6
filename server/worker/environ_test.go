package worker_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
)

// dump answers with its environ, in its order, and with the body.
const dump = `
def show(v):
    return repr(v) if type(v) in ("string", "bytes", "int", "bool", "tuple", "NoneType") else type(v)

def app(environ, start_response):
    lines = ["%s = %s" % (k, show(environ[k])) for k in environ if k != "larkspur.request_id"]
    lines.append("body = %r" % environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["\n".join(lines)]
`

// certificate makes one for a name, which signs itself.
func certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestEnviron has an environ that is the same in a worker as in the process, whatever the client speaks
// and whatever stands around the application.
func TestEnviron(t *testing.T) {
	vary := func(r *http.Request) map[string]string { return map[string]string{"site.color": "tür;kis&=%"} }
	h := build(t, dump, func(h *house, _ *server.Front) { h.pool.Variables = vary })
	live, err := runtime.NewLive(&runtime.Config{FS: os.DirFS(h.Dir), Modules: h.modules()}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	gateway := &server.Gateway{App: live, Multiprocess: true, Variables: vary, Logger: quiet}
	around := func(h http.Handler) http.Handler {
		return &server.Front{Logger: quiet, Handler: h, Mounts: []server.Mount{{Path: "/app", Handler: h},
			{Path: "/strip", Handler: http.StripPrefix("/strip/it", h)},
			{Path: "/other", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				u := *r.URL
				u.Path, u.RawPath = "/an other/pÄth", ""
				r = r.Clone(r.Context())
				r.URL = &u
				h.ServeHTTP(w, r)
			})},
		}}
	}
	handlers := [2]http.Handler{around(gateway), around(h.pool)}
	var which atomic.Int32
	s := &http.Server{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { handlers[which.Load()].ServeHTTP(w, r) })}
	if err := server.Configure(s); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	urls := map[string]string{}
	for _, where := range []string{"http://127.0.0.1:0", "http://[::1]:0", "https://127.0.0.1:0", "unix:" + h.Dir + "/s"} {
		l, err := server.Listen(where, &tls.Config{Certificates: []tls.Certificate{certificate(t, "example.test")},
			ClientAuth: tls.RequestClientCert})
		if err != nil {
			if strings.Contains(where, "::1") {
				continue // a machine without IPv6
			}
			t.Fatal(err)
		}
		go s.Serve(l)
		urls[where] = l.URL
	}
	// Twice on one connection, so that it has the same port.
	compare := func(t *testing.T, ask func() (string, error), wants ...string) {
		t.Helper()
		var texts [2]string
		for i := range texts {
			which.Store(int32(i))
			text, err := ask()
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(text, "\n")
			slices.Sort(lines) // fields have no order
			texts[i] = strings.Join(lines, "\n")
		}
		// What a client says in those fields means nothing here, and would to a worker.
		texts[0] = regexp.MustCompile(`(?m)^HTTP_LARKSPUR_.*\n`).ReplaceAllString(texts[0], "")
		if texts[0] != texts[1] {
			t.Errorf("in the process:\n%s\nin a worker:\n%s", texts[0], texts[1])
		}
		for _, want := range wants {
			if !strings.Contains(texts[1], want) {
				t.Errorf("in a worker there is no %s:\n%s", want, texts[1])
			}
		}
		if strings.Contains(strings.ToLower(texts[1]), "larkspur_") || strings.Contains(texts[1], "198.51.100.1") {
			t.Errorf("what the client says of itself is believed, or has come through:\n%s", texts[1])
		}
	}
	spoofed := http.Header{"Larkspur-Client": {"peer=198.51.100.1%3A1&mount=/evil"}, "Larkspur-Request": {"198.51.100.1"},
		"Larkspur-Page": {"/198.51.100.1"}, "Larkspur-Target": {"/198.51.100.1"}, "Larkspur-Path": {"/198.51.100.1"},
		"Larkspur-Variables": {"a=198.51.100.1"}, "Larkspur-Other": {"198.51.100.1"}, "Larkspur-Body": {"too-large"}}
	for _, c := range []struct {
		name, where, method, target string
		version                     int
		body                        string
		chunked                     bool
		header                      http.Header
		want                        []string
	}{
		{name: "HTTP/1.1", version: 1, want: []string{`SERVER_PROTOCOL = "HTTP/1.1"`, `site.color = "tür;kis&=%"`}},
		{name: "h2c", version: 2, want: []string{`SERVER_PROTOCOL = "HTTP/2.0"`, "wsgi.early_hints"}},
		{name: "TLS", version: 1, where: "https://127.0.0.1:0", want: []string{"SSL_CLIENT_CERT", `HTTPS = "on"`, `SSL_TLS_SNI = "example.test"`}},
		{name: "h2", version: 2, where: "https://127.0.0.1:0", want: []string{"SSL_CLIENT_CERT", `HTTPS = "on"`}},
		{name: "IPv6", version: 2, where: "http://[::1]:0", want: []string{`REMOTE_ADDR = "::1"`}},
		{name: "unix", version: 1, where: "unix:" + h.Dir + "/s", want: []string{`SERVER_NAME = "localhost"`}},
		{name: "mount", version: 2, target: "/app/a%2Fb//c%FF?q=%20&;x", want: []string{`SCRIPT_NAME = "/app"`, `REQUEST_URI = "/app/a%2Fb//c%FF?q=%20&;x"`}},
		{name: "mount itself", version: 1, target: "/app?", want: []string{`SCRIPT_NAME = "/app"`, `PATH_INFO = ""`}},
		{name: "strip", version: 2, target: "/strip/it/a%20b", want: []string{`SCRIPT_NAME = "/strip/it"`, `PATH_INFO = "/a b"`}},
		{name: "rewritten", version: 1, target: "/other/x?y", want: []string{`PATH_INFO = "/an other/pÄth"`, `REQUEST_URI = "/other/x?y"`}},
		{name: "rewritten h2", version: 2, target: "/other/x?y", want: []string{`PATH_INFO = "/an other/pÄth"`}},
		{name: "spoofed", version: 1, header: spoofed},
		{name: "spoofed h2", version: 2, header: spoofed, target: "/app/x"},
		{name: "body", version: 1, method: "POST", body: "a=1", header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, want: []string{`CONTENT_LENGTH = "3"`, `body = b"a=1"`}},
		{name: "body h2", version: 2, method: "PUT", body: "a=1", want: []string{`CONTENT_LENGTH = "3"`}},
		{name: "empty body", version: 2, method: "POST", want: []string{`body = b""`}},
		{name: "chunked", version: 1, method: "POST", body: "ab", chunked: true, want: []string{`body = b"ab"`}},
		{name: "no length", version: 2, method: "PATCH", body: "ab", chunked: true, want: []string{`body = b"ab"`}},
		{name: "spoofed body", version: 2, method: "PATCH", body: "ab", chunked: true, header: spoofed, want: []string{`body = b"ab"`}},
		{name: "fields", version: 1, header: http.Header{"X-Two": {"a", "b"}, "Cookie": {"a=1; b=2"}, "X-Octets": {"\xff\xe4"}, "X-Empty": {""},
			"Te": {"trailers"}, "Proxy": {"x"}, "X_under": {"x"}, "Connection": {"X-Gone"}, "X-Gone": {"1"}}},
		{name: "fields h2", version: 2, header: http.Header{"X-Two": {"a", "b"}, "Cookie": {"a=1; b=2", "c=3"}, "X-Octets": {"\xff\xe4"}, "X-Empty": {""},
			"Te": {"trailers"}, "X_under": {"x"}, "Range": {"bytes=0-"}, "Accept-Encoding": {"gzip"}}},
		{name: "OPTIONS *", version: 1, method: "OPTIONS", target: "*"},
		{name: "HEAD", version: 2, method: "HEAD"},
		{name: "another method", version: 2, method: "PROPFIND"},
	} {
		t.Run(c.name, func(t *testing.T) {
			where := c.where
			if where == "" {
				where = "http://127.0.0.1:0"
			}
			url, ok := urls[where]
			if !ok {
				t.Skip("there is no such listener")
			}
			cl := client(t, c.version)
			tr := cl.Transport.(*http.Transport)
			if strings.HasPrefix(where, "https") {
				tr.Protocols.SetHTTP2(c.version == 2)
				tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, ServerName: "example.test",
					Certificates: []tls.Certificate{certificate(t, "client")}}
			}
			if path, ok := strings.CutPrefix(url, "unix:"); ok {
				url = "http://socket"
				tr.DialContext = func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }
			}
			compare(t, func() (string, error) {
				var body io.Reader
				if c.body != "" {
					body = strings.NewReader(c.body)
				}
				if c.chunked {
					body = io.MultiReader(body)
				}
				target := c.target
				if target == "" {
					target = "/"
				}
				r, err := http.NewRequest(c.method, url+strings.TrimPrefix(target, "*"), body)
				if err != nil {
					return "", err
				}
				if target == "*" {
					r.URL.Opaque = "*"
				}
				for name, values := range c.header {
					r.Header[name] = values
				}
				res, err := cl.Do(r)
				if err != nil {
					return "", err
				}
				defer res.Body.Close()
				text, err := io.ReadAll(res.Body)
				return fmt.Sprint(res.StatusCode, "\n", string(text)), err
			}, c.want...)
		})
	}
	for _, c := range []struct{ name, head, want string }{
		{"absolute form", "GET http://example.test/app/x?y HTTP/1.1\r\nHost: example.test\r\n", `SCRIPT_NAME = "/app"`},
		{"HTTP/1.0", "GET /x HTTP/1.0\r\n", `SERVER_PROTOCOL = "HTTP/1.0"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			nc, err := net.Dial("tcp", strings.TrimPrefix(urls["http://127.0.0.1:0"], "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			in := bufio.NewReader(nc)
			compare(t, func() (string, error) {
				if _, err := io.WriteString(nc, c.head+"Connection: keep-alive\r\nLarkspur-Client: peer=198.51.100.1\r\n\r\n"); err != nil {
					return "", err
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					return "", err
				}
				text, err := io.ReadAll(res.Body)
				return string(text), err
			}, c.want)
		})
	}
}
