package site

import (
	"context"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/stats"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server"
)

// A Counter has the numbers of a Server for applications that are granted them, by @stats: its Numbers are what
// [stats.Grant.Read] is. The zero value has none until it is Attached. It must not be copied, and its methods
// may be called from any number of goroutines.
type Counter struct {
	server   atomic.Pointer[Server]
	ended    atomic.Uint64
	failed   atomic.Uint64
	inFlight atomic.Int64
	statuses [4]atomic.Uint64 // of resources, in the order of counted

	mu    sync.Mutex    // guards what follows
	since time.Time     // when the Server began
	last  stats.Numbers // without what is counted here
	read  time.Time     // when those were; zero for never
}

// counted are the statuses that there are counts of.
var counted = [4]push.Status{push.Promised, push.Hinted, push.Linked, push.Skipped}

// Attach has the Counter count what s serves. It is called once, before the first Set of s and after its Observer
// has been set.
func (c *Counter) Attach(s *Server) {
	c.server.Store(s)
	s.Observer = server.Observers(s.Observer, &server.Observer{Begin: c.begin, End: c.end})
}

func (c *Counter) begin(*server.Record) context.Context {
	c.inFlight.Add(1)
	return nil
}

func (c *Counter) end(rec *server.Record) {
	c.inFlight.Add(-1)
	c.ended.Add(1)
	if rec.Status == 0 || rec.Status >= 500 {
		c.failed.Add(1)
	}
	for i := range rec.Verdicts {
		for j, status := range counted {
			if rec.Verdicts[i].Status == status {
				c.statuses[j].Add(1)
			}
		}
	}
}

// age is how old some of the numbers may be: whoever looks often takes no locks of connections each time.
const age = 100 * time.Millisecond

// Numbers returns those of the Server. Those of connections, calls and memory are a tenth of a second old at most,
// or as they were before the Server began to take up a Site, while it does so.
func (c *Counter) Numbers() stats.Numbers {
	s := c.server.Load()
	if s == nil {
		return stats.Numbers{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// A server that is locked may wait for the very script that asks, which it loads.
	if time.Since(c.read) >= age && s.mu.TryLock() {
		all := s.stats()
		s.mu.Unlock()
		c.read = time.Now()
		c.take(&all)
	}
	n := c.last
	if !c.since.IsZero() {
		n.Uptime = stats.Seconds(time.Since(c.since).Seconds())
	}
	n.Requests = stats.Requests{Ended: c.ended.Load(), Failed: c.failed.Load(), InFlight: c.inFlight.Load()}
	n.Resources = stats.Resources{Promised: c.statuses[0].Load(), Hinted: c.statuses[1].Load(),
		Linked: c.statuses[2].Load(), Skipped: c.statuses[3].Load()}
	return n
}

// take notes what the Server does now. c.mu is held.
func (c *Counter) take(all *Stats) {
	c.since = all.Since
	c.last.Connections = stats.Connections{Open: all.Conns.Open, Idle: all.Conns.Idle, Taken: all.Conns.Taken}
	c.last.Calls = stats.Calls{Slots: all.Slots.Calls, Running: all.Slots.Running, Waiting: all.Slots.Waiting,
		Queued: all.Slots.Coming + all.Slots.Going}
	c.last.Memory = memory()
}

// memory is that of the process, which is known without stopping it.
func memory() stats.Memory {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return stats.Memory{Objects: sample[0].Value.Uint64(),
		Mapped: sample[1].Value.Uint64() - sample[2].Value.Uint64()}
}
