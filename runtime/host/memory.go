package host

import (
	"math"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// fresh is how old what is known of the process's memory may be: to ask costs a microsecond, and in
// that time no processor fills more than a few megabytes.
const fresh = time.Millisecond

// A footprint is what the Go runtime says of the process, as it was a moment ago.
type footprint struct {
	at        atomic.Int64 // when it was asked, since epoch
	allocated atomic.Uint64
	live      atomic.Uint64
	limit     atomic.Uint64 // 0 if there is none
	tight     atomic.Bool
	cycles    atomic.Uint64

	mu      sync.Mutex // held by who asks
	samples []metrics.Sample
}

// process is that of this process.
var process footprint

// epoch is what times are counted from.
var epoch = time.Now()

// The samples of a footprint. If there is no limit only those up to it are asked for.
const (
	allocated = iota
	live
	limit
	total
	released
	free
	unused
	objects
	cycles
)

var sampled = [...]string{
	allocated: "/gc/heap/allocs:bytes",
	limit:     "/gc/gomemlimit:bytes",
	total:     "/memory/classes/total:bytes",
	released:  "/memory/classes/heap/released:bytes",
	free:      "/memory/classes/heap/free:bytes",
	unused:    "/memory/classes/heap/unused:bytes",
	objects:   "/memory/classes/heap/objects:bytes",
	live:      "/gc/heap/live:bytes",
	cycles:    "/gc/cycles/total:gc-cycles",
}

// Allocated returns how many bytes the process has allocated since it began, and let go of or not,
// as of a millisecond ago. What a part of it holds cannot have grown by more than that has. It may
// be called as often as one likes.
func Allocated() uint64 {
	process.look()
	return process.allocated.Load()
}

// Live returns how many bytes the process held when garbage was collected last: what is let go of
// does not count. It is as cheap as [Allocated].
func Live() uint64 {
	process.look()
	return process.live.Load()
}

// LastAllocated is what Allocated has returned last, to anybody.
func LastAllocated() uint64 { return process.allocated.Load() }

// Tight reports whether what the process holds nears the limit of its memory, GOMEMLIMIT: whether
// it is more than seven eighths of that, without garbage. Without a limit it never does.
func Tight() bool {
	if process.at.Load() != 0 && process.limit.Load() == 0 {
		return false
	}
	process.look()
	return process.tight.Load()
}

// ProcessLimit returns the limit of the process's memory, 0 if it has none.
func ProcessLimit() uint64 { return process.limit.Load() }

// Collections returns how often garbage has been collected, in a process whose memory has a limit.
func Collections() uint64 {
	process.look()
	return process.cycles.Load()
}

// look asks the runtime, unless that was done a moment ago or is being done.
func (m *footprint) look() {
	now := time.Since(epoch)
	last := m.at.Load()
	if last != 0 && now-time.Duration(last) < fresh || !m.mu.TryLock() {
		return
	}
	defer m.mu.Unlock()
	if m.samples == nil {
		m.samples = make([]metrics.Sample, len(sampled))
		for i, name := range sampled {
			m.samples[i].Name = name
		}
	}
	metrics.Read(m.samples[:limit+1])
	m.allocated.Store(m.value(allocated))
	m.live.Store(m.value(live))
	if most := m.value(limit); most < math.MaxInt64 {
		metrics.Read(m.samples[limit+1:])
		garbage := m.value(objects) - min(m.value(live), m.value(objects))
		unheld := m.value(released) + m.value(free) + m.value(unused) + garbage
		m.limit.Store(most)
		m.cycles.Store(m.value(cycles))
		m.tight.Store(m.value(total)-min(unheld, m.value(total)) > most/8*7)
	} else {
		m.limit.Store(0)
		m.tight.Store(false)
	}
	m.at.Store(int64(now))
}

// value returns a sample, 0 if this Go has none of the name.
func (m *footprint) value(i int) uint64 {
	if v := m.samples[i].Value; v.Kind() == metrics.KindUint64 {
		return v.Uint64()
	}
	return 0
}
