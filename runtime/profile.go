package runtime

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Sample is time that scripts have run with the same calls on their stack.
type Sample struct {
	App   string             // the program: its entry
	Stack starlark.CallStack // outermost first; the last one says where the time was taken
	Count int64              // how often it was seen
	Time  time.Duration      // that it stands for
}

const (
	// quantum is for how much time of all calls together a stack is noted.
	quantum = 200 * time.Microsecond
	// maxStacks is how many different ones a profile has.
	maxStacks = 20_000
	// maxFrames is how many calls of a stack are noted, the innermost.
	maxFrames = 64
)

// ErrProfiled is returned by [Profile] while another one is made.
var ErrProfiled = errors.New("runtime: a profile is being made already: there can be one at a time")

// profiling is the profile that is being made, of all programs of the process; nil if none is.
var profiling atomic.Pointer[profile]

// Profile has all scripts of the process looked at until ctx ends, and returns where they took their
// time: that of processors, without waits. What a builtin takes is that of the line which calls it. A
// script is some percent slower meanwhile.
//
// It is not starlark.StartProfile, which may not be begun or ended while a script runs, which counts
// waits, and which knows of a loop without calls only its end.
func Profile(ctx context.Context) ([]Sample, error) {
	p := &profile{samples: make(map[string]*Sample)}
	if !profiling.CompareAndSwap(nil, p) {
		return nil, ErrProfiled
	}
	<-ctx.Done()
	profiling.Store(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Sample, 0, len(p.samples))
	for _, s := range p.samples {
		all = append(all, *s)
	}
	p.samples = nil // a call may still be about to note something
	return all, nil
}

// A profile is where scripts have been seen so far.
type profile struct {
	time atomic.Int64 // of all calls so far, in nanoseconds

	mu      sync.Mutex
	samples map[string]*Sample // nil once the profile is over
}

// pass notes that c has run for a while, up to the line at which it is. The time is counted for all
// calls together, so that short ones are seen as often as they should be.
func (p *profile) pass(c *call, ran time.Duration) {
	if ran <= 0 {
		return
	}
	now := p.time.Add(int64(ran))
	if n := now/int64(quantum) - (now-int64(ran))/int64(quantum); n > 0 {
		p.note(c, time.Duration(n)*quantum)
	}
}

// note notes where c is.
func (p *profile) note(c *call, d time.Duration) {
	stack := c.thread.CallStack()
	if len(stack) == 0 { // its last steps, or what a builtin at its end took
		stack = starlark.CallStack{c.run.program.outermost()}
	}
	stack = stack[max(0, len(stack)-maxFrames):]
	var key strings.Builder
	key.WriteString(c.run.program.name)
	for _, f := range stack {
		key.WriteString("\n" + f.Name + " " + f.Pos.String())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.samples == nil {
		return
	}
	s := p.samples[key.String()]
	if s == nil {
		if len(p.samples) == maxStacks {
			return
		}
		s = &Sample{App: c.run.program.name, Stack: stack}
		p.samples[key.String()] = s
	}
	s.Count++
	s.Time += d
}

// outermost is the callable of the program as a line on a stack.
func (p *Program) outermost() starlark.CallFrame {
	f := starlark.CallFrame{Name: p.name}
	if p.app != nil { // else it is being loaded
		f.Name = p.app.Name()
	}
	if at, ok := p.app.(interface{ Position() syntax.Position }); ok {
		f.Pos = at.Position()
	}
	return f
}

// gap is how many steps pass at most until the next look while a profile is made, after one that
// came after so much time: few where steps take long, so that their line is found.
func (p *profile) gap(last uint64, ran time.Duration) uint64 {
	if ran > quantum/10 {
		return max(last/8, 1)
	}
	return min(max(last, 1)*2, early*4)
}
