package state

import (
	"context"
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

// scan gives each message that there is to f, in their order, until f returns an error.
func scan(ctx context.Context, o *opened, l listing, f func(m *message) error) error {
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
	defer drop(ctx, o, cons)
	return fetch(ctx, cons, cons.CachedInfo().NumPending, f)
}

// drop lets go of a consumer. It ends by itself if nobody does.
func drop(ctx context.Context, o *opened, cons jetstream.Consumer) {
	_ = o.stream.DeleteConsumer(context.WithoutCancel(ctx), cons.CachedInfo().Name)
}

// scanLast gives the last n messages of a subject to f, in their order.
func scanLast(ctx context.Context, o *opened, subject string, n int, f func(m *message) error) error {
	info, err := o.stream.Info(ctx)
	if err != nil || n == 0 {
		return err
	}
	// Those of other subjects are between them: how far back it is to be looked is tried.
	for back := uint64(n); ; back *= 16 {
		from := info.State.FirstSeq
		if last := info.State.LastSeq; back < last && last-back+1 > from {
			from = last - back + 1
		}
		cons, err := o.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
			OptStartSeq: max(from, 1), FilterSubject: subject, InactiveThreshold: time.Minute,
			MemoryStorage: true, Replicas: 1,
		})
		if err != nil {
			return err
		}
		there := cons.CachedInfo().NumPending
		if there < uint64(n) && from > info.State.FirstSeq {
			drop(ctx, o, cons)
			continue
		}
		skip := there - min(there, uint64(n))
		err = fetch(ctx, cons, there, func(m *message) error {
			if skip > 0 {
				skip--
				return nil
			}
			return f(m)
		})
		drop(ctx, o, cons)
		return err
	}
}

// fetch gives so many messages of a consumer to f.
func fetch(ctx context.Context, cons jetstream.Consumer, left uint64, f func(m *message) error) error {
	for left > 0 {
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
	once     once // of a topic
}

// row is the message as one of a bucket.
func (m *message) row(prefix string) *row {
	return &row{
		key: keyOf(strings.TrimPrefix(m.subject, prefix)), data: m.data, version: m.sequence, time: m.time,
		deleted: absent(m.header),
	}
}

// rows returns the keys of the bucket that begin with a prefix and have a value, in order.
func (b *bucket) rows(t *starlark.Thread, what, prefix string, bare bool) (all []*row, err error) {
	filter, err := filterOf(prefix)
	if err != nil {
		return nil, err
	}
	err = b.do(t, deed{text: what, unit: "keys", again: true}, func(
		ctx context.Context, _ *engine, o *opened,
	) (int64, error) {
		all = nil
		size := 0
		err := scan(ctx, o, listing{filter: b.prefix + filter, bare: bare}, func(m *message) error {
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

func (b *bucket) keys(t *starlark.Thread, prefix string) (starlark.Value, error) {
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

func (b *bucket) items(t *starlark.Thread, prefix string) (starlark.Value, error) {
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
func (b *bucket) past(t *starlark.Thread, key string) (starlark.Value, error) {
	subject, err := subjectOf(key)
	if err != nil {
		return nil, err
	}
	var all []starlark.Value
	err = b.do(t, deed{text: "history", unit: "versions", again: true}, func(
		ctx context.Context, _ *engine, o *opened,
	) (int64, error) {
		all = nil
		err := scan(ctx, o, listing{filter: b.prefix + subject, history: true}, func(m *message) error {
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
