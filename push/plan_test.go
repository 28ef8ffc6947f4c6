package push_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/larkspur-web/larkspur/push"
)

// TestCall has explicit calls, from several goroutines, and after the response.
func TestCall(t *testing.T) {
	var plan *push.Plan
	s := site{"/": func(w http.ResponseWriter, r *http.Request) {
		plan = push.From(w)
		if !plan.Accepts() {
			t.Error("promises are not accepted")
		}
		var wg sync.WaitGroup
		var promised atomic.Int64
		for range 50 {
			wg.Go(func() {
				if plan.Push(push.Resource{Target: "a.css"}).Status == push.Promised {
					promised.Add(1)
				}
			})
		}
		wg.Wait()
		if promised.Load() != 50 {
			t.Errorf("%d say promised", promised.Load())
		}
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.Write([]byte("page"))
		if v := plan.Push(push.Resource{Target: "/late.css"}); v.Status != push.Promised {
			t.Errorf("after the header: %v", v)
		}
		v := plan.Push(push.Resource{Target: "/a.css", Method: "HEAD"})
		if v.Status != push.Promised || v.Method != "HEAD" {
			t.Errorf("HEAD: %v", v)
		}
		for i := range 1000 {
			plan.Push(push.Resource{Target: fmt.Sprintf("/%d", i)})
		}
	}}
	c := newConn()
	policy, verdicts := watched()
	c.get(t, &push.Handler{Next: s, Policy: policy}, "GET", "/")
	if got := c.targets(); len(got) != 10 || got[0] != "/a.css" || got[1] != "/late.css" ||
		got[2] != "HEAD /a.css" {
		t.Errorf("promised %q", got)
	}
	if n := len(*verdicts); n != 256 {
		t.Errorf("%d verdicts", n)
	}
	if n := plan.Promised(); n != 10 {
		t.Errorf("%d promised", n)
	}
	if v := plan.Push(push.Resource{Target: "/x"}); v.Status != push.Skipped ||
		v.Reason != push.Disabled || v.Detail != "the response has ended" {
		t.Errorf("after the end: %v", v)
	}
}

// TestNoPlan verifies that a nil plan, and so one that is not found, does nothing.
func TestNoPlan(t *testing.T) {
	none := push.From(httptest.NewRecorder())
	none.Hint(nil)
	if none.Accepts() || none.Promised() != 0 ||
		none.Push(push.Resource{}).Reason != push.Disabled {
		t.Error("a nil plan decides")
	}
}
