package runtime

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/frames"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// beat is how long it is between two looks at the calls that have not ended.
	beat = 50 * time.Millisecond
	// graceLooks is the look after its end at which a call is cancelled, which ends it at its next
	// step. At the first it is left to come to a look at its limits, which knows the line of script best.
	graceLooks = 2
	// stuckLooks is the one at which a call is stuck: it is in a step that takes long, perhaps for
	// ever.
	stuckLooks = 20
	// fast is how much memory the process takes in a beat for the next look to come soon.
	fast = 32 << 20
)

// A patrol looks now and then at all the calls of a program that have not ended, from the first
// step on: any may be long. It has a timer only while there are any. One for each call would cost
// more than the call of a small application. The zero value works.
type patrol struct {
	mu    sync.Mutex
	first *call
	walks bool // there is a timer

	looked    time.Duration // since epoch: when it looked for calls that are over
	allocated uint64        // by the process at the last look; for who walks
}

// A patrolled call is on the list of a patrol, whose lock guards this.
type patrolled struct {
	before, after *call
	looks         int32       // since the end of its context
	cancelled     atomic.Bool // by the patrol; its call reads it without the lock
}

// A sight is when a call was first seen to be at the look at its limits that it is at.
type sight struct {
	looked uint64        // its weight.looked
	at     time.Duration // since epoch; 0 for never
	taken  uint64        // what [call.taken] was then
}

func (p *patrol) enter(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.patrolled.after = p.first; p.first != nil {
		p.first.patrolled.before = c
	}
	p.first = c
	if !p.walks {
		p.walks = true
		time.AfterFunc(beat, p.walk)
	}
}

func (p *patrol) leave(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, after := c.patrolled.before, c.patrolled.after
	if before != nil {
		before.patrolled.after = after
	} else {
		p.first = after
	}
	if after != nil {
		after.patrolled.before = before
	}
}

// walk looks at the calls, and again after a beat if there are any; soon, if memory goes fast.
func (p *patrol) walk() {
	stuck, on := p.look()
	for _, s := range stuck {
		s.waiter.Abandon(placeAt(frames.Peek(s.thread)))
	}
	process.relieve(p)
	processors.ease()
	if !on {
		process.leave(p)
		return
	}
	pause, all := beat, host.Allocated()
	if all-p.allocated > fast {
		pause = beat / 10
	}
	p.allocated = all
	time.AfterFunc(pause, p.walk)
}

// look cancels the calls that are over and go on, and returns those that do so all the same, to be
// told without the lock. It reports whether there are any calls.
func (p *patrol) look() (all []stuck, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.walks = p.first != nil
	now := time.Since(epoch)
	whole := now-p.looked >= beat
	if whole {
		p.looked = now
	}
	for c := p.first; c != nil; c = c.patrolled.after {
		c.expire(now)
		err := c.ctx.Err()
		if err == nil {
			c.notice(now)
			continue
		}
		if !whole {
			continue
		}
		switch c.patrolled.looks++; c.patrolled.looks {
		case graceLooks:
			c.patrolled.cancelled.Store(true)
			c.thread.Cancel(err.Error())
		case stuckLooks:
			if a, ok := c.waiter.(host.Abandoner); ok {
				all = append(all, stuck{a, &c.thread.Thread})
			}
		}
	}
	return all, p.walks
}

// A stuck call is one that cannot be stopped, and who is told.
type stuck struct {
	waiter host.Abandoner
	thread *starlark.Thread
}

// notice ends a call that has not come to a look at its limits for a beat or longer, while the
// process has taken more than the call may have: its steps are too large, and must not be many.
func (c *call) notice(now time.Duration) {
	w := c.weight.last()
	s := &w.seen
	looked, taken := c.weight.looked.Load(), c.taken()
	if s.at == 0 || s.looked != looked || c.weight.idle.Load() > 0 {
		*s = sight{looked, now, taken}
		return
	}
	limit := uint64(c.run.program.limits.Memory)
	if now-s.at >= beat && taken > s.taken+limit && w.over.CompareAndSwap(0, limit) {
		c.thread.Cancel("memory")
	}
}

// taken is what the process has taken of memory. For a request it is what is held, so that a step
// which makes much and lets go of it, as one that renders a long page, is none that is too large; while
// a program loads, with nothing beside it that could be meant, it is all.
func (c *call) taken() uint64 {
	if c.run.loading != nil {
		return host.Allocated()
	}
	return host.Live()
}

// most returns the call that holds most, if that is more than least.
func (p *patrol) most(least uint64) (most *call, held uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held = least
	for c := p.first; c != nil; c = c.patrolled.after {
		w := c.weight.more.Load()
		if w != nil && w.held.Load() > held && w.over.Load() == 0 {
			most, held = c, w.held.Load()
		}
	}
	return most, held
}

// relieve ends c, which holds most, since the process comes near the limit of its memory. It may
// have ended by itself.
func (p *patrol) relieve(c *call, limit uint64) (ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for on := p.first; on != nil; on = on.patrolled.after {
		if on == c {
			c.weight.last().most.Store(true) // before what says that it is over
			c.weight.last().over.Store(limit)
			c.ctx.end()
			c.thread.Cancel("memory")
			return true
		}
	}
	return false
}
