package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// facts says what the environ of a request has of its client.
func facts(w http.ResponseWriter, r *http.Request) {
	e := new(environ.Config).New(environ.FromHTTP(r))
	get := func(key string) string {
		if v, ok, err := e.Get(starlark.String(key)); ok && err == nil {
			return strings.Trim(v.String(), `"`)
		}
		return "-"
	}
	fmt.Fprintf(w, "%s %s %s %s %s", get("REMOTE_ADDR"), get("REMOTE_PORT"), get("wsgi.url_scheme"), get("HTTP_HOST"),
		get("SERVER_PORT"))
}

// TestProxies asks through proxies, trusted and not: what counts has one source, and what does not count reaches no
// application.
func TestProxies(t *testing.T) {
	const lb, other = "10.0.0.1:4711", "192.0.2.9:4711"
	for _, test := range []struct {
		name   string
		fields server.ProxyFields
		peer   string
		head   string
		want   string // REMOTE_ADDR REMOTE_PORT scheme host SERVER_PORT
	}{
		{"nothing said", server.XForwarded, lb, "", "10.0.0.1 4711 http app.example 8000"},
		{"one proxy", server.XForwarded, lb, "X-Forwarded-For: 198.51.100.7", "198.51.100.7 - http app.example 8000"},
		{"all of it", server.XForwarded, lb,
			"X-Forwarded-For: 198.51.100.7|X-Forwarded-Proto: https|X-Forwarded-Host: www.example",
			"198.51.100.7 - https www.example 443"},
		{"a port", server.XForwarded, lb, "X-Forwarded-For: 198.51.100.7:99|X-Forwarded-Proto: https|X-Forwarded-Port: 8443",
			"198.51.100.7 99 https app.example:8443 8443"},
		{"the usual port", server.XForwarded, lb, "X-Forwarded-Proto: https|X-Forwarded-Port: 443",
			"10.0.0.1 4711 https app.example 443"},
		{"no port", server.XForwarded, lb, "X-Forwarded-Proto: https|X-Forwarded-Port: 0x1",
			"10.0.0.1 4711 https app.example 443"},
		{"port of the host", server.XForwarded, lb, "X-Forwarded-Host: www.example:81|X-Forwarded-Port: 82",
			"10.0.0.1 4711 http www.example:81 81"},
		{"spoofed at a stranger", server.XForwarded, other, "X-Forwarded-For: 127.0.0.1|X-Forwarded-Proto: https|" +
			"X-Forwarded-Host: evil.example|Forwarded: for=127.0.0.1", "192.0.2.9 4711 http app.example 8000"},
		{"spoofed before a proxy", server.XForwarded, lb, "X-Forwarded-For: 127.0.0.1, 198.51.100.7",
			"198.51.100.7 - http app.example 8000"},
		{"spoofed in another line", server.XForwarded, lb, "X-Forwarded-For: 127.0.0.1|X-Forwarded-For: 198.51.100.7",
			"198.51.100.7 - http app.example 8000"},
		{"spoofed as a proxy", server.XForwarded, lb, "X-Forwarded-For: 127.0.0.1, 10.9.9.9, 198.51.100.7",
			"198.51.100.7 - http app.example 8000"},
		{"two proxies", server.XForwarded, lb,
			"X-Forwarded-For: 127.0.0.1, 198.51.100.7, 10.0.0.2|X-Forwarded-Proto: http, https, http",
			"198.51.100.7 - https app.example 443"},
		{"proxies only", server.XForwarded, lb, "X-Forwarded-For: 10.0.0.3, 10.0.0.2", "10.0.0.3 - http app.example 8000"},
		{"garbage", server.XForwarded, lb, "X-Forwarded-For: 198.51.100.7, nobody", "- - http app.example 8000"},
		{"garbage further out", server.XForwarded, lb, "X-Forwarded-For: \x01, 198.51.100.7", "198.51.100.7 - http app.example 8000"},
		{"IPv6", server.XForwarded, lb, "X-Forwarded-For: 2001:db8::1", "2001:db8::1 - http app.example 8000"},
		{"IPv6 in brackets", server.XForwarded, lb, "X-Forwarded-For: [2001:db8::1]:99", "2001:db8::1 99 http app.example 8000"},
		{"IPv4 in IPv6", server.XForwarded, "[::ffff:10.0.0.1]:1", "X-Forwarded-For: ::ffff:198.51.100.7",
			"198.51.100.7 - http app.example 8000"},
		{"the other field", server.XForwarded, lb, "Forwarded: for=127.0.0.1;proto=https;host=evil.example",
			"10.0.0.1 4711 http app.example 8000"},
		{"the other fields", server.Forwarded, lb, "X-Forwarded-For: 127.0.0.1|X-Forwarded-Proto: https",
			"10.0.0.1 4711 http app.example 8000"},
		{"no fields", server.NoFields, lb, "X-Forwarded-For: 127.0.0.1|Forwarded: for=127.0.0.1",
			"10.0.0.1 4711 http app.example 8000"},
		{"Forwarded", server.Forwarded, lb, `Forwarded: For="[2001:db8:cafe::17]:4711";proto=https;host="www.example:8443"`,
			"2001:db8:cafe::17 4711 https www.example:8443 8443"},
		{"several Forwarded", server.Forwarded, lb, `Forwarded: for=127.0.0.1|Forwarded: for=192.0.2.43, for="10.1.1.1";by=_x`,
			"192.0.2.43 - http app.example 8000"},
		{"each speaks for one", server.Forwarded, lb, `Forwarded: for=198.51.100.7;proto=https, for=10.0.0.2;proto=http`,
			"198.51.100.7 - https app.example 443"},
		{"unknown", server.Forwarded, lb, `Forwarded: for=unknown;proto=https`, "- - https app.example 443"},
		{"obfuscated", server.Forwarded, lb, `Forwarded: for="_gazonk"`, "- - http app.example 8000"},
		{"obfuscated port", server.Forwarded, lb, `Forwarded: for="192.0.2.43:_p0rt"`, "192.0.2.43 - http app.example 8000"},
		{"empty elements", server.Forwarded, lb, `Forwarded: , ,for=192.0.2.43;;,`, "192.0.2.43 - http app.example 8000"},
		{"an open quote", server.Forwarded, lb, `Forwarded: for="127.0.0.1, for=198.51.100.7`, "400"},
		{"twice for", server.Forwarded, lb, `Forwarded: for=127.0.0.1;for=198.51.100.7`, "400"},
		{"a wrong host", server.XForwarded, lb, "X-Forwarded-Host: a/b", "400"},
		{"a unix socket", server.XForwarded, "@", "X-Forwarded-For: 198.51.100.7", "198.51.100.7 - http app.example 8000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := server.ParseProxies("10.0.0.0/8", "unix", "2001:db8:ffff::1")
			if err != nil {
				t.Fatal(err)
			}
			p.Fields = test.fields
			var reached http.Header
			f := &server.Front{Proxies: p, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				reached = r.Header
				facts(w, r)
			})}
			r := httptest.NewRequest("GET", "/", nil)
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey,
				&net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 8000}))
			r.Host, r.RemoteAddr = "app.example", test.peer
			r.Header.Set("X-Real-Ip", "127.0.0.1")
			if test.head != "" {
				for line := range strings.SplitSeq(test.head, "|") {
					name, value, _ := strings.Cut(line, ": ")
					r.Header.Add(name, value)
				}
			}
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r)
			got := w.Body.String()
			if w.Code != http.StatusOK {
				got = fmt.Sprint(w.Code)
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if len(reached) > 0 {
				t.Errorf("the application sees %v", reached)
			}
		})
	}
}

// TestProxyRequestID takes the id of a request from a trusted proxy only, if it is one.
func TestProxyRequestID(t *testing.T) {
	p, err := server.ParseProxies("10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	var failed string
	f := &server.Front{Proxies: p, Logger: silence, ErrorPage: func(w http.ResponseWriter, _ *http.Request, f *server.Failure) {
		failed = f.RequestID
	}}
	for _, test := range []struct {
		peer, id string
		taken    bool
	}{
		{"10.0.0.1:1", "abc-123", true}, {"10.0.0.2:1", "abc-123", false}, {"10.0.0.1:1", "a b", false},
		{"10.0.0.1:1", strings.Repeat("x", 129), false}, {"10.0.0.1:1", "", false},
	} {
		r := httptest.NewRequest("GET", "/nowhere", nil)
		r.RemoteAddr = test.peer
		r.Header.Set("X-Request-Id", test.id)
		f.ServeHTTP(httptest.NewRecorder(), r)
		if (failed == test.id) != test.taken || failed == "" {
			t.Errorf("%s of %s: the id is %q", test.id, test.peer, failed)
		}
	}
}

// silence is a log that nobody reads.
var silence = slog.New(slog.DiscardHandler)

// TestParseProxies says what is no network.
func TestParseProxies(t *testing.T) {
	for _, s := range []string{"", "localhost", "10.0.0.0/33", "10.0.0", "fe80::1%eth0"} {
		if _, err := server.ParseProxies(s); err == nil {
			t.Errorf("%q is a network", s)
		}
	}
}

// v2 is a header of version 2, of what follows its signature.
func v2(rest string) string {
	b, err := hex.DecodeString(strings.ReplaceAll("0d0a0d0a000d0a515549540a"+rest, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// proxyVectors are headers of the PROXY protocol, as its specification has them, and what becomes of the request behind
// them. The connection itself is between 127.0.0.1 and the listener.
var proxyVectors = []struct{ name, header, want string }{
	{"v1 TCP4", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1 56324 443"},
	{"v1 TCP6", "PROXY TCP6 2001:db8::1 2001:db8::2 65535 443\r\n", "2001:db8::1 65535 443"},
	{"v1 longest", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535 65535"},
	{"v1 UNKNOWN", "PROXY UNKNOWN\r\n", "127.0.0.1"},
	{"v1 UNKNOWN, longest", "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff " +
		"65535 65535\r\n", "127.0.0.1"},
	{"v1 without CR", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n", ""},
	{"v1 too long", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443" + strings.Repeat(" ", 200) + "\r\n", ""},
	{"v1 port", "PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n", ""},
	{"v1 address", "PROXY TCP4 192.168.0.256 192.168.0.11 1 443\r\n", ""},
	{"v1 family", "PROXY TCP5 192.168.0.1 192.168.0.11 1 443\r\n", ""},
	{"v2 TCP4", v2("21 11 000c c0a80001 c0a8000b dc04 01bb"), "192.168.0.1 56324 443"},
	{"v2 TCP6", v2("21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 ffff 01bb"),
		"2001:db8::1 65535 443"},
	{"v2 with values behind", v2("21 11 0013 c0a80001 c0a8000b dc04 01bb 04 0004 00000000"), "192.168.0.1 56324 443"},
	{"v2 LOCAL", v2("20 00 0000"), "127.0.0.1"},
	{"v2 LOCAL with addresses", v2("20 11 000c c0a80001 c0a8000b dc04 01bb"), "127.0.0.1"},
	{"v2 of UDP", v2("21 12 000c c0a80001 c0a8000b dc04 01bb"), ""},
	{"v2 command", v2("22 11 000c c0a80001 c0a8000b dc04 01bb"), ""},
	{"v2 version", v2("11 11 000c c0a80001 c0a8000b dc04 01bb"), ""},
	{"v2 too short", v2("21 11 0004 c0a80001"), ""},
	{"none", "", ""},
}

// TestProxyProtocol connects as a trusted proxy does, with each header, by cleartext and TLS, and over HTTP/2; and as
// somebody else, of whom no header is taken.
func TestProxyProtocol(t *testing.T) {
	p, err := server.ParseProxies("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	p.Protocol, p.Fields = true, server.NoFields
	front := &server.Front{Proxies: p, Logger: silence, Handler: http.HandlerFunc(facts)}
	for _, scheme := range []string{"http", "https"} {
		l := open(t, scheme)
		l.Proxies = p
		serveGroup(t, &server.Group{Handler: front, Logger: silence}, l)
		for _, test := range proxyVectors {
			for _, protocol := range []string{"http/1.1", "h2"} {
				if protocol == "h2" && (scheme == "http" || test.name != "v2 TCP6") {
					continue
				}
				name := scheme + " " + protocol + " " + test.name
				c := dial(t, l.Addr().String(), nil)
				if _, err := io.WriteString(c, test.header); err != nil {
					t.Fatal(err)
				}
				got := askBehind(c, scheme, protocol)
				if test.want == "" && got == "" {
					continue
				}
				f := strings.Fields(got)
				if len(f) != 5 || test.want == "" {
					t.Errorf("%s: got %q, want %q", name, got, test.want)
					continue
				}
				if test.want == "127.0.0.1" {
					f = f[:1]
				} else {
					f = []string{f[0], f[1], f[4]}
				}
				if s := strings.Join(f, " "); s != test.want {
					t.Errorf("%s: got %q, want %q", name, s, test.want)
				}
			}
		}
	}
	l := open(t, "http")
	strangers := *p
	strangers.Networks = nil
	l.Proxies = &strangers
	serveGroup(t, &server.Group{Handler: front, Logger: silence}, l)
	for header, want := range map[string]string{"": "127.0.0.1", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n": ""} {
		c := dial(t, l.Addr().String(), nil)
		if _, err := io.WriteString(c, header); err != nil {
			t.Fatal(err)
		}
		if got := askBehind(c, "http", "http/1.1"); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("a stranger with %q gets %q", header, got)
		}
	}
}

// TestProxyProtocolInParts verifies that a header which comes a byte at a time is read as one that comes at once.
func TestProxyProtocolInParts(t *testing.T) {
	for _, test := range proxyVectors {
		if test.want == "" {
			continue
		}
		proxy, here := net.Pipe()
		go func() {
			for _, b := range []byte(test.header + "GET") {
				_, _ = proxy.Write([]byte{b})
			}
		}()
		var rest [3]byte
		c, err := server.ReadProxy(here)
		if err == nil {
			_, err = io.ReadFull(c, rest[:])
		}
		if err != nil || string(rest[:]) != "GET" {
			t.Errorf("%s: %v, behind it %q", test.name, err, rest)
		}
		proxy.Close()
	}
}

// askBehind asks on a connection, behind what was written to it already. It returns "" if there is no answer of the
// application.
func askBehind(c net.Conn, scheme, protocol string) string {
	if scheme == "https" {
		secure := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
		if secure.Handshake() != nil {
			return ""
		}
		c = secure
	}
	if protocol == "h2" {
		transport := &http.Transport{ForceAttemptHTTP2: true,
			DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }}
		defer transport.CloseIdleConnections()
		res, err := (&http.Client{Transport: transport}).Get("https://app.example/")
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return string(body)
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n"); err != nil {
		return ""
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	var body bytes.Buffer
	_, _ = io.Copy(&body, res.Body)
	return body.String()
}

// FuzzForwarded verifies that what a client puts before what a proxy adds never changes whom that names, or has the
// request be refused.
func FuzzForwarded(f *testing.F) {
	for _, s := range []string{"for=1", `for="a\"b"`, "for=a, ,for=b;proto=x", `"`, `for="`, "for=a;for=b", "=", ";,", `x="\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, values := range [][]string{{s + ", for=192.0.2.43"}, {s, "for=192.0.2.43"}} {
			clients, err := server.ReadForwarded(values...)
			if err == nil && (len(clients) == 0 || clients[len(clients)-1] != "192.0.2.43") {
				t.Errorf("%q names %q", values, clients)
			}
			if err == nil && slices.Contains(clients, "\n") {
				t.Errorf("%q names %q", values, clients)
			}
		}
	})
}
