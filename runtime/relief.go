package runtime

import (
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A relief ends calls when the process comes near the limit of its memory: that which holds most,
// and then, if garbage has been collected without it and that was not enough, the next. Calls that
// look at their limits weigh themselves meanwhile. The patrols of all programs share one.
type relief struct {
	mu      sync.Mutex
	patrols map[*patrol]bool // those that have found it tight, and have calls
	ended   *call            // the last one, until it leaves
	since   time.Duration    // its end, since epoch
	cycles  uint64           // of collection when it left
}

// process is the relief of this process.
var process relief

const (
	// worth is the part of the limit that a call has to hold to be ended.
	worth = 32
	// patience is how long a call that was ended may go on until another is ended.
	patience = time.Second
)

// relieve ends the call that holds most in all programs, if it is tight.
func (r *relief) relieve(p *patrol) {
	if !host.Tight() {
		return
	}
	now, limit := time.Since(epoch), host.ProcessLimit()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.patrols == nil {
		r.patrols = make(map[*patrol]bool)
	}
	r.patrols[p] = true
	if r.ended != nil && now-r.since < patience || r.ended == nil && host.Collections() == r.cycles {
		return
	}
	var most *call
	var of *patrol
	held := limit / worth
	for p := range r.patrols {
		if c, h := p.most(held); c != nil {
			most, of, held = c, p, h
		}
	}
	if most != nil && of.relieve(most, limit) {
		r.ended, r.since = most, now
	}
}

// leave forgets a patrol that has no calls.
func (r *relief) leave(p *patrol) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.patrols, p)
}

// left is told of the end of a call that has been ended.
func (r *relief) left(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == c {
		r.ended, r.cycles = nil, host.Collections()
	}
}
