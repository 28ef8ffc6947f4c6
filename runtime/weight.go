package runtime

import (
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// portion is the part of its limit that the process has to allocate before a call is weighed
	// again.
	portion = 8
	// share is how much longer a call runs than it is weighed: to count what it holds takes a tenth of
	// a second for 200 MB of small values.
	share = 4
	// scale is how long a call runs before it asks how much the process has allocated.
	scale = time.Millisecond
)

// A weight is what is known of the memory of a call. A call that is short, or in a process that
// allocates little, is never weighed.
type weight struct {
	asked  time.Duration           // since epoch: when it has asked how much the process has allocated
	looked atomic.Uint64           // what that was
	idle   atomic.Int32            // how many waits it is in
	more   atomic.Pointer[weighed] // nil for a short call
}

// What is known of the memory of a call that has lasted.
type weighed struct {
	base  uint64              // what the process had allocated when it was weighed
	ended time.Duration       // since epoch: when that was done
	took  time.Duration       // that
	aside []*[]starlark.Value // what builtins hold that call the script
	held  atomic.Uint64       // when it was weighed
	over  atomic.Uint64       // the bound that it is over; 0 for none
	most  atomic.Bool         // that is the bound of the process
	seen  sight
}

func (w *weight) start(now time.Duration) {
	w.asked = now
	w.looked.Store(host.LastAllocated())
}

// last returns what is known of a call that lasts. It may be called from any goroutine.
func (w *weight) last() *weighed {
	if w.more.Load() == nil {
		w.more.CompareAndSwap(nil, &weighed{base: w.looked.Load()})
	}
	return w.more.Load()
}

// weigh counts what the call holds, if it can be much more than when it was weighed last. It is for
// the goroutine of the call.
func (c *call) weigh(now time.Duration) {
	if now-c.weight.asked < scale {
		return
	}
	w := c.weight.last()
	c.weight.asked = now
	all := host.Allocated()
	c.weight.looked.Store(all)
	limit := uint64(c.run.program.limits.Memory)
	grown := all - min(w.base, all)
	rested := now-w.ended > share*w.took
	switch {
	case grown > limit, grown > limit/portion && rested:
	case host.Tight() && rested && now-w.ended > beat:
	default:
		return
	}
	h := c.holding(limit)
	w.base = all
	w.ended = time.Since(epoch)
	w.took = w.ended - now
	w.held.Store(h)
	if h > limit {
		w.over.CompareAndSwap(0, limit)
	}
}

// holding returns how many bytes the call holds, or something more than most.
func (c *call) holding(most uint64) uint64 {
	h := holding{most: most, frozenAt: frozenOffsets()}
	c.roots(&h)
	if h.bytes <= most {
		return h.bytes
	}
	// What is immutable does not know whether the call made it. So the program's own is counted first.
	h = holding{most: ^uint64(0), frozenAt: frozenOffsets(), frozen: true}
	c.run.program.mu.Lock()
	for _, globals := range c.run.program.loaded {
		h.globals(globals)
	}
	c.run.program.mu.Unlock()
	h.frozen, h.most = false, h.bytes+most
	own := h.bytes
	c.roots(&h)
	return h.bytes - own
}

// Room is [host.Bounder]'s.
func (c *call) Room() int64 { return c.run.program.limits.Memory }

// roots counts what the call refers to. One that loads has what the files made so far.
func (c *call) roots(h *holding) {
	t := &c.thread.Thread
	if c.run.loading != nil {
		h.frozen = true
		for _, globals := range c.run.loading {
			h.globals(globals)
		}
	}
	if c.run.loading != nil && t.CallStackDepth() > 0 {
		if file, ok := t.DebugFrame(t.CallStackDepth() - 1).Callable().(*starlark.Function); ok {
			h.globals(file.Globals())
		}
	}
	for _, values := range c.weight.last().aside {
		h.bytes += uint64(len(*values)) * uint64(word)
		for _, v := range *values {
			h.root(v)
		}
	}
	h.call(t)
}

// heavy returns the error of a call that is over a bound of memory, nil if it is not.
func (c *call) heavy(stack starlark.CallStack) *LimitError {
	w := c.weight.more.Load()
	if w == nil || w.over.Load() == 0 {
		return nil
	}
	e := &LimitError{Kind: "memory", Limit: w.over.Load(), Stack: stack}
	if w.most.Load() {
		e.held = max(w.held.Load(), 1)
	}
	return e
}
