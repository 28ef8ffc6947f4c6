package state

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A shape is what is said of a stream where it is asked for. Whatever else one that is there already
// has, as how many replicas of it there are, stays as it is.
type shape struct {
	name      string
	subject   string
	age       time.Duration // after which a message goes; 0 for never
	each      int64         // messages of a subject, of which the oldest goes first; 0 for all
	most      int64         // bytes of all of them, of which the oldest go first; 0 for no bound
	work      bool          // a message goes when it was worked on
	markers   bool          // the end of a message by age is one that can be seen
	duplicate time.Duration // for how long an id of a message counts; 0 for as it comes
}

// config is how a stream of the shape is made.
func (e *engine) config(s shape, level int) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: s.name, Subjects: []string{s.subject}, MaxAge: s.age, MaxMsgsPerSubject: max(s.each, -1),
		MaxBytes: -1, MaxMsgs: -1, MaxConsumers: -1, Replicas: e.replicas(), AllowDirect: e.direct(),
		AllowRollup: true, Discard: jetstream.DiscardNew, Duplicates: s.duplicate,
	}
	switch {
	case s.duplicate > 0:
	case e.clustered():
		c.Duplicates = sameFor
		if s.age > 0 {
			c.Duplicates = min(s.age, sameFor)
		}
	case e.house != nil:
		// No message has an id. When it starts, a server reads all that came in this time.
		c.Duplicates = leastSame
	}
	if s.each == 0 {
		c.MaxMsgsPerSubject = -1
	}
	if s.most > 0 {
		c.MaxBytes, c.Discard = s.most, jetstream.DiscardOld
	}
	if s.work {
		c.Retention = jetstream.WorkQueuePolicy
	}
	if e.grant.volatile {
		c.Storage = jetstream.MemoryStorage
	}
	if level >= levelTTL {
		c.AllowMsgTTL = true
		if s.markers {
			c.SubjectDeleteMarkerTTL = markerTime
		}
	}
	return c
}

const (
	// leastSame is for how long the server of a directory knows ids at least.
	leastSame = 100 * time.Millisecond
	// levelTTL is the level of the API of JetStream from which a message may have an age of its own:
	// that of nats-server 2.11.
	levelTTL = 1
	// markerTime is for how long it can be seen that a key was deleted.
	markerTime = time.Minute
)

// direct reports whether whoever has a replica may answer who reads. In a cluster it is the leader that
// does: another one may not have yet what was acknowledged.
func (e *engine) direct() bool { return !e.clustered() }

// replicas is how many there are of what is kept, once there are as many nodes.
func (e *engine) replicas() int {
	if e.house != nil {
		return min(3, len(e.grant.Cluster.Peers)+1)
	}
	if e.nc.ConnectedClusterName() != "" && len(e.nc.Servers()) >= 3 {
		return 3
	}
	return 1
}

// An opened stream is one that was asked for.
type opened struct {
	engine *engine
	shape  shape
	ready  chan struct{} // closed when what follows is known
	stream jetstream.Stream
	level  int
	err    error
}

// open returns the stream of a shape. It is made, or made so, by the first who asks.
func (e *engine) open(ctx context.Context, s shape) (*opened, error) {
	for {
		e.mu.Lock()
		o := e.streams[s.name]
		mine := o == nil || o.shape != s
		if mine {
			o = &opened{engine: e, shape: s, ready: make(chan struct{})}
			e.streams[s.name] = o
		}
		e.mu.Unlock()
		if mine {
			o.stream, o.level, o.err = e.ensure(ctx, s)
			if o.err != nil {
				e.forget(o)
			}
			close(o.ready)
			return o, o.err
		}
		select {
		case <-o.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if o.err == nil || !ended(o.err) {
			return o, o.err
		}
	}
}

// forget has the stream be looked for again.
func (e *engine) forget(o *opened) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.streams[o.shape.name] == o {
		delete(e.streams, o.shape.name)
	}
}

// ensure makes a stream, or has one that is there be as the shape says.
func (e *engine) ensure(ctx context.Context, s shape) (jetstream.Stream, int, error) {
	var info *jetstream.AccountInfo
	err := e.persist(ctx, func(ctx context.Context) (err error) {
		info, err = e.js.AccountInfo(ctx)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	level := info.API.Level
	want := e.config(s, level)
	stream, err := e.create(ctx, want)
	if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return stream, level, err
	}
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		stream, err = e.js.Stream(ctx, s.name)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	have := stream.CachedInfo().Config
	if have.MaxAge == want.MaxAge && have.MaxMsgsPerSubject == want.MaxMsgsPerSubject &&
		have.MaxBytes == want.MaxBytes && have.AllowDirect == want.AllowDirect && have.AllowMsgTTL == want.AllowMsgTTL &&
		have.SubjectDeleteMarkerTTL == want.SubjectDeleteMarkerTTL {
		return stream, level, nil
	}
	have.MaxAge, have.MaxMsgsPerSubject, have.MaxBytes = want.MaxAge, want.MaxMsgsPerSubject, want.MaxBytes
	have.AllowDirect, have.AllowMsgTTL = want.AllowDirect, want.AllowMsgTTL
	have.SubjectDeleteMarkerTTL = want.SubjectDeleteMarkerTTL
	if have.MaxAge > 0 && have.Duplicates > have.MaxAge {
		have.Duplicates = have.MaxAge
	}
	err = e.persist(ctx, func(ctx context.Context) (err error) {
		stream, err = e.js.UpdateStream(ctx, have)
		return err
	})
	return stream, level, err
}

// clear deletes all streams.
func (e *engine) clear(ctx context.Context) error {
	names := e.js.StreamNames(ctx)
	var errs []error
	for name := range names.Name() {
		errs = append(errs, e.js.DeleteStream(ctx, name))
	}
	e.mu.Lock()
	e.streams = make(map[string]*opened)
	e.mu.Unlock()
	return errors.Join(append(errs, names.Err())...)
}

// within has f do something with the stream of a shape. If that was deleted since it was asked for,
// it is made again.
func (e *engine) within(
	ctx context.Context, s shape, f func(ctx context.Context, e *engine, o *opened) (int64, error),
) (int64, error) {
	o, err := e.open(ctx, s)
	if err != nil {
		return 0, err
	}
	n, err := f(ctx, e, o)
	if !gone(err) || ctx.Err() != nil {
		return n, err
	}
	e.forget(o)
	if o, err = e.open(ctx, s); err != nil {
		return 0, err
	}
	return f(ctx, e, o)
}

// gone reports whether err may mean that there is no such stream any more: nobody answers.
func gone(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, jetstream.ErrStreamNotFound)
}

// A backoff is how long who was not the first waits before it tries again: longer each time, and not
// as long as the others.
type backoff struct{ tries int }

func (b *backoff) next() time.Duration {
	b.tries++
	most := min(time.Duration(b.tries)*time.Millisecond, 20*time.Millisecond)
	return time.Duration(rand.Int64N(int64(most)))
}
