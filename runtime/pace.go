package runtime

import "time"

const (
	// interval is how many steps pass at most between two looks at the limits: few enough that a
	// recursion overshoots its depth by a few hundred frames only, enough that the look costs less
	// than 1%.
	interval = 1000
	// early is the step at which they are looked at first, before it is known how long steps take.
	early = 25
	// long is how long it may be between two looks. Steps that take longer are looked at more often.
	long = time.Millisecond
)

// A pace is when the limits of a call are looked at.
type pace struct {
	gap    uint64        // steps to the next look
	looked time.Duration // since epoch
}

// next returns how many steps may pass until the next look, after one at now, since epoch, while prof
// is made unless that is nil.
func (p *pace) next(now time.Duration, prof *profile) uint64 {
	if prof != nil {
		p.gap = prof.gap(p.gap, now-p.looked)
	} else if now-p.looked > long {
		p.gap = max(p.gap/8, 1)
	} else {
		p.gap = min(max(p.gap, early)*4, interval)
	}
	p.looked = now
	return p.gap
}
