package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// echo answers with what the gateway made of the request.
const echo = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["REQUEST_METHOD"], " ", environ["REQUEST_URI"], " ", environ.get("HTTP_X_A", "-"), " ", environ.get("HTTP_PROXY", "-")]
`

// startGroup serves a script on a cleartext and a TLS listener, and returns their addresses.
func startGroup(t *testing.T, script string, xnet bool) (cleartext, secure string) {
	t.Helper()
	app, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(script)}}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	config := &tls.Config{Certificates: certified.TLS.Certificates}
	var listeners []*server.Listener
	for _, where := range []string{"http://127.0.0.1:0", "https://127.0.0.1:0"} {
		l, err := server.Listen(where, config)
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	g := server.Group{Handler: &server.Handler{App: app, Logger: quiet}, Drain: patience, XNet: xnet, Logger: quiet}
	go func() { served <- g.Serve(ctx, listeners...) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return listeners[0].Addr().String(), listeners[1].Addr().String()
}

func dial(t *testing.T, addr string, config *tls.Config) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		c = tls.Client(c, config)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGateHTTP1 sends raw requests that net/http, or Go's HTTP/2 server, would answer. A status of 0 is a
// connection that ends without an answer.
func TestGateHTTP1(t *testing.T) {
	cleartext, secure := startGroup(t, echo, false)
	tests := []struct {
		name, request string
		status        int
		body          string
	}{
		{"plain", "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n", 200, "GET /a?b - -"},
		{"any method", "QUERY / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "QUERY / - -"},
		{"absolute form", "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 200, "GET http://a/x - -"},
		{"underscore", "GET / HTTP/1.1\r\nHost: a\r\nX_A: evil\r\nX-A: good\r\n\r\n", 200, "GET / good -"},
		{"httpoxy", "GET / HTTP/1.1\r\nHost: a\r\nProxy: evil\r\n\r\n", 200, "GET / - -"},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, "GET / - -"},
		{"length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""},
		{"two equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400, ""},
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400, ""},
		{"negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\na", 400, ""},
		{"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""},
		{"unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, ""},
		{"bad chunk size, body unread", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400, ""},
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400, ""},
		{"folded field", "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\n\r\n", 400, ""},
		{"authority against Host", "GET http://evil/x HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
		{"userinfo in Host", "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400, ""},
		{"path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, ""},
		{"port that is none", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, ""},
		{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, ""},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, ""},
		{"two types", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Type: a/b\r\nContent-Type: a/c\r\n\r\n", 400, ""},
		{"fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
		{"backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
		{"UTF-8 that is not encoded", "GET /\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
		{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
		{"bad escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
		{"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501, ""},
		{"method that is no token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, ""},
		{"unknown expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: foo\r\n\r\n", 417, ""},
		{"513 fields", "GET / HTTP/1.1\r\nHost: a\r\n" + numbered(513) + "\r\n", 431, ""},
		{"512 fields", "GET / HTTP/1.1\r\nHost: a\r\n" + numbered(512) + "\r\n", 200, "GET / - -"},
		{"head of 100 KB", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X-A: 0123456789\r\n", 6000) + "\r\n", 431, ""},
	}
	for mode, c := range map[string]func() net.Conn{
		"cleartext": func() net.Conn { return dial(t, cleartext, nil) },
		"TLS":       func() net.Conn { return dial(t, secure, &tls.Config{InsecureSkipVerify: true}) },
	} {
		for _, tt := range tests {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				c := c()
				if _, err := io.WriteString(c, tt.request); err != nil {
					t.Fatal(err)
				}
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(res.Body)
				if res.StatusCode != tt.status || tt.status == 200 && string(body) != tt.body {
					t.Errorf("got %d %q, want %d %q", res.StatusCode, body, tt.status, tt.body)
				}
			})
		}
	}
}

// numbered returns n header fields.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "F%d: v\r\n", i)
	}
	return b.String()
}

// TestGatePipeline answers what came before a request that is refused, and nothing after it.
func TestGatePipeline(t *testing.T) {
	cleartext, _ := startGroup(t, echo, false)
	c := dial(t, cleartext, nil)
	fmt.Fprint(c, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n")
	all, _ := io.ReadAll(c) // the connection may be reset, for there is more to read
	var got []string
	r := bufio.NewReader(bytes.NewReader(all))
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		body, _ := io.ReadAll(res.Body)
		got = append(got, fmt.Sprintf("%d %.7s", res.StatusCode, body))
	}
	if want := "[200 GET /1  200 POST /2 400 400 Bad]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestGateHTTP2 does the same over HTTP/2, where a malformed request may also be answered by a reset stream
// (RFC 9113, section 8.1.1), here 0.
func TestGateHTTP2(t *testing.T) {
	t.Run("Larkspur", func(t *testing.T) { testGateHTTP2(t, false) })
	t.Run("x-net", func(t *testing.T) { testGateHTTP2(t, true) })
}

func testGateHTTP2(t *testing.T, xnet bool) {
	cleartext, secure := startGroup(t, echo, xnet)
	plain := [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}}
	with := func(fields ...[2]string) [][2]string { // replaces, or adds
		all := append([][2]string(nil), plain...)
	next:
		for _, f := range fields {
			for i := range plain {
				if all[i][0] == f[0] {
					all[i] = f
					continue next
				}
			}
			all = append(all, f)
		}
		return all
	}
	tests := []struct {
		name   string
		fields [][2]string
		want   []int
	}{
		{"plain", plain, []int{200}},
		{"underscore", with([2]string{"x_under", "1"}, [2]string{"x-under", "2"}), []int{200}},
		{"method that is no token", with([2]string{":method", "GE T"}), []int{400, 0}},
		{"two lengths", with([2]string{"content-length", "5"}, [2]string{"content-length", "6"}), []int{400, 0}},
		{"negative length", with([2]string{"content-length", "-1"}), []int{400, 0}},
		{"host against authority", with([2]string{"host", "evil"}), []int{400, 0}},
		{"two hosts", with([2]string{"host", "a"}, [2]string{"host", "b"}), []int{400, 0}},
		{"odd authority", with([2]string{":authority", "a b<>"}), []int{400, 0}},
		{"userinfo", with([2]string{":authority", "user@a"}), []int{400, 0}},
		{"absolute path", with([2]string{":path", "http://evil/x"}), []int{400, 0}},
		{"fragment", with([2]string{":path", "/info#frag"}), []int{400, 0}},
		{"backslash", with([2]string{":path", `/info\x`}), []int{400, 0}},
		{"blank", with([2]string{":path", "/info /../x"}), []int{400, 0}},
		{"bad escape", with([2]string{":path", "/%zz"}), []int{400, 0}},
		{"transfer-encoding", with([2]string{"transfer-encoding", "chunked"}), []int{400, 0}},
		{"connection", with([2]string{"connection", "close"}), []int{400, 0}},
		{"two types", with([2]string{"content-type", "a/b"}, [2]string{"content-type", "a/c"}), []int{400, 0}},
		{"CONNECT", [][2]string{{":method", "CONNECT"}, {":authority", "user@evil"}}, []int{400, 501, 0}},
	}
	for mode, open := range map[string]func() net.Conn{
		"cleartext": func() net.Conn { return dial(t, cleartext, nil) },
		"TLS": func() net.Conn {
			return dial(t, secure, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		},
	} {
		for _, tt := range tests {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				got := ask2(t, open(), tt.fields)
				for _, want := range tt.want {
					if got == want {
						return
					}
				}
				t.Errorf("got %d, want one of %v", got, tt.want)
			})
		}
	}
}

// ask2 sends one request of HTTP/2, and returns its status, 0 if the stream is reset.
func ask2(t *testing.T, c net.Conn, fields [][2]string) int {
	t.Helper()
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := http2.NewFramer(c, c)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, field := range fields {
		if err := e.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true}); err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			var status int
			fmt.Sscan(frame.PseudoValue("status"), &status)
			return status
		case *http2.RSTStreamFrame:
			return 0
		case *http2.GoAwayFrame:
			t.Fatalf("the connection ends with %v", frame.ErrCode)
		}
	}
}

// TestHTTPOnHTTPS tells a client in cleartext what the port speaks.
func TestHTTPOnHTTPS(t *testing.T) {
	_, secure := startGroup(t, echo, false)
	c := dial(t, secure, nil)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	got, _ := io.ReadAll(c)
	if !strings.HasPrefix(string(got), "HTTP/1.0 400 ") || !strings.Contains(string(got), "https://") {
		t.Errorf("got %q", got)
	}
}
