package site

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/runtime/watch"
)

// A fileState is what tells one content of a file from another without reading it.
type fileState struct {
	changed time.Time
	size    int64
}

func stateOf(name string) fileState {
	if name == "" {
		return fileState{}
	}
	info, err := os.Stat(name)
	if err != nil {
		return fileState{}
	}
	return fileState{info.ModTime(), info.Size()}
}

// A Follower tells whether files have changed by looking at them now and again: few, which a network
// or a symlink may have under another name. The zero value has none. It is for one goroutine.
type Follower struct {
	names []string
	seen  []fileState
	next  []fileState // other than seen, and not settled
}

// Changed reports whether one of the files is another than when Changed saw it first and has been so
// for two looks, so that it is written by now. Other names than before have not changed.
func (f *Follower) Changed(names ...string) bool {
	now := make([]fileState, len(names))
	for i, name := range names {
		now[i] = stateOf(name)
	}
	switch {
	case !slices.Equal(names, f.names):
		f.names, f.seen, f.next = slices.Clone(names), now, nil
	case slices.Equal(now, f.seen):
		f.next = nil
	case slices.Equal(now, f.next):
		f.seen, f.next = now, nil
		return true
	default:
		f.next = now
	}
	return false
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
