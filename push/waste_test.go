package push_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/push"
)

// links makes n of them.
func links(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("</%d>; rel=preload", i))
	}
	return strings.Join(all, ", ")
}

// TestVerifyConditionally verifies that what the client has is asked for with its validator: the
// answer that it has not changed needs no body.
func TestVerifyConditionally(t *testing.T) {
	for _, c := range []struct{ field, value, condition string }{
		{"Etag", `"1"`, "If-None-Match"},
		{"Etag", `W/"1"`, "If-None-Match"},
		{"Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", "If-Modified-Since"},
	} {
		var conditions []string
		bodies := 0
		value := c.value
		s := site{"/": page(`</a>; rel=preload`),
			"/a": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(c.field, value)
				condition := r.Header.Get(c.condition)
				conditions = append(conditions, condition)
				if condition == value {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				bodies++
				w.Write([]byte(value))
			}}
		policy, verdicts := watched()
		h := &push.Handler{Next: s, Policy: policy}
		conn := newConn()
		for range 3 {
			conn.get(t, h, "GET", "/")
		}
		if want := []string{"", c.value, c.value}; fmt.Sprint(conditions) != fmt.Sprint(want) {
			t.Errorf("%s: conditions %q, want %q", c.field, conditions, want)
		}
		if bodies != 1 || len(conn.promises) != 1 {
			t.Errorf("%s: %d bodies, promised %q", c.field, bodies, conn.targets())
		}
		want := "[/a promised /a skipped: diary /a skipped: diary]"
		if fmt.Sprint(*verdicts) != want {
			t.Errorf("%s: verdicts %q, want %s", c.field, *verdicts, want)
		}
		if got := conn.promises[0].r.Header.Get(c.condition); got != "" {
			t.Errorf("the promised request has a condition: %q", got)
		}
		newConn().get(t, h, "GET", "/")
		if bodies != 2 {
			t.Errorf("%s: another client was compared with the first", c.field)
		}
		value = `"2"`
		if c.field == "Last-Modified" {
			value = "Tue, 03 Jan 2006 15:04:05 GMT"
		}
		conn.get(t, h, "GET", "/")
		if len(conn.promises) != 2 || conn.promises[1].body != value {
			t.Errorf("%s: what has changed was not promised: %q", c.field, conn.targets())
		}
	}
}

// TestOutcomes verifies that what could not be promised is not run for each page again, whoever
// asks for it, until some time has gone by or the application is another.
func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs, generation := 0, uint64(1)
		s := site{"/": page(`</a>; rel=preload`),
			"/a": func(w http.ResponseWriter, _ *http.Request) {
				runs++
				http.Error(w, "there is none", http.StatusNotFound)
			}}
		policy, verdicts := watched()
		h := &push.Handler{Next: s, Policy: policy,
			Generation: func(http.ResponseWriter, *http.Request) uint64 { return generation }}
		view := func(name string, want int, fields ...string) {
			t.Helper()
			runs = 0
			c := newConn()
			c.get(t, h, "GET", "/", fields...)
			c.get(t, h, "GET", "/", fields...)
			if runs != want {
				t.Errorf("%s: %d runs, want %d", name, runs, want)
			}
		}
		view("first", 1)
		view("another client", 0)
		view("another variant", 1, "Accept: text/css")
		generation++
		view("another generation", 1)
		time.Sleep(11 * time.Second)
		view("later", 1)
		for _, v := range *verdicts {
			if v != "/a skipped: unverified" {
				t.Errorf("verdict %s", v)
			}
		}
	})
}

// TestRunsAreBounded verifies that one page, and one connection, can only have so much verified
// that no promise comes of.
func TestRunsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		h := &push.Handler{Policy: new(push.Policy)}
		h.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/page") {
				page(links(64))(w, r)
				return
			}
			runs++
			w.Header().Set("Set-Cookie", "a=b")
		})
		c := newConn()
		c.get(t, h, "GET", "/page", "Accept: a")
		if runs != 20 {
			t.Errorf("a page had %d runs, want 20", runs)
		}
		for i := range 100 {
			c.get(t, h, "GET", "/page", fmt.Sprintf("Accept: %d", i))
		}
		if runs != 64 {
			t.Errorf("a connection had %d runs, want 64", runs)
		}
		time.Sleep(time.Second)
		for i := range 100 {
			c.get(t, h, "GET", "/page", fmt.Sprintf("Accept: later, %d", i))
		}
		if runs != 72 {
			t.Errorf("it had %d runs a second later, want 72", runs)
		}
	})
}

// TestRunsThatPay verifies that what is promised does not count: the client gets it for the run.
func TestRunsThatPay(t *testing.T) {
	c := newConn()
	h := &push.Handler{Policy: new(push.Policy), Next: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/page" {
				w.Header().Set("Link", fmt.Sprintf("</a?%[1]s>; rel=preload, </b?%[1]s>; rel=preload",
					r.URL.RawQuery))
			}
		})}
	for i := range 100 {
		c.get(t, h, "GET", fmt.Sprintf("/page?%d", i))
	}
	if n := len(c.promises); n != 200 {
		t.Errorf("%d promises, want 200", n)
	}
}
