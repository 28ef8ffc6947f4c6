package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.starlark.net/starlark"
)

// The bounds of what is listed at once.
const (
	maxListed = 10_000
	maxBytes  = 64 << 20
	batch     = 500
)

// A listing is what is read of a stream, once.
type listing struct {
	filter  string // the subjects
	history bool   // all messages of a subject, not the last one only
	bare    bool   // without the data
}

// errEnough ends a listing early.
var errEnough = errors.New("enough")

// scan gives each message that there is to f, in their order, until f returns an error.
func scan(ctx context.Context, e *engine, o *opened, l listing, f func(m *message) error) error {
	c := jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy,
		FilterSubject: l.filter, HeadersOnly: l.bare, InactiveThreshold: time.Minute, MemoryStorage: true,
		Replicas: 1,
	}
	if l.history {
		c.DeliverPolicy = jetstream.DeliverAllPolicy
	}
	cons, err := o.stream.CreateConsumer(ctx, c)
	if err != nil {
		return err
	}
	info := cons.CachedInfo()
	defer func() { _ = o.stream.DeleteConsumer(context.WithoutCancel(ctx), info.Name) }() // or it ends by itself
	for left := info.NumPending; left > 0; {
		some, err := cons.Fetch(int(min(left, batch)), jetstream.FetchContext(ctx))
		if err != nil {
			return err
		}
		got := uint64(0)
		for m := range some.Messages() {
			got++
			if err == nil {
				err = give(m, f)
			}
		}
		switch failure := some.Error(); {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		case failure != nil && ctx.Err() != nil:
			return ctx.Err()
		case failure != nil:
			return failure
		case got == 0:
			return nil // what was there when it began has gone
		}
		left -= min(got, left)
	}
	return nil
}

func give(m jetstream.Msg, f func(m *message) error) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	return f(&message{
		subject: m.Subject(), data: m.Data(), header: m.Headers(), sequence: meta.Sequence.Stream,
		time: meta.Timestamp,
	})
}

// A message is one of a stream.
type message struct {
	subject  string
	data     []byte
	header   nats.Header
	sequence uint64
	time     time.Time
}

// row is the message as one of a bucket.
func (m *message) row(prefix string) *row {
	return &row{
		key: keyOf(strings.TrimPrefix(m.subject, prefix)), data: m.data, version: m.sequence, time: m.time,
		deleted: absent(m.header),
	}
}

// rows returns the keys of the bucket that begin with a prefix and have a value, in order.
func (b *Bucket) rows(t *starlark.Thread, what, prefix string, bare bool) (all []*row, err error) {
	filter, err := filterOf(prefix)
	if err != nil {
		return nil, err
	}
	err = b.do(t, deed{text: what, unit: "keys", again: true}, func(ctx context.Context, e *engine, o *opened) (int64, error) {
		all = nil
		size := 0
		err := scan(ctx, e, o, listing{filter: b.prefix + filter, bare: bare}, func(m *message) error {
			r := m.row(b.prefix)
			if r.deleted || !strings.HasPrefix(r.key, prefix) {
				return nil
			}
			size += len(r.data)
			switch {
			case len(all) == maxListed:
				return failed(KindLimit, "there are more than %d keys: ask by a longer prefix", maxListed)
			case size > maxBytes:
				return failed(KindLimit, "the values have more than %d bytes: ask by a longer prefix", maxBytes)
			}
			all = append(all, r)
			return nil
		})
		return int64(len(all)), err
	})
	// A key that is changed meanwhile may come twice.
	slices.SortFunc(all, func(x, y *row) int {
		if n := strings.Compare(x.key, y.key); n != 0 {
			return n
		}
		return int(min(max(int64(y.version-x.version), -1), 1))
	})
	all = slices.CompactFunc(all, func(x, y *row) bool { return x.key == y.key })
	if err == nil {
		err = host.Charge(t, uint64(len(all)))
	}
	return all, err
}

func (b *Bucket) keys(t *starlark.Thread, prefix string) (starlark.Value, error) {
	rows, err := b.rows(t, "keys", prefix, true)
	if err != nil {
		return nil, err
	}
	keys := make([]starlark.Value, len(rows))
	for i, r := range rows {
		keys[i] = starlark.String(r.key)
	}
	return starlark.NewList(keys), nil
}

func (b *Bucket) items(t *starlark.Thread, prefix string) (starlark.Value, error) {
	rows, err := b.rows(t, "items", prefix, false)
	if err != nil {
		return nil, err
	}
	items := make([]starlark.Value, len(rows))
	for i, r := range rows {
		v, err := decode(r.data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", host.Cut(starlark.String(r.key).String()), err)
		}
		items[i] = starlark.Tuple{starlark.String(r.key), v}
	}
	return starlark.NewList(items), nil
}

// past is history(key).
func (b *Bucket) past(t *starlark.Thread, key string) (starlark.Value, error) {
	subject, err := subjectOf(key)
	if err != nil {
		return nil, err
	}
	var all []starlark.Value
	err = b.do(t, deed{text: "history", unit: "versions", again: true}, func(ctx context.Context, e *engine, o *opened) (int64, error) {
		all = nil
		err := scan(ctx, e, o, listing{filter: b.prefix + subject, history: true}, func(m *message) error {
			v, err := newEntry(m.row(b.prefix))
			all = append(all, v)
			return err
		})
		return int64(len(all)), err
	})
	if err != nil {
		return nil, err
	}
	return starlark.NewList(all), nil
}
