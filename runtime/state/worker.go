package state

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats.go/jetstream"
	"go.starlark.net/starlark"
)

// serve has a queue worked on, from when the generation is published until it is stopped.
func (l *library) serve(q *queue) {
	if q.work == nil || l.load.App == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	l.load.OnStop(stop)
	if l.grant.volatile { // a test is never published
		l.load.OnReady(func(context.Context) error { l.grant.trial.serve(ctx, q); return nil })
		return
	}
	l.load.OnPublish(func() {
		for range q.concurrency {
			go q.labor(ctx, false)
		}
		go q.labor(ctx, true)
	})
}

// fetchTime is how long a process waits for a job before it asks again. It is not ended before, for a
// job may be on its way.
const fetchTime = 2 * time.Second

// labor takes jobs and does them, until ctx ends: a job that is begun is done. later has it take those
// whose time has come instead, and make them jobs.
func (q *queue) labor(ctx context.Context, later bool) {
	var wait backoff
	for ctx.Err() == nil {
		e, err := q.lib.grant.open(ctx)
		if err == nil {
			_, err = e.ask(context.WithoutCancel(ctx), false, func(
				link context.Context, e *engine,
			) (int64, error) {
				asks, cancel := context.WithTimeout(link, maxWait)
				cons, err := e.consumer(asks, q.name, later)
				cancel()
				for err == nil && ctx.Err() == nil {
					err = q.next(ctx, link, e, cons, later)
				}
				return 0, err
			})
		}
		if ctx.Err() != nil {
			return
		}
		if !isKind(err, KindUnavailable) && !(passing(err) && e.clustered()) &&
			!errors.Is(err, jetstream.ErrServerShutdown) {
			q.lib.logger().Warn("queue: take a job", slog.String("queue", q.name), slog.Any("error", err))
		}
		_ = host.Pause(ctx, max(again, 50*wait.next()))
	}
}

// next waits for a job and does it. When ctx has ended another version does it.
func (q *queue) next(ctx, link context.Context, e *engine, cons jetstream.Consumer, later bool) error {
	some, err := cons.Fetch(1, jetstream.FetchMaxWait(fetchTime))
	if err != nil {
		return err
	}
	for m := range some.Messages() {
		switch {
		case !q.lib.grant.begin():
			return nil // what does not answer for it has it done again
		case ctx.Err() != nil:
			_ = m.Nak()
		case later:
			q.ripen(link, e, m)
		default:
			q.attempt(context.WithoutCancel(link), e, m)
		}
		q.lib.grant.work.Done()
	}
	if err := some.Error(); err != nil && !isNobody(err) {
		return err
	}
	return link.Err()
}

// ripen makes a job of one whose time has come, and has others come again.
func (q *queue) ripen(ctx context.Context, e *engine, m jetstream.Msg) {
	j := jobOf(q.name, m)
	if left := time.Until(j.due); left > 0 {
		_ = m.NakWithDelay(left) // else it comes by itself
		return
	}
	j.due = time.Time{}
	if err := e.requeue(ctx, j, "due"); err == nil {
		_ = e.acknowledge(ctx, m)
	}
}

// attempt does a job once.
func (q *queue) attempt(ctx context.Context, e *engine, m jetstream.Msg) {
	j := jobOf(q.name, m)
	tries := uint64(1)
	if meta, err := m.Metadata(); err == nil {
		tries = meta.NumDelivered
	}
	log := q.lib.logger().With(slog.String("queue", q.name), slog.String("job", j.id), slog.Uint64("attempt", tries))
	if j.key != "" {
		mine, err := e.claim(ctx, j)
		if err != nil {
			_ = m.NakWithDelay(time.Second)
			return
		}
		if !mine { // another one of the same key was done, or is
			_ = m.Ack()
			return
		}
	}
	beats, stop := context.WithCancel(ctx)
	var beating sync.WaitGroup
	beating.Go(func() {
		for host.Pause(beats, ackTime/3) == nil {
			_ = m.InProgress()
		}
	})
	began := time.Now()
	err := q.run(ctx, j, tries)
	stop()
	beating.Wait()
	log = log.With(slog.Duration("took", time.Since(began)))
	switch {
	case err == nil:
		if err := e.acknowledge(ctx, m); err != nil {
			log.Warn("a job was done, and may be done again", slog.Any("error", err))
			return
		}
		log.Debug("a job was done")
	case errors.Is(err, errStopped):
		_ = m.Nak() // another version does it
	case tries > uint64(q.retries):
		if q.bury(ctx, e, j, err, tries) == nil {
			_ = e.acknowledge(ctx, m)
			log.Error("a job has failed, and is not tried again: larkspur queue lists it", failure(err)...)
			return
		}
		_ = m.NakWithDelay(q.delay(tries))
	default:
		delay := q.delay(tries)
		_ = m.NakWithDelay(delay)
		log.Warn("a job has failed, and is tried again", append(failure(err), slog.Duration("after", delay))...)
	}
}

// failure are what a log says of an error.
func failure(err error) []any {
	all := []any{slog.Any("error", err)}
	if place := host.PlaceOf(err); place != "" {
		all = append(all, slog.String("place", place))
	}
	return all
}

// delay is how long a job waits that has been tried so often.
func (q *queue) delay(tries uint64) time.Duration {
	d := q.backoff
	for range min(tries-1, 30) {
		d = min(2*d, longestBackoff)
	}
	return d
}

// errStopped says that the generation is none that anything begins with.
var errStopped = errors.New("the program was replaced before the job was begun")

// run calls the function of the queue in a request of its own.
func (q *queue) run(ctx context.Context, j *job, tries uint64) error {
	value, err := decode(j.data)
	if err != nil {
		return err
	}
	if q.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.timeout)
		defer cancel()
	}
	return q.lib.call(ctx, q.work, q.args(j, value, tries)...)
}

// call calls a function of the generation in a request of its own.
func (l *library) call(ctx context.Context, fn starlark.Callable, args ...starlark.Value) error {
	r := l.load.App.Begin()
	defer r.End()
	begun := false
	err := r.Call(ctx, func(_ context.Context, t *starlark.Thread, _ starlark.Callable) error {
		begun = true
		_, err := starlark.Call(t, fn, args, nil)
		return err
	})
	if err != nil && !begun {
		return errStopped
	}
	return err
}

// A grave is a job that has failed for good, as it is kept.
type grave struct {
	Value     json.RawMessage `json:"value"`
	Key       string          `json:"key,omitempty"`
	Error     string          `json:"error"`
	Backtrace string          `json:"backtrace,omitempty"`
	Attempts  uint64          `json:"attempts"`
}

// maxBacktrace is how many bytes are kept of the stack of an error.
const maxBacktrace = 8 << 10

// bury keeps a job that has failed for good.
func (q *queue) bury(ctx context.Context, e *engine, j *job, err error, tries uint64) error {
	trace := host.BacktraceOf(err)
	g := grave{Value: j.data, Key: j.key, Error: cmp.Or(host.Cut(host.MessageOf(err)), "error"),
		Backtrace: trace[:min(len(trace), maxBacktrace)], Attempts: tries}
	data, err := json.Marshal(g)
	if err != nil {
		return err
	}
	_, err = e.within(ctx, deadShape(), func(ctx context.Context, e *engine, o *opened) (int64, error) {
		_, err := e.put(ctx, o, prefixOf(deadBucket)+q.name+"."+j.id, change{data: data})
		return 0, err
	})
	return err
}
