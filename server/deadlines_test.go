package server_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// A pair is a listener of one connection, which has no buffer: who does not read stops who writes.
type pair struct {
	client net.Conn
	server chan net.Conn
}

func newPair() *pair {
	p := &pair{server: make(chan net.Conn, 1)}
	client, end := net.Pipe()
	p.client = client
	p.server <- end
	return p
}

func (p *pair) Accept() (net.Conn, error) {
	c, ok := <-p.server
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *pair) Close() error   { close(p.server); return nil }
func (p *pair) Addr() net.Addr { return p.client.LocalAddr() }

// TestSilentClients has clients of HTTP/1 that do not read, or do not send what they have announced,
// at each place where the server waits for them, in a bubble with its own time: they are given up
// within a minute.
func TestSilentClients(t *testing.T) {
	const source = `
def blocks(environ, start_response):
    start_response("200 OK", [])
    return ["x" * 300000] * 3

def one(environ, start_response):
    start_response("200 OK", [("Content-Length", "1")])
    return ["x"]

def reads(environ, start_response):
    environ["wsgi.input"].read()
    fail("unreachable")

def fails(environ, start_response):
    fail("at once")
`
	const get, post = "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
	const drain = 10 * time.Second
	tests := []struct {
		name, entry, sent string
		reads             bool // the client reads the response
	}{
		{"blocks", "blocks", get, false},
		{"one byte", "one", get, false},
		{"an error", "fails", get, false},
		{"an error, in answer to a body that does not come", "fails", post, true},
		{"a body that nobody reads", "one", post, true},
		{"a body that is read", "reads", post, true},
		{"a refusal", "one", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"a refusal of a body", "one", "POST / HTTP/1.1\r\nHost: a:b:c\r\nContent-Length: 9\r\n\r\n", true},
		{"asking for the server", "one", "OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", true},
		{"asking for the server, unread", "one", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &server.Handler{App: program(t, source+"\napp = "+test.entry, nil),
					Logger: slog.New(slog.DiscardHandler)}
				closed := make(chan struct{})
				s := &http.Server{Handler: h, ConnState: func(_ net.Conn, to http.ConnState) {
					if to == http.StateClosed {
						close(closed)
					}
				}}
				if err := server.Configure(s); err != nil {
					t.Fatal(err)
				}
				p := newPair()
				go s.Serve(p)
				began := time.Now()
				if _, err := io.WriteString(p.client, test.sent); err != nil {
					t.Fatal(err)
				}
				if test.reads {
					go io.Copy(io.Discard, p.client)
				}
				select {
				case <-closed:
					if took := time.Since(began); took < drain {
						t.Errorf("it is closed after %v", took)
					}
				case <-time.After(time.Minute + time.Second):
					t.Error("the connection is open after a minute")
				}
				p.client.Close()
				s.Close()
			})
		})
	}
}

// TestForeignStreams has a handler that is none of the server's send and receive for ten minutes,
// with pauses of five: nothing of Configure cuts it, behind a Front or without one.
func TestForeignStreams(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := control.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		b := make([]byte, 1)
		for {
			if _, err := io.ReadFull(r.Body, b); err == io.EOF {
				return
			} else if err != nil {
				t.Error(err)
				return
			}
			w.Write(b)
			control.Flush()
		}
	})
	for name, h := range map[string]http.Handler{
		"alone": echo, "behind a Front": &server.Front{Handler: echo},
		"in a mount": &server.Front{Mounts: []server.Mount{{Path: "", Handler: http.StripPrefix("", echo)}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &http.Server{Handler: h}
				if err := server.Configure(s); err != nil {
					t.Fatal(err)
				}
				p := newPair()
				go s.Serve(p)
				go func() {
					io.WriteString(p.client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
					for range 3 {
						time.Sleep(5 * time.Minute)
						io.WriteString(p.client, "x")
					}
				}()
				all, err := io.ReadAll(p.client)
				if got := strings.Count(string(all), "\r\nx\r\n"); err != nil || got != 3 {
					t.Errorf("it sent %q, %v", all, err)
				}
				s.Close()
			})
		})
	}
}
