package push_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

// TestDiary has what the client was sent on its connection, and when it is sent again.
func TestDiary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		version, generation, runs := "1", uint64(1), 0
		field, value := "", ""
		s := site{
			"/": page(`</a.css>; rel=preload`),
			"/a.css": func(w http.ResponseWriter, r *http.Request) {
				runs++
				if field != "" {
					w.Header().Set(field, value)
				}
				if w.Header().Get("ETag") == "" ||
					r.Header.Get("If-None-Match") != w.Header().Get("ETag") {
					w.Write([]byte("version " + version))
					return
				}
				w.WriteHeader(http.StatusNotModified)
			},
		}
		h := &push.Handler{Next: s, Policy: new(push.Policy),
			Generation: func(http.ResponseWriter, *http.Request) uint64 { return generation }}
		step := func(name string, c *conn, want int) {
			t.Helper()
			before := len(c.promises)
			c.get(t, h, "GET", "/")
			if got := len(c.promises) - before; got != want {
				t.Errorf("%s: %d promised, want %d", name, got, want)
			}
		}
		c := newConn()
		step("first", c, 1)
		step("again", c, 0)
		step("once more", c, 0)
		version = "2"
		step("changed", c, 1)
		step("changed, again", c, 0)
		step("another connection", newConn(), 1)

		c = newConn()
		c.get(t, h, "GET", "/a.css")
		step("asked for before", c, 0)
		version = "3"
		step("asked for before, and changed", c, 1)

		c = newConn()
		c.get(t, h, "HEAD", "/a.css")
		step("only its header asked for", c, 1)

		field, value = "Cache-Control", "max-age=60"
		c = newConn()
		step("fresh for a minute", c, 1)
		before := runs
		step("fresh, again", c, 0)
		if runs != before {
			t.Error("what is fresh was run")
		}
		time.Sleep(61 * time.Second)
		step("no longer fresh, but the same", c, 0)
		if runs != before+1 {
			t.Error("what is not fresh was not run")
		}
		version = "4"
		step("changed while it is fresh", c, 0)
		generation++
		step("changed in a new generation", c, 1)
		generation++
		step("a new generation that is the same", c, 0)

		field, value = "ETag", `"4"`
		c = newConn()
		c.get(t, h, "GET", "/a.css", `If-None-Match: "4"`)
		step("the client has it from before, and asked", c, 0)
		value = `W/"4"`
		step("the same, weakly", c, 0)
		value = `"5"`
		step("another tag", c, 1)

		field, value = "Cache-Control", "no-store"
		c = newConn()
		c.get(t, h, "GET", "/a.css")
		field = ""
		step("asked for, but not to be kept", c, 1)
	})
}

// TestDiaryForgets verifies that what a client does not take was not sent.
func TestDiaryForgets(t *testing.T) {
	c := &conn{room: 100}
	h := &push.Handler{Next: site{"/": page(`</a>; rel=preload`)}, Policy: new(push.Policy)}
	c.outcome = func(string) error { return errors.New("stream error: CANCEL") }
	c.get(t, h, "GET", "/")
	c.get(t, h, "GET", "/")
	if len(c.promises) != 2 {
		t.Errorf("refused: promised %q", c.targets())
	}
	c.outcome = func(string) error { return errPending }
	c.get(t, h, "GET", "/")
	c.get(t, h, "GET", "/")
	if len(c.promises) != 3 {
		t.Errorf("under way: promised %q", c.targets())
	}
	c.promises[2].settled(errors.New("stream error: REFUSED_STREAM"))
	c.get(t, h, "GET", "/")
	if len(c.promises) != 4 {
		t.Errorf("refused later: promised %q", c.targets())
	}
	c.promises[3].settled(nil)
	c.get(t, h, "GET", "/")
	if len(c.promises) != 4 {
		t.Errorf("delivered: promised %q", c.targets())
	}
	c.promises[3].settled(errors.New("stream error: CANCEL"))
	c.get(t, h, "GET", "/")
	if len(c.promises) != 5 {
		t.Errorf("not wanted after all: promised %q", c.targets())
	}
}

// TestDiaryBounded verifies that a connection's memory does not grow, and that what was used last
// stays.
func TestDiaryBounded(t *testing.T) {
	s := site{"/": page(`</keep>; rel=preload`)}
	h := &push.Handler{Next: s, Policy: new(push.Policy)}
	c := newConn()
	for i := range 1000 {
		c.get(t, h, "GET", fmt.Sprintf("/%d", i))
		if i%100 == 0 {
			c.get(t, h, "GET", "/")
		}
	}
	if len(c.promises) != 1 {
		t.Errorf("promised %d times", len(c.promises))
	}
	s["/old"] = page(`</3>; rel=preload, </999>; rel=preload`)
	c.get(t, h, "GET", "/old")
	if got := c.targets()[1:]; !slices.Equal(got, []string{"/3"}) {
		t.Errorf("promised %q, want what was asked for 997 requests ago", got)
	}
}

// TestBrokenPull verifies that a response that the client did not get whole is not in the diary.
func TestBrokenPull(t *testing.T) {
	s := site{"/": page(`</a>; rel=preload`)}
	h := &push.Handler{Next: s, Policy: new(push.Policy)}
	broken := true
	s["/a"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("a"))
		if broken {
			panic(http.ErrAbortHandler)
		}
	}
	c := newConn()
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("the panic was swallowed")
			}
		}()
		c.get(t, h, "GET", "/a")
	}()
	broken = false
	c.get(t, h, "GET", "/")
	if len(c.promises) != 1 {
		t.Errorf("promised %q", c.targets())
	}
}
