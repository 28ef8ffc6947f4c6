package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/tee"
)

// A tally keeps what comes again and again from filling the log, since strangers may be able to
// make it come: of the records of a kind it logs the first ones one by one, and then how many more
// there were, every tallyInterval, until there were none. The zero value is ready, and safe for
// concurrent use. It must not be copied.
type tally struct {
	mu    sync.Mutex
	kinds map[string]*tallied
}

// tallied is what a tally knows of the records of a kind.
type tallied struct {
	logged int // one by one
	more   int // since
}

const (
	tallyInterval = 10 * time.Second
	// maxKinds is how many kinds a tally tells apart; all others are one.
	maxKinds = 256
)

// A notice is a record of a kind, of which the first ones are logged one by one.
type notice struct {
	kind  string
	first int
	level slog.Level
	text  string
	attrs []slog.Attr
}

// log logs a notice, or counts it. Whoever collects what is logged in ctx is given each.
func (t *tally) log(ctx context.Context, logger *slog.Logger, n notice) {
	if tee.Watched(ctx) || t.admit(logger, &n) {
		logger.LogAttrs(ctx, n.level, n.text, n.attrs...)
	}
}

// admit reports whether n is one of the first of its kind; if not it is counted.
func (t *tally) admit(logger *slog.Logger, n *notice) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kinds == nil {
		t.kinds = map[string]*tallied{}
	}
	k := t.kinds[n.kind]
	if k == nil && len(t.kinds) >= maxKinds {
		n.kind = ""
		k = t.kinds[n.kind]
	}
	if k == nil {
		k = new(tallied)
		t.kinds[n.kind] = k
		kind, level, text := n.kind, n.level, n.text
		time.AfterFunc(tallyInterval, func() { t.sum(kind, logger, level, text) })
	}
	if k.logged < n.first {
		k.logged++
		return true
	}
	k.more++
	return false
}

// sum logs how many more there were of a kind, at the end of an interval, and forgets a kind of
// which there were none.
func (t *tally) sum(kind string, logger *slog.Logger, level slog.Level, text string) {
	t.mu.Lock()
	more := t.kinds[kind].more
	t.kinds[kind].more = 0
	if more == 0 {
		delete(t.kinds, kind)
	}
	t.mu.Unlock()
	if more == 0 {
		return
	}
	logger.LogAttrs(context.Background(), level, text, slog.Int("more", more),
		slog.Duration("in", tallyInterval))
	time.AfterFunc(tallyInterval, func() { t.sum(kind, logger, level, text) })
}
