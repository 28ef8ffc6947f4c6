package body_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// prelude is what the applications of the tests have. hook(name) is a function that prints its
// name, and note prints a block when it is made.
const prelude = `
load("@body", "body", "body_map", "body_chain", "ticks")
def hook(name):
    return lambda: print(name)
def note(v):
    print("made " + str(v))
    return str(v)
def start(s):
    s("200 OK", [])
`

// A logbook keeps what is logged, a line each.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *logbook) WithGroup(string) slog.Handler                    { return l }
func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.WriteString(r.Message + "\n")
	return nil
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// load loads prelude and script.
func load(script string, log *logbook) (*runtime.Program, error) {
	return runtime.Load(&runtime.Config{
		FS:      fstest.MapFS{"app.star": {Data: []byte(prelude + script)}},
		Modules: []*host.Module{body.Module()},
		Logger:  slog.New(log),
	}, "app.star")
}

// TestBodies serves each body, and compares what the client got, and what happened in which order.
func TestBodies(t *testing.T) {
	const broken = "(broken off)"
	for _, tt := range []struct {
		name, script string
		length       int64 // that the client is told; -1 for none
		want, log    string
	}{
		{"body", `
def app(e, s):
    start(s)
    return body(["a", b"b"])`, -1, "ab", ""},
		{"body of one block has a length", `
def app(e, s):
    start(s)
    return body(["abc"])`, 3, "abc", ""},
		{"close runs once, last", `
def app(e, s):
    e["larkspur.on_finish"](lambda status, error: print("finished"))
    start(s)
    return body(body_map(note, [1, 2]), close = hook("closed"))`, -1, "12", "made 1\nmade 2\nclosed\nfinished\n"},
		{"close by hand and by the server", `
def app(e, s):
    start(s)
    b = body(["x"], close = hook("closed"))
    b.close()
    b.close()
    return ["y"]`, 1, "y", "closed\n"},
		{"the inner close runs first", `
def app(e, s):
    start(s)
    inner = body(["a"], close = hook("inner"))
    return body(body_map(str, body(inner, close = hook("middle"))), close = hook("outer"))`, 1, "a", "inner\nmiddle\nouter\n"},
		{"a close that fails leaves the others theirs", `
def app(e, s):
    start(s)
    return body(body(["a"], close = lambda: fail("no")), close = hook("outer"))`, 1, "a", "outer\nLARK0109: clean-up after the response failed: fail: no\n"},
		{"all parts of a chain are closed", `
def app(e, s):
    start(s)
    return body_chain(body(["a"], close = hook("one")), ["b"], body(["c"], close = hook("two")))`, -1, "abc", "one\ntwo\n"},
		{"an empty chain", `
def app(e, s):
    start(s)
    return body_chain([], body_chain(), ())`, 0, "", ""},
		{"a chain goes on when it comes to it", `
def app(e, s):
    start(s)
    return body_chain(body_map(note, ["a"]), body_map(note, ["b"]))`, -1, "ab", "made a\nmade b\n"},
		{"map keeps the length", `
def app(e, s):
    start(s)
    print(len(body_map(str, [1, 2])), len(body((1,))), len(ticks(0, 3)))
    return body_map(str, [7])`, 1, "7", "2 1 3\n"},
		{"what is not returned makes nothing, and is not closed", `
def app(e, s):
    start(s)
    body(body_map(note, [1]), close = hook("closed"))
    return ["x"]`, 1, "x", ""},
		{"a body where none may be", `
def app(e, s):
    s("304 Not Modified", [])
    return body(body_map(note, ["", "a", "b"]), close = hook("closed"))`, 0, "", "made \nmade a\nLARK0106: a response with status 304 has no body: it was dropped\nclosed\n"},
		{"no more is made than the length allows", `
def app(e, s):
    s("200 OK", [("Content-Length", "2")])
    return body(body_map(note, range(10, 20)), close = hook("closed"))`, 2, "10", "made 10\nmade 11\nLARK0104: the body is longer than its Content-Length of 2 bytes: it was cut\nclosed\n"},
		{"a callback fails before the first block", `
def app(e, s):
    start(s)
    return body(body_map(lambda v: fail("no"), [1, 2]), close = hook("closed"))`, 26, "500 Internal Server Error\n", "fail: no\nclosed\n"},
		{"a callback fails after the first block", `
def half(v):
    if v == 2: fail("no")
    return note(v)
def app(e, s):
    start(s)
    return body(body_map(half, [1, 2, 3]), close = hook("closed"))`, -1, "1" + broken, "made 1\nfail: no\nclosed\n"},
		{"a callback gives no block", `
def app(e, s):
    start(s)
    return body(body_map(lambda v: v, [1]), close = hook("closed"))`, 26, "500 Internal Server Error\n", "LARK0103: block 0 of the body is int, neither bytes nor string; convert it with str()\nclosed\n"},
		{"after close", `
def app(e, s):
    start(s)
    b = body(["a"])
    b.close()
    return b`, 26, "500 Internal Server Error\n", "body: iterated after close()\n"},
		{"closed on the way", `
def app(e, s):
    start(s)
    b = body(["a", "b"])
    def stop(v):
        b.close()
        return v
    return body_map(stop, b)`, -1, "a" + broken, "body: iterated after close()\n"},
		{"a for loop of a script ends with the call", `
def app(e, s):
    start(s)
    for b in body_map(lambda v: fail("no"), [1]): pass
    print("still here")
    return []`, 26, "500 Internal Server Error\n", "app.star:13:5: fail: no\n"},
		{"a list can be changed when a loop over its body is left", `
def app(e, s):
    start(s)
    l = [1, 2]
    for wrap in [lambda: body(l), lambda: body_map(str, l), lambda: body_chain(l, l), lambda: body(body_chain(body(l)))]:
        for b in wrap(): break
        for b in wrap(): pass
        l.append(3)
    return [str(l)]`, 18, "[1, 2, 3, 3, 3, 3]", ""},
		{"iterated twice", `
def app(e, s):
    start(s)
    b = body_map(str, [1, 2])
    return [",".join([x for x in b] + [x for x in b])]`, 7, "1,2,1,2", ""},
		{"made by the module", `
shared = body(["a"], close = hook("closed"))
def app(e, s):
    start(s)
    return shared`, 26, "500 Internal Server Error\n", "body: it was made while a module was loaded; make one in each request\n"},
		{"made by the module, in a body of the request", `
shared = ticks(0)
def app(e, s):
    start(s)
    return body_map(str, shared)`, 26, "500 Internal Server Error\n", "ticks: it was made while a module was loaded; make one in each request\n"},
		{"ticks", `
def app(e, s):
    start(s)
    return body_map(str, ticks(0, 3))`, -1, "012", ""},
		{"ticks of a fraction", `
def app(e, s):
    start(s)
    return body_map(str, ticks(0.001, count = 2))`, -1, "01", ""},
		{"no ticks", `
def app(e, s):
    start(s)
    return body_map(str, ticks(1000, 0))`, 0, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log logbook
			p, err := load(tt.script, &log)
			if err != nil {
				t.Fatal(err)
			}
			h := &server.Handler{App: p, Logger: slog.New(&log)}
			over := make(chan struct{})
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(over)
				h.ServeHTTP(w, r)
			}))
			defer s.Close()
			res, err := http.Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			if err != nil {
				got = append(got, broken...)
			}
			<-over
			if string(got) != tt.want || res.ContentLength != tt.length {
				t.Errorf("got %q with length %d, want %q with %d", got, res.ContentLength, tt.want, tt.length)
			}
			if got := log.String(); got != tt.log {
				t.Errorf("got the log\n%swant\n%s", got, tt.log)
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	for expr, want := range map[string]string{
		`body(1)`:                "body: for parameter iterable: got int, want iterable",
		`body("a")`:              "body: for parameter iterable: got string, want iterable",
		`body(b"a")`:             "body: for parameter iterable: got bytes, want iterable",
		`body()`:                 "body: missing argument for iterable",
		`body([], close = 1)`:    "body: close is int, not a function",
		`body([]).close(1)`:      "close: got 1 arguments, want 0",
		`body_map([], str)`:      "body_map: for parameter fn: got list, want callable",
		`body_map(str, 1)`:       "body_map: for parameter iterable: got int, want iterable",
		`body_chain([], None)`:   "body_chain: argument 2 is NoneType, not an iterable of blocks",
		`body_chain(a = [])`:     `body_chain: unexpected keyword argument "a"`,
		`ticks("1")`:             `ticks: seconds is "1", not a number from 0 to 1,000,000`,
		`ticks(-1)`:              "ticks: seconds is -1, not a number from 0 to 1,000,000",
		`ticks(float("nan"))`:    "ticks: seconds is nan, not a number from 0 to 1,000,000",
		`ticks(float("inf"))`:    "ticks: seconds is +inf, not a number from 0 to 1,000,000",
		`ticks(1, -1)`:           "ticks: count is -1, not a number from 0 on",
		`ticks(1, 1 << 40)`:      "ticks: count is 1099511627776, not a number from 0 on",
		`{body([]): 1}`:          "unhashable: body",
		`body([]).nothing`:       "body has no .nothing field or method",
		`len(body_chain([1]))`:   "len: value of type body_chain has no len",
		`len(ticks(1))`:          "len: value of type ticks has no len",
		`len(body(ticks(1)))`:    "len: value of type body has no len",
		`body([1]).close.append`: "has no .append field or method",
	} {
		_, err := load("def app(): pass\nx = "+expr, new(logbook))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", expr, err, want)
		}
	}
}

// TestBlockIsSentBeforeTheNextIsMade lets each block be made only once the client has the one
// before.
func TestBlockIsSentBeforeTheNextIsMade(t *testing.T) {
	gate := make(chan struct{}, 1)
	p, err := runtime.Load(&runtime.Config{
		FS:      fstest.MapFS{"app.star": {Data: []byte(prelude + "def app(e, s):\n    start(s)\n    return body_chain(body_map(wait, ['a', 'b']), body_map(wait, ['c']))")}},
		Modules: []*host.Module{body.Module()},
		Predeclared: starlark.StringDict{"wait": host.Func("wait", func(ctx context.Context, block string) (string, error) {
			select {
			case <-gate:
				return block, nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		})},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&server.Handler{App: p})
	defer s.Close()
	gate <- struct{}{}
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, want := range []string{"a", "b", "c"} {
		var got [1]byte
		if _, err := io.ReadFull(res.Body, got[:]); err != nil || string(got[:]) != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
		gate <- struct{}{}
	}
}

// TestClientLeaves has the client leave in the middle of a body without an end: it ends, and is
// closed.
func TestClientLeaves(t *testing.T) {
	for name, script := range map[string]string{
		"between blocks": `
def app(e, s):
    start(s)
    return body(body_map(str, ticks(0.001)), close = closed)`,
		"while it waits": `
def app(e, s):
    start(s)
    return body(body_chain(["first"], body_map(str, ticks(1000))), close = closed)`,
	} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			var once sync.Once
			p, err := runtime.Load(&runtime.Config{
				FS:      fstest.MapFS{"app.star": {Data: []byte(prelude + script)}},
				Modules: []*host.Module{body.Module()},
				Predeclared: starlark.StringDict{"closed": host.Func("closed", func() error {
					err := errors.New("closed twice")
					once.Do(func() { close(over); err = nil })
					return err
				})},
			}, "app.star")
			if err != nil {
				t.Fatal(err)
			}
			s := httptest.NewServer(&server.Handler{App: p, Logger: slog.New(slog.DiscardHandler)})
			defer s.Close()
			ctx, leave := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, "GET", s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if _, err := io.ReadFull(res.Body, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			leave()
			<-over
		})
	}
}
