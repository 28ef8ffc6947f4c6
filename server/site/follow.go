package site

import (
	"context"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/runtime/watch"
)

// A Follower tells whether files have changed by looking at them now and again: few, which a network
// or a symlink may have under another name. The zero value has none. It is for one goroutine.
type Follower struct {
	names []string
	stamp fileStamp
}

// Changed reports whether one of the files is another than when Changed saw it first and has been so
// for two looks, so that it is written by now. Other names than before have not changed.
func (f *Follower) Changed(names ...string) bool {
	if !slices.Equal(names, f.names) {
		f.names = slices.Clone(names)
		f.stamp.note(names...)
		return false
	}
	return f.stamp.changed(names...)
}

// followMap takes the map of pushes up again whenever its file has changed, until ctx ends.
func (s *Server) followMap(ctx context.Context) {
	ticker := time.NewTicker(watch.Poll / 4)
	defer ticker.Stop()
	var pushes Follower
	for {
		s.mu.Lock()
		site := s.site
		s.mu.Unlock()
		if site != nil && pushes.Changed(site.Push.MapFile) {
			_ = s.reloadMap() // it has logged what came of it
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
