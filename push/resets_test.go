package push_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

// TestSomeResets verifies that a client may reset what it has in its cache: only who resets the
// larger part of what it is promised gets no more, for as long as that is so.
func TestSomeResets(t *testing.T) {
	for _, c := range []struct {
		name  string
		reset func(i int) bool // the promise at i
		late  bool             // once it was sent whole
		want  int              // promises of 100
	}{
		{"none", func(int) bool { return false }, false, 100},
		{"one of six", func(i int) bool { return i%6 == 0 }, false, 100},
		{"one of six, late", func(i int) bool { return i%6 == 0 }, true, 100},
		{"one of two", func(i int) bool { return i%2 == 0 }, false, 100},
		{"one of two, late", func(i int) bool { return i%2 == 0 }, true, 100},
		{"six of twelve", func(i int) bool { return i%12 < 6 }, false, 100},
		{"the first five", func(i int) bool { return i < 5 }, false, 100},
		{"two of three", func(i int) bool { return i%3 < 2 }, false, 20},
		{"all", func(int) bool { return true }, false, 8},
		{"all, late", func(int) bool { return true }, true, 8},
		{"all, after it took fifty", func(i int) bool { return i >= 50 }, false, 58},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &push.Handler{Policy: new(push.Policy), Next: http.HandlerFunc(
					func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/page" {
							w.Header().Set("Link", "</a?"+r.URL.RawQuery+">; rel=preload")
						}
					})}
				conn := newConn()
				conn.outcome = func(string) error { return errPending }
				for i := range 100 {
					before := len(conn.promises)
					conn.get(t, h, "GET", fmt.Sprintf("/page?%d", i))
					if len(conn.promises) == before {
						continue
					}
					p := conn.promises[before]
					if c.late || !c.reset(before) {
						p.settled(nil)
					}
					if c.reset(before) {
						p.settled(errors.New("stream error: CANCEL"))
					}
				}
				if n := len(conn.promises); n != c.want {
					t.Errorf("%d promises, want %d", n, c.want)
				}
				before := len(conn.promises)
				time.Sleep(65 * time.Second)
				if conn.get(t, h, "GET", "/page?last"); len(conn.promises) != before+1 {
					t.Error("no promise after a while")
				}
			})
		})
	}
}

// TestResets verifies that a client that resets promises gets none for a while, nor is anything run
// for them.
func TestResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		policy, verdicts := watched()
		h := &push.Handler{Policy: policy, Next: http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/page" {
					page(links(8))(w, r)
					return
				}
				runs++
				w.Write(make([]byte, 1<<10))
			})}
		c := newConn()
		reset := func(string) error { return errors.New("stream error: CANCEL") }
		c.outcome = reset
		for range 50 {
			c.get(t, h, "GET", "/page")
		}
		if runs != 8 || len(c.promises) > 8 {
			t.Errorf("%d runs and %d promises for a client that resets all", runs, len(c.promises))
		}
		if last := (*verdicts)[len(*verdicts)-1]; last != "/7 linked" {
			t.Errorf("the last verdict is %q", last)
		}
		c.outcome = nil
		time.Sleep(61 * time.Second)
		before := len(c.promises)
		c.get(t, h, "GET", "/page")
		if n := len(c.promises) - before; n != 8 {
			t.Errorf("%d promises after a while, want 8", n)
		}
		newConn().get(t, h, "GET", "/page")
	})
}
