package push_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// A conn is a connection that takes promises, and remembers them.
type conn struct {
	session sync.Map
	off     bool // the client takes no promises
	room    int  // how many it takes
	err     error
	refused int // how many promises err was the answer to
	// what becomes of a promise; nil: it is kept; errPending: not yet known
	outcome func(target string) error

	mu       sync.Mutex
	promises []promise
}

type promise struct {
	r        *http.Request
	header   http.Header
	body     string
	critical bool
	settled  func(error)
	page     *response
	before   int // how many 103s went before it
}

var errPending = errors.New("pending")

// A response is the http.ResponseWriter of a request on a conn.
type response struct {
	*httptest.ResponseRecorder
	conn  *conn
	hints []http.Header
}

func (w *response) WriteHeader(status int) {
	if status == http.StatusEarlyHints {
		w.hints = append(w.hints, w.Header().Clone())
	}
	if status >= 200 {
		w.ResponseRecorder.WriteHeader(status)
	}
}

// promiser adds to a response what a server of promises has.
type promiser struct{ *response }

func (w promiser) Session() *sync.Map    { return &w.conn.session }
func (w promiser) Promises() (int, bool) { return w.conn.room, !w.conn.off }

func (w promiser) Promise(r *http.Request, header http.Header, body []byte, critical bool,
	settled func(error)) error {
	c := w.conn
	if c.err != nil {
		c.refused++
		return c.err
	}
	c.mu.Lock()
	c.promises = append(c.promises,
		promise{r, header, string(body), critical, settled, w.response, len(w.hints)})
	c.mu.Unlock()
	var err error
	if c.outcome != nil {
		err = c.outcome(r.RequestURI)
	}
	if err != errPending {
		settled(err)
	}
	return nil
}

func newConn() *conn { return &conn{room: 100} }

// targets returns what was promised, in order, a method that is not GET before it.
func (c *conn) targets() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	targets := []string{}
	for _, p := range c.promises {
		target := p.r.RequestURI
		if p.r.Method != http.MethodGet {
			target = p.r.Method + " " + target
		}
		targets = append(targets, target)
	}
	return targets
}

// get asks a handler for a target on the connection. fields are lines of the request's header.
func (c *conn) get(t testing.TB, h http.Handler, method, target string,
	fields ...string) *response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	r.Host = "example.com:8000"
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if name == "proto" {
			r.Proto, r.ProtoMajor, r.ProtoMinor = value, int(value[5]-'0'), int(value[7]-'0')
			continue
		}
		r.Header.Add(name, value)
	}
	w := &response{httptest.NewRecorder(), c, nil}
	h.ServeHTTP(promiser{w}, r)
	return w
}

// A site answers pages with Link fields, and everything else with a resource.
type site map[string]http.HandlerFunc

func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := s[r.URL.Path]; h != nil {
		h(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/css")
	w.Write([]byte("/* " + r.RequestURI + " */"))
}

// page makes a page with Link fields.
func page(links ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Link"] = links
		w.Write([]byte("<title>page</title>"))
	}
}

// watched returns a policy, and where its verdicts go.
func watched() (*push.Policy, *[]string) {
	var mu sync.Mutex
	verdicts := &[]string{}
	return &push.Policy{Observe: func(_ *http.Request, v push.Verdict) {
		mu.Lock()
		defer mu.Unlock()
		*verdicts = append(*verdicts, v.Target+" "+v.Outcome())
	}}, verdicts
}
