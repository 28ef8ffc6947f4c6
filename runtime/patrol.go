package runtime

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
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
)

// A patrol looks now and then at all the calls of a program that have not ended, from the first
// step on: any may be long. It has a timer only while there are any. One for each call would cost
// more than the call of a small application. The zero value works.
type patrol struct {
	mu    sync.Mutex
	first *call
	walks bool // there is a timer
}

// A patrolled call is on the list of a patrol, whose lock guards this.
type patrolled struct {
	before, after *call
	looks         int32       // since the end of its context
	cancelled     atomic.Bool // by the patrol; its call reads it without the lock
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

// walk looks at the calls, and again after a beat if there are any.
func (p *patrol) walk() {
	stuck, on := p.look()
	for _, a := range stuck {
		a.Abandon()
	}
	if on {
		time.AfterFunc(beat, p.walk)
	}
}

// look cancels the calls that are over and go on, and returns those that do so all the same, to be
// told without the lock. It reports whether there are any calls.
func (p *patrol) look() (stuck []host.Abandoner, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.walks = p.first != nil
	for c := p.first; c != nil; c = c.patrolled.after {
		err := c.ctx.Err()
		if err == nil {
			continue
		}
		switch c.patrolled.looks++; c.patrolled.looks {
		case graceLooks:
			c.patrolled.cancelled.Store(true)
			c.thread.Cancel(err.Error())
		case stuckLooks:
			if a, ok := c.waiter.(host.Abandoner); ok {
				stuck = append(stuck, a)
			}
		}
	}
	return stuck, p.walks
}
