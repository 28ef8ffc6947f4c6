package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An extra is what few responses need.
type extra struct {
	finishers []starlark.Callable // that on_finish was given
	waiter    waiter
	waits     bool // the call, whose own this is

	links    []string        // of Link fields that the response has besides its own
	trailers []environ.Field // that follow the body

	events *eventStream // nil unless the response is one

	heart environ.Heartbeat
	timer *time.Timer // of heart-beats; nil before the first wait
	spoke time.Time   // when something was sent last
	beats bool        // what the call waits for runs on a goroutine of its own
}

// extras returns that of the response, made when it is first asked for.
func (r *response) extras() *extra {
	if r.extra == nil {
		r.extra = new(extra)
	}
	return r.extra
}

// slots are those in which the response's calls run.
func (r *response) slots() *Slots { return r.lease.gateway.Slots.orProcess() }

// calls makes the call that t runs the one of the response.
func (r *response) calls(t *starlark.Thread) {
	r.deadlines.call = host.CallOf(t)
	if y, ok := r.deadlines.call.(host.Yielder); ok {
		y.Yield(r)
	}
}

var (
	_ host.Identifier = (*response)(nil)
	_ host.Chooser    = (*response)(nil)
	_ host.Abandoner  = (*response)(nil)
	_ host.Observer   = (*response)(nil)
)

// RequestID is [host.Identifier]'s.
func (r *response) RequestID() string { return r.env.Request().ID() }

// Observe is [host.Observer]'s.
func (r *response) Observe(w host.Work) {
	g := r.lease.gateway
	if out := r.exchange.hold.observer.Load(); out != nil && out.Work != nil {
		out.Work(r.r, w)
	}
	logger, ctx := orDefault(g.Logger), context.WithoutCancel(r.r.Context())
	if !logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.String("text", w.Text), slog.Duration("took", w.Took),
		slog.Int64(w.Unit, w.Count)}
	if w.Err != nil {
		attrs = append(attrs, slog.Any("error", w.Err))
	}
	if id := r.RequestID(); id != "" {
		attrs = append(attrs, slog.String("request", id))
	}
	logger.LogAttrs(ctx, slog.LevelDebug, w.Kind, attrs...)
}

// Wait is [host.Waiter]'s: while a call waits, others run in its slot. Once the response has begun,
// the time is not the application's, but the response may not be silent for too long.
func (r *response) Wait(ctx context.Context, f func(context.Context) error) error {
	return r.await(ctx, f, nil)
}

// Await is [host.Chooser]'s.
func (r *response) Await(ctx context.Context, later <-chan struct{}) error {
	return r.await(ctx, func(ctx context.Context) error { return host.Until(ctx, later) }, later)
}

// await waits for f, which waits for later unless that is nil.
func (r *response) await(ctx context.Context, f func(context.Context) error, later <-chan struct{}) error {
	y, ok := r.deadlines.call.(host.Yielder)
	if ok && r.switched != nil && !r.over {
		return r.wait(ctx, "", func() error {
			return r.waitSwitched(y, func() error { return f(ctx) })
		})
	}
	if r.extra != nil && r.extra.beats {
		return f(ctx) // a wait inside another
	}
	if !ok || !r.sent || r.over {
		return r.wait(ctx, "", func() error { return f(ctx) })
	}
	idle := r.lease.gateway.idle()
	return r.wait(ctx, "", func() error {
		resume := y.Suspend(idle)
		var err error
		switch beats := r.extra.heart.Every > 0 && r.length < 0; {
		case !beats:
			r.silent(idle)
			err = f(ctx)
		case later != nil:
			resume, err = r.beat(ctx, y, resume, later)
		default:
			resume, err = r.beside(ctx, y, resume, f)
		}
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			resume()
			return err
		}
		err = environ.Errorf(environ.CodeLimit, "send something now and then, as a line \":\\n\" of an "+
			"event stream", "the response has sent nothing for %v", idle)
		r.deadlines.call.Fail(err)
		return err
	})
}

// receive is [environ.Input.Wait] of the request's body.
func (r *response) receive(read func(context.Context) error) error {
	if r.deadlines.read == 0 || r.deadlines.read == unbounded {
		r.receiving()
	}
	return r.Wait(r.deadlines.call.Context(), read)
}

// wait runs f, which waits for something else than the processor, with a block in hand or "". It
// counts as a call that waits, and has no slot meanwhile unless calls must not overlap. One that
// may not wait, or must not go on, is failed.
func (r *response) wait(ctx context.Context, block string, f func() error) error {
	e := r.extras()
	if e.waits {
		return f() // a wait inside another
	}
	e.waits = true
	defer func() { e.waits = false }()
	w := &e.waiter
	if w.evict == nil {
		w.evict = r.evict
		w.address = addressOf(r.env.Request().Peer())
	}
	s := r.slots()
	if err := s.waiting.enter(w, block); err != nil {
		r.deadlines.call.Fail(err)
		return err
	}
	rests := !s.serial() && r.rest()
	y, ok := r.deadlines.call.(host.Yielder)
	if ok {
		y.Idle(true)
	}
	err := f()
	if ok {
		y.Idle(false)
	}
	if gone := s.waiting.leave(w); gone != nil {
		r.deadlines.call.Fail(gone)
		err = gone
	}
	if rests {
		if ended := r.goOn(ctx); err == nil {
			err = ended
		}
	}
	return err
}

// evict ends what the call waits for. It is called from another goroutine, while the call waits.
func (r *response) evict() {
	if y, ok := r.deadlines.call.(host.Yielder); ok {
		y.Cancel()
	}
	past := time.Unix(1, 0)
	c := http.NewResponseController(r.w)
	_ = c.SetReadDeadline(past)
	if r.sent {
		_ = c.SetWriteDeadline(past)
	}
}

// rest gives the slot of the call back, if it has one, and reports whether it had.
func (r *response) rest() bool { return r.exchange.hold.rest(r.lease, &r.running) }

// goOn takes a slot, if the call has none. The error is that of ctx.
func (r *response) goOn(ctx context.Context) error {
	return r.exchange.hold.goOn(ctx, r.lease, &r.running)
}

// Abandon is [host.Abandoner]'s: others run in the slot of a call that cannot be stopped. It takes
// another one if it ever comes back, to clean up.
func (r *response) Abandon(place string) {
	if !r.rest() {
		return
	}
	g := r.lease.gateway
	if g.Abandoned != nil {
		g.Abandoned(r.r, place)
	}
	attrs := []slog.Attr{slog.String("method", host.Cut(r.r.Method)), slog.String("path", host.Cut(r.r.URL.Path))}
	if place != "" {
		attrs = append(attrs, slog.String("place", place))
	}
	orDefault(g.Logger).LogAttrs(context.WithoutCancel(r.r.Context()), slog.LevelError,
		"a call cannot be stopped: it is in one step since its time is over", attrs...)
}
