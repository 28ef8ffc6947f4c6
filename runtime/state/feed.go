package state

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats.go/jetstream"
	"go.starlark.net/starlark"
)

// A feed follows the messages of a stream, or of one subject of it, for all who want them in this
// process: they have one consumer together, and the last messages, of which each takes the next when
// it is ready for it. Who falls behind them reads on from the stream, so that nobody is waited for,
// and nothing is kept for anybody. It is safe for concurrent use.
type feed struct {
	engine *engine
	shape  shape
	filter string

	ready chan struct{} // closed when it follows, or cannot
	err   error         // why it cannot
	open  *opened
	stop  context.CancelFunc

	mu    sync.Mutex
	users int
	ring  []*message // the last ones
	size  int        // bytes of those
	from  uint64     // all messages after this one are in the ring, or are still to come
	last  uint64     // the last one, or the last one of the stream when it began
	more  chan struct{}
}

// The bounds of what a feed has.
const (
	maxRing      = 1024
	maxRingBytes = 4 << 20
	// maxFollowers is how many watches and subscriptions there may be at once in a process.
	maxFollowers = 10_000
	// maxOfCall is how many of them one request may have: each may be of another topic, with a consumer.
	maxOfCall = 256
	// heartbeat is how often the server says that it has nothing. When it has not said so twice, the node
	// that had the consumer is gone, and another one has it.
	heartbeat = 2 * time.Second
	// inactive is how long the server keeps a consumer of a process that is gone.
	inactive = 30 * time.Second
)

// A feedKey is what feeds are told apart by.
type feedKey struct{ stream, filter string }

// follow returns the feed of a stream's subjects, of which a call is one more user until leave is called
// for it.
func (e *engine) follow(ctx context.Context, by host.Call, s shape, filter string) (*feed, error) {
	key := feedKey{s.name, filter}
	e.mu.Lock()
	switch {
	case e.followers >= maxFollowers:
		e.mu.Unlock()
		return nil, failed(KindLimit, "there are %d watches and subscriptions in this process already", maxFollowers)
	case e.follows[by] >= maxOfCall && by.Context().Done() != nil: // else it is no request
		e.mu.Unlock()
		return nil, failed(KindLimit, "the request has %d watches and subscriptions already", maxOfCall)
	}
	e.followers++
	e.follows[by]++
	f := e.feeds[key]
	mine := f == nil
	if mine {
		follows, stop := context.WithCancel(context.Background())
		f = &feed{engine: e, shape: s, filter: filter, ready: make(chan struct{}), stop: stop, more: make(chan struct{})}
		e.feeds[key] = f
		go f.run(follows)
	}
	f.users++ // guarded by e.mu
	e.mu.Unlock()
	select {
	case <-f.ready:
	case <-ctx.Done():
		f.leave(by)
		return nil, ctx.Err()
	}
	if f.err != nil {
		f.leave(by)
		return nil, f.err
	}
	return f, nil
}

// leave is called once for each user. The last one ends the feed.
func (f *feed) leave(by host.Call) {
	e := f.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	e.followers--
	if e.follows[by]--; e.follows[by] == 0 {
		delete(e.follows, by)
	}
	if f.users--; f.users == 0 {
		delete(e.feeds, feedKey{f.shape.name, f.filter})
		f.stop()
	}
}

// begin has the messages sent that come after the last one. The first time it opens the stream, and notes
// where it is.
func (f *feed) begin(ctx context.Context) (all *consumption, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	_, err = f.engine.ask(ctx, true, func(ctx context.Context, e *engine) (int64, error) {
		return e.within(ctx, f.shape, func(ctx context.Context, _ *engine, o *opened) (int64, error) {
			if f.open == nil {
				info, err := o.stream.Info(ctx)
				if err != nil {
					return 0, err
				}
				f.open, f.from, f.last = o, info.State.LastSeq, info.State.LastSeq
			}
			cons, err := o.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
				FilterSubjects: []string{f.filter}, DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
				OptStartSeq: f.now() + 1, MaxResetAttempts: 1, InactiveThreshold: inactive,
			})
			if err != nil {
				return 0, err
			}
			messages, err := cons.Messages(jetstream.PullMaxMessages(256), jetstream.PullHeartbeat(heartbeat))
			if err == nil {
				all = &consumption{messages, cons, o.stream}
			}
			return 0, err
		})
	})
	return all, err
}

// A consumption is the messages that a consumer of the server has.
type consumption struct {
	jetstream.MessagesContext
	consumer jetstream.Consumer
	stream   jetstream.Stream
}

// end stops the messages, and has the server forget the consumer: by itself it does so late, and clients may
// make one for each topic that they can name.
func (c *consumption) end() {
	c.Stop()
	if info := c.consumer.CachedInfo(); info != nil {
		ctx, cancel := context.WithTimeout(context.Background(), maxWait)
		defer cancel()
		_ = c.stream.DeleteConsumer(ctx, info.Name) // if that fails it is inactive
	}
}

// run follows until ctx ends. A consumer that is lost, as with the connection, is made again.
func (f *feed) run(ctx context.Context) {
	all, err := f.begin(ctx)
	f.err = err
	close(f.ready)
	if err != nil {
		return
	}
	for {
		f.take(ctx, all)
		for all = nil; all == nil; {
			if host.Pause(ctx, again) != nil || f.engine.nc.IsClosed() {
				return
			}
			if all, err = f.begin(ctx); err != nil && ctx.Err() == nil {
				f.log(ctx, err)
			}
		}
	}
}

// take takes messages in until ctx ends or no more will come.
func (f *feed) take(ctx context.Context, all *consumption) {
	defer context.AfterFunc(ctx, all.Stop)()
	defer all.end()
	for {
		m, err := all.Next()
		if err == nil {
			err = give(m, f.add)
		}
		if ctx.Err() != nil || errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return
		}
		if err != nil {
			f.log(ctx, err)
			return
		}
	}
}

func (f *feed) log(ctx context.Context, err error) {
	f.engine.grant.logger().WarnContext(ctx, "state: follow", slog.String("stream", f.shape.name),
		slog.Any("error", err))
}

// add takes a message in.
func (f *feed) add(m *message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ring, f.size, f.last = append(f.ring, m), f.size+len(m.data), m.sequence
	drop := 0
	for f.size > maxRingBytes && drop < len(f.ring)-1 || len(f.ring)-drop > maxRing {
		f.from, f.size = f.ring[drop].sequence, f.size-len(f.ring[drop].data)
		f.ring[drop] = nil
		drop++
	}
	f.ring = f.ring[drop:]
	close(f.more)
	f.more = make(chan struct{})
	return nil
}

// poll returns the first message after a sequence, or a channel that is closed when there may be one. What
// the feed has no longer is read from the stream, inside a call of t.
func (f *feed) poll(t *starlark.Thread, after uint64) (m *message, later <-chan struct{}, err error) {
	for {
		f.mu.Lock()
		behind := after < f.from
		if !behind {
			m, later = f.find(after), f.more
		}
		f.mu.Unlock()
		switch {
		case m != nil:
			return m, nil, nil
		case !behind:
			return nil, later, nil
		}
		err = host.CallOf(t).Wait(func(ctx context.Context) (err error) {
			m, err = f.read(ctx, after)
			return explain(ctx, err)
		})
		if m != nil || err != nil {
			return m, nil, err
		}
		after = f.reached(after)
	}
}

// reached is where who has read the stream to its end is: at what the ring begins with.
func (f *feed) reached(after uint64) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(after, f.from)
}

// find returns the first message of the ring after a sequence, nil if there is none.
func (f *feed) find(after uint64) *message {
	low, high := 0, len(f.ring)
	for low < high {
		if mid := (low + high) / 2; f.ring[mid].sequence <= after {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(f.ring) {
		return nil
	}
	return f.ring[low]
}

// read returns the first message of the stream after a sequence, nil if there is none.
func (f *feed) read(ctx context.Context, after uint64) (*message, error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	var m *jetstream.RawStreamMsg
	_, err := f.engine.ask(ctx, true, func(ctx context.Context, _ *engine) (_ int64, err error) {
		m, err = f.open.stream.GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(f.filter))
		return 0, err
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return raw(m), nil
}

func raw(m *jetstream.RawStreamMsg) *message {
	return &message{subject: m.Subject, data: m.Data, header: m.Header, sequence: m.Sequence, time: m.Time}
}

// now returns where the feed is: what comes is after that.
func (f *feed) now() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}
