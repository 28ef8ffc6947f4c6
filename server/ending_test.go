package server_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
)

// breaking is an application that answers "half", and fails in the way that the path says.
const breaking = `
def app(environ, start_response):
    way = environ["PATH_INFO"]
    fields = [("Content-Type", "text/plain")]
    if way == "/length":
        fields.append(("Content-Length", "8"))
    write = start_response("200 OK", fields)
    def stream(s):
        s.write("half")
        if way == "/stream":
            fail("the second half cannot be made")
        while True: # the limit of steps
            pass
    if way in ("/stream", "/limit"):
        return stream
    write("half")
    if way == "/write":
        fail("the second half cannot be made")
    if way == "/block":
        return ["", 1]
    if way == "/length":
        return []
    fail("there is no way " + way)
`

// until reads a connection to its end, and returns what came and how it ended.
func until(c net.Conn) (string, error) {
	text, err := io.ReadAll(c)
	return string(text), err
}

// forms are the heads of requests whose response may end with the connection.
var forms = map[string]string{
	"HTTP/1.0":            " HTTP/1.0\r\n\r\n",
	"HTTP/1.0 keep-alive": " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"HTTP/1.1 close":      " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
}

// TestBrokenOff breaks responses off in every way, behind TLS too: what has come is read, and then
// the connection is reset, which no client takes for the end of a whole response. TLS, which would
// say that it has ended in order, says nothing.
func TestBrokenOff(t *testing.T) {
	app, err := runtime.Load(&runtime.Config{Limits: runtime.Limits{Steps: 10_000},
		FS: fstest.MapFS{"app.star": {Data: []byte(breaking)}}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	quiet := slog.New(slog.DiscardHandler)
	mux.Handle("/", &server.Handler{App: app, Logger: quiet})
	mux.HandleFunc("/panic", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/outer", func(w http.ResponseWriter, r *http.Request) {
		(&server.Front{Handler: says("half")}).ServeHTTP(w, r)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	ways := []string{"stream", "limit", "write", "block", "length", "panic", "outer"}
	overForms(t, mux, func(t *testing.T, dial func() net.Conn, form string) {
		for _, way := range ways {
			c := dial()
			io.WriteString(c, "GET /"+way+form)
			if got, err := until(c); !strings.Contains(got, "half") || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: %q, and the end is %v", way, got, err)
			}
		}
	})
}

// overForms serves h on a listener of each scheme and runs the test for each form.
func overForms(t *testing.T, h http.Handler, test func(t *testing.T, dial func() net.Conn, form string)) {
	for _, scheme := range []string{"http", "https"} {
		l := open(t, scheme)
		serveGroup(t, &server.Group{Handler: h}, l)
		for name, form := range forms {
			t.Run(scheme+" "+name, func(t *testing.T) {
				test(t, func() net.Conn { return dial(t, l.Addr().String(), clientOf(scheme)) }, form)
			})
		}
	}
}

func clientOf(scheme string) *tls.Config {
	if scheme == "http" {
		return nil
	}
	return &tls.Config{InsecureSkipVerify: true}
}

// TestCutAtTheEnd ends a group whose time to drain is over: what is cut off is seen to be.
func TestCutAtTheEnd(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		for name, form := range forms {
			l, h := open(t, scheme), newSlow()
			g := serveGroup(t, &server.Group{Handler: h, Drain: time.Millisecond}, l)
			c := dial(t, l.Addr().String(), clientOf(scheme))
			io.WriteString(c, "GET /"+form)
			<-h.begun
			if err := g.ends(); err == nil {
				t.Errorf("%s %s: nothing was cut off", scheme, name)
			}
			if got, err := until(c); !strings.Contains(got, "first") || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s %s: %q, and the end is %v", scheme, name, got, err)
			}
		}
	}
}

// TestWholeEnd ends whole responses in order, also to a client that reads late, and one that a
// handler which took the connection over has ended.
func TestWholeEnd(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<16)
	mux := http.NewServeMux()
	mux.Handle("/", &server.Front{Handler: says(large)})
	mux.Handle("/flushed", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		io.WriteString(w, large)
	}))
	mux.Handle("/hijacked", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\n"+large)
		c.Close()
	}))
	overForms(t, mux, func(t *testing.T, dial func() net.Conn, form string) {
		for _, path := range []string{"/", "/flushed", "/hijacked"} {
			c := dial()
			io.WriteString(c, "GET "+path+form)
			r := bufio.NewReader(c)
			if _, err := r.Peek(1); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			if err != nil || string(got) != large {
				t.Errorf("%s: %d bytes, %v", path, len(got), err)
			}
			if res.Close {
				if _, err := r.ReadByte(); err != io.EOF {
					t.Errorf("%s: the end is %v", path, err)
				}
			}
		}
	})
}
