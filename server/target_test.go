package server_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
)

// located answers with what the environ says of where a request goes.
const located = `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" ".join([environ["PATH_INFO"], environ["QUERY_STRING"], environ["SERVER_PROTOCOL"], environ.get("HTTP_HOST", "-")])]
`

// TestTargets sends the forms of a request target, and what looks like one: RFC 9112, section 3.2.
// A body of "" is one that the server has answered itself.
func TestTargets(t *testing.T) {
	cleartext, secure := startGroup(t, located, false)
	tests := []struct {
		line, host string
		status     int
		body       string
	}{
		{"GET / HTTP/1.1", "a", 200, "/  HTTP/1.1 a"},
		{"GET //a/b HTTP/1.1", "a", 200, "//a/b  HTTP/1.1 a"},
		{"GET http://a HTTP/1.1", "a", 200, "/  HTTP/1.1 a"},
		{"GET http://a?q=1 HTTP/1.1", "a", 200, "/ q=1 HTTP/1.1 a"},
		{"GET HTTP://A/x HTTP/1.1", "a", 200, "/x  HTTP/1.1 A"},
		{"GET http://a:80/x HTTP/1.1", "a", 200, "/x  HTTP/1.1 a:80"},
		{"GET http://a:/x HTTP/1.1", "a:80", 200, "/x  HTTP/1.1 a:"},
		{"GET http://a/x HTTP/1.1", "A:80", 200, "/x  HTTP/1.1 a"},
		{"GET https://a:443/x HTTP/1.1", "a", 200, "/x  HTTP/1.1 a:443"},
		{"GET http://[::1]:80/ HTTP/1.1", "[::1]", 200, "/  HTTP/1.1 [::1]:80"},
		{"OPTIONS /x HTTP/1.1", "a", 200, "/x  HTTP/1.1 a"},
		{"OPTIONS http://a/ HTTP/1.1", "a", 200, "/  HTTP/1.1 a"},
		{"OPTIONS * HTTP/1.1", "a", 200, ""},
		{"OPTIONS http://a HTTP/1.1", "a", 200, ""},
		{"GET / HTTP/1.0", "a", 200, "/  HTTP/1.0 a"},
		{"GET / HTTP/1.2", "a", 200, "/  HTTP/1.1 a"},
		{"GET / HTTP/1.9", "a", 200, "/  HTTP/1.1 a"},
		{"GET / HTTP/3.0", "a", 505, ""},
		{"GET / HTTP/1.10", "a", 400, ""},
		{"GET * HTTP/1.1", "a", 400, ""},
		{"POST * HTTP/1.1", "a", 400, ""},
		{"OPTIONS ** HTTP/1.1", "a", 400, ""},
		{"OPTIONS *?q HTTP/1.1", "a", 400, ""},
		{"GET a:443 HTTP/1.1", "a:443", 400, ""},
		{"GET 127.0.0.1:443 HTTP/1.1", "a", 400, ""},
		{"GET a HTTP/1.1", "a", 400, ""},
		{"GET ?q HTTP/1.1", "a", 400, ""},
		{"GET mailto:x HTTP/1.1", "a", 400, ""},
		{"GET http:x HTTP/1.1", "a", 400, ""},
		{"GET http:/x HTTP/1.1", "a", 400, ""},
		{"GET http:///x HTTP/1.1", "a", 400, ""},
		{"GET http://:80/x HTTP/1.1", "a", 400, ""},
		{"GET http:// HTTP/1.1", "a", 400, ""},
		{"GET ftp://a/x HTTP/1.1", "a", 400, ""},
		{"GET ws://a/x HTTP/1.1", "a", 400, ""},
		{"GET http://u@a/x HTTP/1.1", "a", 400, ""},
		{"GET http://a:443/x HTTP/1.1", "a", 400, ""},
		{"GET https://a:80/x HTTP/1.1", "a", 400, ""},
		{"GET http://a/x HTTP/1.1", "b", 400, ""},
		{"CONNECT a:443 HTTP/1.1", "a:443", 501, ""},
		{"CONNECT /x HTTP/1.1", "a", 501, ""},
	}
	for mode, open := range map[string]func() net.Conn{
		"cleartext": func() net.Conn { return dial(t, cleartext, nil) },
		"TLS":       func() net.Conn { return dial(t, secure, &tls.Config{InsecureSkipVerify: true}) },
	} {
		for _, test := range tests {
			c := open()
			if _, err := io.WriteString(c, test.line+"\r\nHost: "+test.host+"\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Errorf("%s, %s: %v", mode, test.line, err)
				continue
			}
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != test.status || test.status == 200 && string(body) != test.body {
				t.Errorf("%s, %s: got %d %q, want %d %q", mode, test.line, res.StatusCode, body,
					test.status, test.body)
			}
		}
	}
}

// TestTargetsHTTP2 has the same rules for HTTP/2, where a target has fields of its own. A status of
// 0 is a stream that is reset.
func TestTargetsHTTP2(t *testing.T) {
	cleartext, secure := startGroup(t, located, false)
	tests := []struct {
		method, scheme, authority, path, host string
		status                                int
	}{
		{"GET", "http", "a", "/", "", 200},
		{"GET", "http", "a", "/", "a:80", 200},
		{"GET", "http", "a:80", "/", "A", 200},
		{"GET", "https", "a:443", "/", "a", 200},
		{"GET", "https", "a", "/", "a:", 200},
		{"OPTIONS", "http", "a", "*", "", 200},
		{"GET", "http", "a:443", "/", "a", 0},
		{"GET", "https", "a:80", "/", "a", 0},
		{"GET", "http", "a", "/", "b", 0},
		{"GET", "http", "a", "*", "", 0},
		{"GET", "http", "a", "http://a/", "", 0},
		{"GET", "http", "a", "x", "", 0},
		{"OPTIONS", "http", "a", "*?q", "", 0},
	}
	for mode, open := range map[string]func() net.Conn{
		"cleartext": func() net.Conn { return dial(t, cleartext, nil) },
		"TLS": func() net.Conn {
			return dial(t, secure, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		},
	} {
		for _, test := range tests {
			fields := [][2]string{{":method", test.method}, {":scheme", test.scheme},
				{":authority", test.authority}, {":path", test.path}}
			if test.host != "" {
				fields = append(fields, [2]string{"host", test.host})
			}
			if got := ask2(t, open(), fields); got != test.status {
				t.Errorf("%s, %v: got %d, want %d", mode, test, got, test.status)
			}
		}
	}
}
