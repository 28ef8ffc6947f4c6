package push_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// TestNested verifies that a Handler inside a Handler leaves the plan to the outer one, also behind
// other writers, and that each resource is so run once.
func TestNested(t *testing.T) {
	runs := map[string]int{}
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		runs[r.URL.Path]++
		if r.URL.Path == "/" {
			w.Header().Set("Link", "</a.css>; rel=preload")
		}
	})
	inner := &push.Handler{Next: app, Policy: &push.Policy{Off: true}}
	middle := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(wrapped{w}, r)
	})
	policy, verdicts := watched()
	c := newConn()
	c.get(t, &push.Handler{Next: middle, Policy: policy}, "GET", "/")
	if fmt.Sprint(runs) != "map[/:1 /a.css:1]" || fmt.Sprint(c.targets()) != "[/a.css]" {
		t.Errorf("ran %v, promised %q", runs, c.targets())
	}
	if fmt.Sprint(*verdicts) != "[/a.css promised]" {
		t.Errorf("verdicts of the outer policy: %q", *verdicts)
	}
}

// TestMounts verifies that a page under one mount may have pushed what is under another one of the
// same host, when one Handler is around both.
func TestMounts(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/blog/", http.StripPrefix("/blog", page("</static/a.css>; rel=preload")))
	mux.Handle("/static/", http.StripPrefix("/static", site{}))
	c := newConn()
	c.get(t, &push.Handler{Next: mux, Policy: new(push.Policy)}, "GET", "/blog/")
	if fmt.Sprint(c.targets()) != "[/static/a.css]" || c.promises[0].body != "/* /static/a.css */" {
		t.Errorf("promised %q", c.targets())
	}
}

// TestPageOf verifies what a promised request can find out about its page, and that nothing is
// planned in one.
func TestPageOf(t *testing.T) {
	var given http.ResponseWriter
	promised := 0
	h := &push.Handler{Policy: new(push.Policy)}
	h.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := push.Pushed(r.Context())
		if r.URL.Path == "/" {
			given = w
			if ok || push.PageOf(r.Context()) != nil {
				t.Errorf("the page is promised, with %q", page)
			}
			w.Header().Set("Link", "</a>; rel=preload")
			return
		}
		promised++
		if !ok || page != "/?q" || push.PageOf(r.Context()) != given || push.From(w) != nil {
			t.Errorf("promised %v with %q, plan %v", ok, page, push.From(w))
		}
	})
	newConn().get(t, h, "GET", "/?q")
	if promised != 1 {
		t.Errorf("promised %d times", promised)
	}
}
