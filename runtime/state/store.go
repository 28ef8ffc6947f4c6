package state

import (
	"context"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats.go/jetstream"
)

var _ host.Store = (*bucket)(nil)

// ask has f do something with the bucket's stream for what is no script.
func (b *bucket) ask(
	call context.Context, again bool, f func(ctx context.Context, e *engine, o *opened) error,
) error {
	b.lib.mu.Lock()
	loaded := b.lib.loaded
	b.lib.mu.Unlock()
	if !loaded {
		return errLoading
	}
	ctx, cancel := context.WithTimeout(call, maxWait)
	defer cancel()
	e, err := b.lib.grant.open(ctx)
	if err == nil {
		_, err = e.ask(ctx, again, func(ctx context.Context, e *engine) (int64, error) {
			return e.within(ctx, bucketShape(b.name, b.ttl, b.history), func(
				ctx context.Context, e *engine, o *opened,
			) (int64, error) {
				return 0, f(ctx, e, o)
			})
		})
	}
	return explain(call, err)
}

// Fetch is [host.Store]'s.
func (b *bucket) Fetch(ctx context.Context, key string) (text string, version uint64, err error) {
	subject, err := subjectOf(key)
	if err != nil {
		return "", 0, err
	}
	err = b.ask(ctx, true, func(ctx context.Context, _ *engine, o *opened) error {
		r, err := last(ctx, o, b.prefix, subject)
		if text, version = "", 0; err == nil && r != nil && !r.deleted {
			text, version = string(r.data), r.version
		}
		return err
	})
	return text, version, err
}

// Store is [host.Store]'s. text is JSON. It goes with the ttl of the bucket, if that is shorter, and
// where a key cannot have one of its own.
func (b *bucket) Store(
	ctx context.Context, key, text string, version uint64, ttl time.Duration,
) (uint64, error) {
	if len(text) > maxValue {
		return 0, failed(KindSize, "the value has %d bytes, and %d at most", len(text), maxValue)
	}
	return b.bound(ctx, key, change{data: []byte(text), expect: version, ttl: ttl})
}

// Remove is [host.Store]'s.
func (b *bucket) Remove(ctx context.Context, key string, version uint64) (done bool, err error) {
	now, err := b.bound(ctx, key, change{delete: true, expect: version})
	return now != 0, err
}

// bound makes a change if the key has the version that the change expects, and returns the one that it
// has then, 0 if it had another.
func (b *bucket) bound(ctx context.Context, key string, c change) (version uint64, err error) {
	subject, err := subjectOf(key)
	if err != nil {
		return 0, err
	}
	c.bound, c.ttl = true, max(c.ttl.Truncate(time.Second), 0)
	err = b.ask(ctx, false, func(ctx context.Context, e *engine, o *opened) error {
		if b.history > 1 || o.level < levelTTL {
			if c.ttl > 0 && b.ttl == 0 {
				return failed(KindUsage, "the bucket %s needs a ttl: in one with a history, or of a server before "+
					"nats-server 2.11, a key has none of its own", b.name)
			}
			c.ttl = 0
		}
		version, err = e.put(ctx, o, b.prefix+subject, c)
		if isConflict(err) {
			return nil
		}
		return err
	})
	return version, err
}

// RemoveAll is [host.Store]'s. Who watches the bucket is not told.
func (b *bucket) RemoveAll(ctx context.Context, prefix string) error {
	filter, err := filterOf(prefix)
	if err != nil {
		return err
	}
	return b.ask(ctx, true, func(ctx context.Context, _ *engine, o *opened) error {
		return o.stream.Purge(ctx, jetstream.WithPurgeSubject(b.prefix+filter))
	})
}
