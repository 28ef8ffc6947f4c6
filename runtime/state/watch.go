package state

import (
	"context"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// watch is watch(prefix, initial).
func (b *bucket) watch(t *starlark.Thread, prefix string, initial bool) (*host.Iterable, error) {
	if _, err := filterOf(prefix); err != nil {
		return nil, err
	}
	return &host.Iterable{Object: "kv.changes", Thread: t, Start: func() host.Steps {
		w := &watching{bucket: b, thread: t, prefix: prefix, initial: initial}
		return host.Steps{Next: w.next, Done: w.done}
	}}, nil
}

// A watching is an iteration over what is there and then over what is changed.
type watching struct {
	bucket  *bucket
	thread  *starlark.Thread
	prefix  string
	initial bool

	feed  *feed // nil before the first step
	at    uint64
	rows  []*row            // that were there when it began, and have not been given
	given map[string]uint64 // versions of those that the feed has too
}

func (w *watching) next() (starlark.Value, bool, error) {
	if w.feed == nil {
		if err := w.begin(); err != nil {
			return nil, false, err
		}
	}
	if len(w.rows) > 0 {
		r := w.rows[0]
		w.rows = w.rows[1:]
		return given(newEntry(r))
	}
	for {
		var m *message
		err := host.CallOf(w.thread).Wait(func(ctx context.Context) (err error) {
			m, err = w.feed.next(ctx, w.at)
			return explain(ctx, err)
		})
		if err != nil {
			return nil, false, err
		}
		w.at = m.sequence
		r := m.row(w.bucket.prefix)
		if !strings.HasPrefix(r.key, w.prefix) || r.version <= w.given[r.key] {
			continue
		}
		if c, ok := host.CallOf(w.thread).(host.Renewer); ok {
			c.Renew()
		}
		return given(newEntry(r))
	}
}

func given(e *entry, err error) (starlark.Value, bool, error) {
	if err != nil {
		return nil, false, err
	}
	return e, true, nil
}

// begin follows the bucket, and reads what is there.
func (w *watching) begin() error {
	b := w.bucket
	err := b.lib.do(w.thread, deed{text: b.name + ".watch", unit: "keys", again: true}, func(
		ctx context.Context, e *engine,
	) (_ int64, err error) {
		w.feed, err = e.follow(ctx, bucketShape(b.name, b.ttl, b.history), b.prefix+">")
		return 0, err
	})
	if err != nil {
		return err
	}
	w.at = w.feed.now()
	if !w.initial {
		return nil
	}
	if w.rows, err = b.rows(w.thread, "watch", w.prefix, false); err != nil {
		return err
	}
	w.given = make(map[string]uint64)
	for _, r := range w.rows {
		if r.version > w.at {
			w.given[r.key] = r.version
		}
	}
	return nil
}

func (w *watching) done() {
	if w.feed != nil {
		w.feed.leave()
		w.feed = nil
	}
}
