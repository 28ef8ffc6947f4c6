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
	w := &watching{bucket: b, follower: follower{thread: t}, prefix: prefix, initial: initial}
	if err := w.begin(); err != nil {
		return nil, err
	}
	w.at = w.feed.now()
	return w.iterable("kv.changes", w.poll), nil
}

// A watching is an iterable of what is there and then of what is changed. Each iteration goes on where the last
// one was.
type watching struct {
	follower
	bucket  *bucket
	prefix  string
	initial bool              // what is there was not read yet
	rows    []*row            // of it, that have not been given
	given   map[string]uint64 // versions of those that the feed has too
}

func (w *watching) poll() (starlark.Value, bool, <-chan struct{}, error) {
	if w.feed == nil {
		if err := w.begin(); err != nil {
			return nil, false, nil, err
		}
	}
	if w.initial {
		if err := w.read(); err != nil {
			return nil, false, nil, err
		}
	}
	if len(w.rows) > 0 {
		r := w.rows[0]
		w.rows = w.rows[1:]
		return given(newEntry(r))
	}
	for {
		m, later, err := w.next()
		if m == nil {
			return nil, false, later, err
		}
		r := m.row(w.bucket.prefix)
		if strings.HasPrefix(r.key, w.prefix) && r.version > w.given[r.key] {
			w.renew()
			return given(newEntry(r))
		}
	}
}

func given(e *entry, err error) (starlark.Value, bool, <-chan struct{}, error) {
	return e, err == nil, nil, err
}

// begin follows the bucket.
func (w *watching) begin() error {
	b := w.bucket
	return b.lib.do(w.thread, deed{text: b.name + ".watch", unit: "keys", again: true}, func(
		ctx context.Context, e *engine,
	) (int64, error) {
		f, err := e.follow(ctx, host.CallOf(w.thread), bucketShape(b.name, b.ttl, b.history), b.prefix+">")
		if err == nil {
			w.follow(f)
		}
		return 0, err
	})
}

// read reads what is there.
func (w *watching) read() (err error) {
	if w.rows, err = w.bucket.rows(w.thread, "watch", w.prefix, false); err != nil {
		return err
	}
	w.initial, w.given = false, make(map[string]uint64)
	for _, r := range w.rows {
		if r.version > w.at {
			w.given[r.key] = r.version
		}
	}
	return nil
}
