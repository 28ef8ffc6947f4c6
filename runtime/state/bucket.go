package state

import (
	"context"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A bucket is what a script has of a bucket, for one generation of its program, as bucketType
// describes it. It is safe for concurrent use.
type bucket struct {
	host.Object
	lib     *library
	name    string
	prefix  string // of its subjects
	ttl     time.Duration
	history int
}

var _ starlark.HasAttrs = (*bucket)(nil)

func (b *bucket) String() string { return "<kv.bucket " + b.name + ">" }

// AttrNames are those of the description.
func (b *bucket) AttrNames() []string { return bucketType.AttrNames() }

// Attr returns a method, or the name.
func (b *bucket) Attr(name string) (starlark.Value, error) {
	if name == "name" {
		return starlark.String(b.name), nil
	}
	return bucketType.Method(b, name), nil
}

// own is what the names of buckets and streams begin with that are this package's own.
const own = "larkspur"

// bucket is bucket(name, ttl, history).
func (l *library) bucket(name string, ttl starlark.Value, history int) (*bucket, error) {
	if err := checkName("bucket", name); err != nil {
		return nil, err
	}
	if strings.HasPrefix(name, own) {
		return nil, failed(KindUsage, "buckets whose names begin with %s are larkspur's own", own)
	}
	if history < 1 || history > 64 {
		return nil, failed(KindUsage, "history is %d, not from 1 to 64", history)
	}
	age, err := durationOf("ttl", ttl, leastTTL, mostTTL)
	if err != nil {
		return nil, err
	}
	if err := l.top("bucket"); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.buckets[name]; b != nil {
		if (b.ttl != age || b.history != history) && l.load.Events != nil {
			return nil, failed(KindUsage, "the bucket %s is said twice, with another ttl or history", name)
		}
	}
	b := &bucket{Object: "kv.bucket", lib: l, name: name, prefix: prefixOf(name), ttl: age, history: history}
	l.buckets[name] = b
	return b, nil
}

// do has f do something with the bucket's stream, as [library.do].
func (b *bucket) do(
	t *starlark.Thread, d deed, f func(ctx context.Context, e *engine, o *opened) (int64, error),
) error {
	d.text = b.name + "." + d.text
	return b.lib.do(t, d, func(ctx context.Context, e *engine) (int64, error) {
		return e.within(ctx, bucketShape(b.name, b.ttl, b.history), f)
	})
}

// row returns the row of a key, nil if it has no value.
func (b *bucket) row(t *starlark.Thread, what, key string) (r *row, err error) {
	subject, err := subjectOf(key)
	if err != nil {
		return nil, err
	}
	err = b.do(t, deed{text: what, unit: "bytes", again: true}, func(
		ctx context.Context, _ *engine, o *opened,
	) (int64, error) {
		r, err = last(ctx, o, b.prefix, subject)
		if err != nil || r == nil {
			return 0, err
		}
		return int64(len(r.data)), nil
	})
	return r, err
}

// bucketGet is get(key, default).
func bucketGet(a host.Args) (starlark.Value, error) {
	var key string
	var fallback starlark.Value
	if err := a.Unpack(&key, &fallback); err != nil {
		return nil, err
	}
	b := a.Of.(*bucket)
	r, err := b.row(a.Thread, "get", key)
	if err != nil {
		return nil, err
	}
	if r == nil || r.deleted {
		return fallback, nil
	}
	return decode(r.data)
}

func (b *bucket) entry(t *starlark.Thread, key string) (starlark.Value, error) {
	r, err := b.row(t, "entry", key)
	if err != nil || r == nil || r.deleted {
		return starlark.None, err
	}
	return newEntry(r)
}

// putting reads the arguments that the methods have which put a value.
func (b *bucket) putting(key string, value, ttl starlark.Value) (subject string, c change, err error) {
	if subject, err = subjectOf(key); err != nil {
		return "", c, err
	}
	if c.ttl, err = durationOf("ttl", ttl, leastTTL, mostTTL); err != nil {
		return "", c, err
	}
	if c.ttl > 0 && b.history > 1 {
		return "", c, failed(KindUsage, "a key has no ttl of its own in a bucket with a history: an older value "+
			"would come back")
	}
	c.ttl = c.ttl.Truncate(time.Second)
	if value != nil {
		c.data, err = encode(value)
	}
	return b.prefix + subject, c, err
}

// change makes a change, and returns the version.
func (b *bucket) change(t *starlark.Thread, what, subject string, c change) (version uint64, err error) {
	err = b.do(t, deed{text: what, unit: "bytes"}, func(
		ctx context.Context, e *engine, o *opened,
	) (int64, error) {
		version, err = e.put(ctx, o, subject, c)
		return int64(len(c.data)), err
	})
	return version, err
}

// bucketPut is put(key, value, ttl, version).
func bucketPut(a host.Args) (starlark.Value, error) {
	var key string
	var value, ttl, version starlark.Value
	if err := a.Unpack(&key, &value, &ttl, &version); err != nil {
		return nil, err
	}
	b := a.Of.(*bucket)
	subject, c, err := b.putting(key, value, ttl)
	if err != nil {
		return nil, err
	}
	if c.expect, c.bound, err = versionOf(version); err != nil {
		return nil, err
	}
	at, err := b.change(a.Thread, "put", subject, c)
	if err != nil {
		return nil, err
	}
	return starlark.MakeUint64(at), nil
}

// versionOf reads an argument that is a version, or None.
func versionOf(v starlark.Value) (version uint64, given bool, err error) {
	if v == nil || v == starlark.None {
		return 0, false, nil
	}
	i, ok := v.(starlark.Int)
	if ok {
		version, ok = i.Uint64()
	}
	if !ok {
		return 0, false, failed(KindUsage, "version is %s, not one that put() or entry() has said", host.Show(v))
	}
	return version, true, nil
}

// create puts a value where there is none. A key that was deleted has a version, to which it is bound
// then.
func (b *bucket) create(t *starlark.Thread, key string, value, ttl starlark.Value) (starlark.Value, error) {
	subject, c, err := b.putting(key, value, ttl)
	if err != nil {
		return nil, err
	}
	c.bound = true
	for range attempts {
		at, err := b.change(t, "create", subject, c)
		if err == nil {
			return starlark.MakeUint64(at), nil
		}
		if !isConflict(err) {
			return nil, err
		}
		r, err := b.row(t, "create", key)
		if err != nil {
			return nil, err
		}
		if r != nil && !r.deleted {
			return starlark.None, nil
		}
		c.expect = 0
		if r != nil {
			c.expect = r.version
		}
	}
	return nil, errContended
}

// attempts is how often a change is tried again because another one was first.
const attempts = 1000

var errContended = failed(KindConflict, "others have changed the same key %d times meanwhile", attempts)

// update is update(key, fn, ttl): compare and set, until nobody else was first.
func (b *bucket) update(
	t *starlark.Thread, key string, fn starlark.Callable, ttl starlark.Value,
) (starlark.Value, error) {
	subject, c, err := b.putting(key, nil, ttl)
	if err != nil {
		return nil, err
	}
	c.bound = true
	var wait backoff
	for range attempts {
		r, err := b.row(t, "update", key)
		if err != nil {
			return nil, err
		}
		var had starlark.Value = starlark.None
		c.expect = 0
		if r != nil {
			c.expect = r.version
		}
		if r != nil && !r.deleted {
			if had, err = decode(r.data); err != nil {
				return nil, err
			}
		}
		v, err := starlark.Call(t, fn, starlark.Tuple{had}, nil)
		if err != nil {
			return nil, err
		}
		if v == starlark.None {
			if r == nil || r.deleted {
				return starlark.None, nil
			}
			return decode(r.data) // fn may have changed what it was given
		}
		if c.data, err = encode(v); err != nil {
			return nil, err
		}
		_, err = b.change(t, "update", subject, c)
		if err == nil {
			return v, nil
		}
		if !isConflict(err) {
			return nil, err
		}
		if err := host.Sleep(t, wait.next()); err != nil {
			return nil, err
		}
	}
	return nil, errContended
}

func (b *bucket) delete(t *starlark.Thread, key string, version starlark.Value) error {
	subject, c, err := b.putting(key, nil, nil)
	if err != nil {
		return err
	}
	c.delete = true
	if c.expect, c.bound, err = versionOf(version); err != nil {
		return err
	}
	_, err = b.change(t, "delete", subject, c)
	return err
}
