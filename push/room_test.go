package push_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

// TestFull verifies that nothing is run for which there is no room, on the connection, in the
// client or in the policy, nor what is known to be too large for the room that there is.
func TestFull(t *testing.T) {
	pending := func(string) error { return errPending }
	for _, c := range []struct {
		name   string
		policy *push.Policy
		other  bool // the second page is on another connection
		room   int
		want   int64 // runs for the second page, and then for the third
		reason push.Reason
	}{
		{"the connection", &push.Policy{MaxPerConnection: 4}, false, 100, 0, push.Limit},
		{"all", &push.Policy{MaxOpen: 4}, true, 100, 0, push.Limit},
		{"all bytes", &push.Policy{MaxOpenBytes: 40}, true, 100, 0, push.Budget},
		{"the client", &push.Policy{}, true, 0, 0, push.Limit},
		{"nearly all bytes", &push.Policy{MaxOpenBytes: 45}, true, 100, 8, push.Budget},
	} {
		t.Run(c.name, func(t *testing.T) {
			var runs atomic.Int64
			h := &push.Handler{Policy: c.policy, Next: http.HandlerFunc(
				func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Path {
					case "/first":
						page(links(4))(w, r)
					case "/page":
						page(strings.ReplaceAll(links(8), "</", "</a/"))(w, r)
					default:
						runs.Add(1)
						w.Write(make([]byte, 10))
					}
				})}
			first := &conn{room: 100, outcome: pending}
			first.get(t, h, "GET", "/first")
			if len(first.promises) != 4 {
				t.Fatalf("promised %q", first.targets())
			}
			second := first
			if c.other {
				second = &conn{room: c.room, outcome: pending}
			}
			runs.Store(0)
			before := len(second.promises)
			var verdicts []push.Reason
			c.policy.Observe = func(_ *http.Request, v push.Verdict) {
				verdicts = append(verdicts, v.Reason)
			}
			for range 3 {
				second.get(t, h, "GET", "/page")
			}
			if n := runs.Load(); n != c.want || len(second.promises) != before {
				t.Errorf("%d runs, want %d; promised %q", n, c.want, second.targets())
			}
			for _, reason := range verdicts {
				if reason != c.reason {
					t.Errorf("verdicts %q", verdicts)
					break
				}
			}
			for _, p := range first.promises {
				p.settled(nil)
			}
			if second.room = 100; c.want > 0 {
				return // that they are too large is remembered for a while
			}
			if second.get(t, h, "GET", "/page"); len(second.promises) == before {
				t.Error("there is no room once all is settled")
			}
		})
	}
}

// TestTooLargeForNow verifies that what is larger than the bytes that are left for a page is run
// once for many pages, but at once for a page that has more left.
func TestTooLargeForNow(t *testing.T) {
	runs := 0
	policy, verdicts := watched()
	policy.MaxResponseBytes = 100
	h := &push.Handler{Policy: policy, Next: site{
		"/":      page("</a>; rel=preload, </b>; rel=preload"),
		"/alone": page("</b>; rel=preload"),
		"/a":     func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 60)) },
		"/b": func(w http.ResponseWriter, _ *http.Request) {
			runs++
			w.Write(make([]byte, 60))
		}}}
	for range 10 {
		newConn().get(t, h, "GET", "/")
	}
	if runs != 1 {
		t.Errorf("%d runs, want 1", runs)
	}
	newConn().get(t, h, "GET", "/alone")
	if last := (*verdicts)[len(*verdicts)-1]; last != "/b promised" {
		t.Errorf("the last verdict is %q", last)
	}
}

// TestPlacesOfPages verifies that a promise has its place before its answer is asked for, so that
// two pages at once do not ask for more than there is room for; and that what panics gives it back.
func TestPlacesOfPages(t *testing.T) {
	began, goOn := make(chan bool), make(chan bool)
	runs := 0
	generations := 0
	policy := &push.Policy{MaxPerConnection: 1, MaxOpen: 1, VerifyTimeout: time.Minute}
	h := &push.Handler{Policy: policy,
		Next: site{"/1": page("</a>; rel=preload"), "/2": page("</b>; rel=preload"),
			"/3": page("</b>; rel=preload, </c>; rel=preload"),
			"/a": func(http.ResponseWriter, *http.Request) { began <- true; <-goOn },
			"/b": func(http.ResponseWriter, *http.Request) { runs++ }},
		Generation: func(_ http.ResponseWriter, r *http.Request) uint64 {
			if generations++; r.URL.Path == "/c" {
				panic("oh")
			}
			return 0
		},
	}
	conn := newConn()
	done := make(chan bool)
	go func() {
		defer close(done)
		conn.get(t, h, "GET", "/1")
	}()
	<-began
	conn.get(t, h, "GET", "/2")
	if runs != 0 {
		t.Error("what there was no room for was run")
	}
	close(goOn)
	<-done
	func() {
		defer func() { _ = recover() }()
		newConn().get(t, h, "GET", "/3")
	}()
	if newConn().get(t, h, "GET", "/2"); runs != 2 {
		t.Errorf("%d runs, want 2: a page that panicked has kept its places", runs)
	}
}

// TestVerifyingIsNoRun verifies that a connection is not charged for what was not run, since too
// much was run at once.
func TestVerifyingIsNoRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, goOn := make(chan bool), make(chan bool)
		h := &push.Handler{Policy: &push.Policy{MaxVerifying: 1, VerifyTimeout: time.Hour},
			Next: site{"/slow": page("</a>; rel=preload"), "/": page(links(8)),
				"/a": func(http.ResponseWriter, *http.Request) { began <- true; <-goOn }}}
		go newConn().get(t, h, "GET", "/slow")
		<-began
		conn := newConn()
		for range 20 {
			conn.get(t, h, "GET", "/")
		}
		if len(conn.promises) != 0 {
			t.Errorf("promised %q", conn.targets())
		}
		close(goOn)
		synctest.Wait()
		if conn.get(t, h, "GET", "/"); len(conn.promises) != 8 {
			t.Errorf("afterwards %d promises, want 8", len(conn.promises))
		}
	})
}
