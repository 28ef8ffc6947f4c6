package push_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

// TestWriter verifies that a handler can do behind a push.Handler what it can do without.
func TestWriter(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/flush", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "one ")
		w.(http.Flusher).Flush()
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("flush: %v", err)
		}
		io.WriteString(w, "two")
	})
	mux.HandleFunc("/copy", func(w http.ResponseWriter, r *http.Request) {
		if n, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("copied")); n != 6 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	mux.HandleFunc("/deadline", func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if err := errors.Join(c.SetWriteDeadline(time.Now().Add(time.Minute)),
			c.SetReadDeadline(time.Time{}), c.EnableFullDuplex()); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		rw.WriteString("HTTP/1.1 299 Mine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		rw.Flush()
	})
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>; rel=preload; x-http2-push-only")
	})
	mux.HandleFunc("/abort", func(w http.ResponseWriter,
		r *http.Request) {
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/pusher", func(w http.ResponseWriter, r *http.Request) {
		if err := w.(http.Pusher).Push("/a.css", nil); err != http.ErrNotSupported {
			t.Errorf("push: %v", err)
		}
	})
	s := httptest.NewServer(&push.Handler{Next: mux})
	defer s.Close()
	for _, c := range []struct {
		target string
		status int
		body   string
	}{
		{"/flush", 200, "one two"}, {"/copy", 200, "copied"}, {"/deadline", 200, ""},
		{"/hijack", 299, ""}, {"/nothing", 200, ""}, {"/pusher", 200, ""},
	} {
		res, err := s.Client().Get(s.URL + c.target)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if res.StatusCode != c.status || string(body) != c.body || err != nil ||
			res.Header["Link"] != nil {
			t.Errorf("%s: %d %q, %v, %v", c.target, res.StatusCode, body, res.Header, err)
		}
	}
	if _, err := s.Client().Get(s.URL + "/abort"); err == nil {
		t.Error("a handler that breaks off has a response")
	}
}

// A sink is a ResponseWriter that tells whether its ReadFrom was used.
type sink struct {
	promiser
	read bool
}

func (s *sink) ReadFrom(r io.Reader) (int64, error) {
	s.read = true
	return io.Copy(struct{ io.Writer }{s.promiser}, r)
}

// TestReadFrom verifies that bytes of a file go past the plan, unless it must see them, and that it
// then does.
func TestReadFrom(t *testing.T) {
	tagged := true
	h := &push.Handler{Policy: new(push.Policy),
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				w.Header().Set("Link", "</a>; rel=preload")
				return
			}
			if tagged {
				w.Header().Set("ETag", `"1"`)
			}
			io.Copy(w, struct{ io.Reader }{strings.NewReader("body")})
		})}
	for _, tagged = range []bool{true, false} {
		c := newConn()
		w := &sink{promiser: promiser{&response{httptest.NewRecorder(), c, nil}}}
		r := httptest.NewRequest("GET", "/a", nil)
		r.Host = "example.com:8000"
		h.ServeHTTP(w, r)
		if w.read != tagged || w.Body.String() != "body" {
			t.Errorf("with ETag %v: ReadFrom used: %v, body %q", tagged, w.read, w.Body)
		}
		if c.get(t, h, "GET", "/"); len(c.promises) != 0 {
			t.Errorf("with ETag %v: what was read from is promised again", tagged)
		}
	}
}

// TestUnwrap verifies that the connection is found behind other writers.
func TestUnwrap(t *testing.T) {
	c := newConn()
	inner := &push.Handler{Next: site{"/": page("</a>; rel=preload")}, Policy: new(push.Policy)}
	c.get(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(wrapped{w}, r)
	}), "GET", "/")
	if len(c.promises) != 1 {
		t.Errorf("promised %q", c.targets())
	}
}

type wrapped struct{ w http.ResponseWriter }

func (w wrapped) Header() http.Header         { return w.w.Header() }
func (w wrapped) Write(b []byte) (int, error) { return w.w.Write(b) }
func (w wrapped) WriteHeader(status int)      { w.w.WriteHeader(status) }
func (w wrapped) Unwrap() http.ResponseWriter { return w.w }

// TestPlainHTTP1 speaks HTTP/1.1 by hand: no 103 unless it is switched on, and none over HTTP/1.0.
func TestPlainHTTP1(t *testing.T) {
	h := early([]string{"</a>; rel=preload"}, http.Header{"Link": {"</a>; rel=preload"}})
	for _, c := range []struct {
		on   bool
		req  string
		want string
	}{
		{false, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK"},
		{true, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 103 Early Hints"},
		{true, "GET / HTTP/1.0\r\nHost: h\r\n\r\n", "HTTP/1.0 200 OK"},
	} {
		s := httptest.NewServer(&push.Handler{Next: h, Policy: &push.Policy{HintHTTP1: c.on}})
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, c.req)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if strings.TrimSpace(line) != c.want || err != nil {
			t.Errorf("on %v, %.15q: %q, %v, want %q", c.on, c.req, line, err, c.want)
		}
		conn.Close()
		s.Close()
	}
}

// TestCrowd has a thousand links on one response, for a hundred clients at once: limits hold, and
// nothing is left behind.
func TestCrowd(t *testing.T) {
	link := strings.Repeat("</x%d>; rel=preload, ", 1)
	var links []string
	for i := range 1000 {
		links = append(links, strings.ReplaceAll(link, "%d",
			strings.Repeat("y", i%200)+string(rune('a'+i%26))))
	}
	before := runtime.NumGoroutine()
	h := &push.Handler{Next: site{"/": page(links...)}, Policy: new(push.Policy)}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			c := newConn()
			w := c.get(t, h, "GET", "/")
			if n := len(c.promises); n > 10 || w.Code != 200 {
				t.Errorf("%d promises, status %d", n, w.Code)
			}
		})
	}
	wg.Wait()
	for i := 0; runtime.NumGoroutine() > before+2; i++ {
		if i == 100 {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestIdle verifies that a request that pushes nothing costs one allocation, and that its plan is
// made when it is asked for something, by any number of goroutines.
func TestIdle(t *testing.T) {
	var next http.HandlerFunc
	h := &push.Handler{Policy: new(push.Policy), Next: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { next(w, r) })}
	r := httptest.NewRequest("GET", "/", nil)
	w := &void{header: http.Header{}}
	next = func(w http.ResponseWriter, r *http.Request) {
		if push.From(w).Accepts() || push.From(w).Promised() != 0 {
			t.Error("promises are accepted")
		}
		w.WriteHeader(http.StatusNoContent)
	}
	if n := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); n != 1 {
		t.Errorf("%v allocations", n)
	}
	next = func(w http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() { push.From(w).Push(push.Resource{Target: "/a"}) })
		}
		w.WriteHeader(http.StatusNoContent)
		wg.Wait()
	}
	h.ServeHTTP(w, r)
}
