package site

import (
	"cmp"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// Stats are what a [Server] serves now.
type Stats struct {
	// Since is when the first Site was taken up; zero before that.
	Since time.Time
	// Ending says that it drains, or has ended.
	Ending bool
	// Mounts are those of the Site, in its order.
	Mounts []MountStats
	// Slots are those that all of its applications share.
	Slots server.SlotStats
	server.GroupStats
}

// MountStats are those of what answers at a mount.
type MountStats struct {
	// Mount is HOST/PATH, as [server.Record.Mount].
	Mount string
	// App is the entry of an application in this process; empty for another handler.
	App string
	// Handler is any other handler, nil for an application.
	Handler http.Handler
	// Generation, Loaded and Failures are of the application, as [runtime.Status] has them, and Err is
	// why it did not load the last time; nil if it did.
	Generation uint64
	Loaded     time.Time
	Failures   uint64
	Err        error
}

// Stats returns them. It takes the lock of each connection of HTTP/2: it is for now and then.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats()
}

// stats is Stats. s.mu is held.
func (s *Server) stats() Stats {
	stats := Stats{Since: s.since, Ending: s.Draining()}
	if s.site == nil {
		return stats
	}
	stats.Slots, stats.GroupStats = s.slots.Stats(), s.group.Stats()
	for _, m := range s.site.Mounts {
		n := MountStats{Mount: m.Host + cmp.Or(m.Path, "/"), Handler: m.Handler}
		var r *running
		if m.App != nil {
			r = find(s.running, m.App)
		}
		if r != nil {
			status := r.live.Status()
			n.App, n.Generation, n.Loaded = m.App.Name(), status.Generation, status.Loaded
			n.Failures, n.Err = status.Failures, status.Err
		}
		stats.Mounts = append(stats.Mounts, n)
	}
	return stats
}
