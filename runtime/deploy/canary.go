package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Canary is how a deployment is tried on some nodes before all serve it. The zero value is no trial.
type Canary struct {
	// Count is how many nodes try it: all, if there are fewer. Zero means that Percent says it.
	Count int `json:"count,omitempty"`
	// Percent is how many of a hundred do, rounded up. Zero means none, if Count is zero too.
	Percent int `json:"percent,omitempty"`
	// Watch is how long each of them has to be well, before all serve it. Zero means that no time is
	// enough: it is tried until [Store.Continue] or [Store.Rollback] ends that.
	Watch time.Duration `json:"watch,omitempty"`
	// Allowed is which part of the requests of a node may fail: 0.01 is one of a hundred. Zero means
	// that none may. While it is watched three are needed, so that one of the first does not decide.
	Allowed float64 `json:"allowed,omitempty"`
}

// ParseCanary reads how many nodes try a deployment: a number, or a part of them, as in 10%.
func ParseCanary(s string) (c Canary, err error) {
	digits, part := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil || n < 1 || part && n > 100:
		return c, fmt.Errorf("%q is neither a number of nodes nor a part of them: 1 or 10%%, say", s)
	case part:
		c.Percent = n
	default:
		c.Count = n
	}
	return c, nil
}

// of is how many of so many nodes try it.
func (c Canary) of(nodes int) int {
	n := c.Count
	if n <= 0 {
		n = (nodes*c.Percent + 99) / 100
	}
	return min(max(n, 0), nodes)
}

// A Fault is what went wrong with some requests in the same way.
type Fault struct {
	Status int    `json:"status"`          // that of the response
	Code   string `json:"code,omitempty"`  // as LARK0501; "" if the application answered so itself
	Place  string `json:"place,omitempty"` // FILE:LINE:COL of the script; "" if it is not known
	Count  int64  `json:"count"`
}

// A tally counts what becomes of the requests of a generation that is tried, and of later ones of the same
// tree. It is safe for concurrent use.
type tally struct {
	deployment int
	generation uint64
	canary     Canary
	began      time.Time

	requests atomic.Int64

	mu     sync.Mutex
	failed int64
	faults map[Fault]int64 // by those without a Count
}

const (
	// maxFaults is how many faults a tally tells apart. All requests that failed are counted.
	maxFaults = 10
	// leastFailed is how many have failed before a trial ends early.
	leastFailed = 3
)

// note counts a request, and reports whether too many have failed by now.
func (t *tally) note(status int, code, place string) bool {
	t.requests.Add(1)
	if status < http.StatusInternalServerError && code == "" {
		return false
	}
	t.mu.Lock()
	t.failed++
	f := Fault{Status: status, Code: code, Place: place}
	if t.faults == nil {
		t.faults = make(map[Fault]int64)
	}
	if _, known := t.faults[f]; known || len(t.faults) < maxFaults {
		t.faults[f]++
	}
	t.mu.Unlock()
	return t.bad(false)
}

// over reports whether the trial has lasted for long enough.
func (t *tally) over() bool { return t.canary.Watch > 0 && time.Since(t.began) >= t.canary.Watch }

// bad reports whether more have failed than may. At the end one may be enough.
func (t *tally) bad(end bool) bool {
	requests, failed, _ := t.counts()
	if !end && failed < leastFailed {
		return false
	}
	return failed > 0 && float64(failed) > t.canary.Allowed*float64(requests)
}

// counts returns how many requests there were, and what has failed, the most frequent fault first. That of no
// tally is nothing.
func (t *tally) counts() (requests, failed int64, faults []Fault) {
	if t == nil {
		return 0, 0, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for f, n := range t.faults {
		f.Count = n
		faults = append(faults, f)
	}
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Place, b.Place),
			cmp.Compare(a.Status, b.Status))
	})
	return t.requests.Load(), t.failed, faults
}

// choose returns which nodes try a deployment: of those that serve what it follows, and can go back to that,
// the ones whose ids come first.
func (c Canary) choose(nodes map[string]Status, serving int) map[string]string {
	tries := make(map[string]string)
	for _, id := range slices.Sorted(maps.Keys(nodes)) {
		if nodes[id].Serving == serving && len(tries) < c.of(len(nodes)) {
			tries[id] = nodes[id].Node
		}
	}
	return tries
}

// judge ends the trial of a deployment, when that is to be done.
func (n *Node) judge(ctx context.Context, v *view, w *Deployment) {
	if t := n.tally.Load(); t != nil && t.deployment == w.Number {
		requests, failed, faults := t.counts()
		over := t.over()
		switch {
		case t.bad(over):
			n.change(ctx, w, func(r *Record) {
				r.stop(n.Name, fmt.Sprintf("requests that failed: %d of %d", failed, requests), faults)
			})
			return
		case over && n.now().Well != w.Number:
			n.mu.Lock()
			n.status.Well = w.Number
			n.mu.Unlock()
			n.say(ctx)
		}
	}
	if lost := v.lost(w.Tries); lost != "" {
		n.change(ctx, w, func(r *Record) { r.stop(lost, "the node has ended while it was watched", nil) })
		return
	}
	for id := range w.Tries {
		if v.nodes[id].Well != w.Number {
			return
		}
	}
	n.change(ctx, w, func(r *Record) { r.serve() })
}

// try begins to count what becomes of the requests of a deployment, which is about to be published.
func (n *Node) try(d *Deployment) {
	n.tally.Store(&tally{deployment: d.Number, generation: n.live.Generation() + 1, canary: d.Canary, began: time.Now()})
	if d.Canary.Watch > 0 {
		time.AfterFunc(d.Canary.Watch+time.Millisecond, n.look)
	}
}

// look has the node act.
func (n *Node) look() {
	select {
	case n.wake <- struct{}{}:
	default: // it is about to
	}
}

// Answered notes what became of a request: the generation that answered it, the status of the response, and
// the code and the place of what the application has done wrong, "" if it has not. It may be called by any
// goroutine.
func (n *Node) Answered(generation uint64, status int, code, place string) {
	t := n.tally.Load()
	if t != nil && generation >= t.generation && t.note(status, code, place) {
		n.look()
	}
}
