package server

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/hop"
	"go.starlark.net/starlark"
)

// A Gateway is an http.Handler that calls an application: it makes the environ, takes a slot, calls
// app(environ, start_response), sends the body, and cleans up. Only App is required. It must not be
// copied or changed after its first use.
//
// It belongs behind a [Front], which refuses what no application should see, bounds the request's
// body, tells it where it is mounted, and pushes. One that stands alone is mounted at the root,
// bounds bodies of unknown length at the default, and does none of the rest.
type Gateway struct {
	// App is the application; *runtime.Program and *runtime.Live are such.
	App App
	// Environ are the deployer's variables, added to each environ.
	Environ map[string]string
	// Variables, if not nil, returns more of them for one request, of a client or promised: who the
	// user is (REMOTE_USER), what of the path the router took (r.PathValue), which tenant it is.
	// They win over all others of the same name.
	Variables func(r *http.Request) map[string]string
	// ServerName is SERVER_NAME. Empty means the listener's address.
	ServerName string
	// WriteTimeout is how long the client may take to accept a block, or 256 KiB of a larger one.
	// Zero means [DefaultWriteTimeout], negative sets no bound.
	WriteTimeout time.Duration
	// IdleTimeout is how long a response that has begun may send nothing, while its application
	// waits: in a sleep, for the client. That time is not the application's, which has its limits
	// while it runs. Zero means [DefaultIdleTimeout], negative sets no bound.
	IdleTimeout time.Duration
	// Slots bound how many applications run at once. Nil means those of the process, which all
	// Gateways share that have none of their own.
	Slots *Slots
	// Answered, if not nil, is told of each request that was answered, at its end: by which generation, with
	// which status, and what the application did wrong, nil if it did not. Of one whose client has left it
	// is not told. It is called on the goroutine of the request, and must be short.
	Answered func(generation uint64, status int, f *Failure)
	// Multiprocess says that other processes answer for the same application: wsgi.multiprocess.
	Multiprocess bool
	// Abandoned, if not nil, is told of a request whose call cannot be stopped: its time was over a
	// second ago, and it is in one step of the interpreter that goes on, at place (FILE:LINE:COL, ""
	// if that is not known). It is called on another goroutine.
	Abandoned func(r *http.Request, place string)
	// Logger receives what goes wrong, a record for each fault, and what applications write to
	// wsgi.errors. Nil means slog.Default().
	Logger *slog.Logger

	once   sync.Once
	config environ.Config
	source environ.Source // of requests that come through no Front
	tally  tally
}

func (g *Gateway) begin() {
	g.config = environ.Config{
		Vars:         g.Environ,
		ServerName:   g.ServerName,
		MaxBody:      -1, // it is bounded already
		Serial:       g.Slots.serial(),
		Multiprocess: g.Multiprocess,
		Logger:       g.Logger,
	}
}

// idle is how long a response that has begun may send nothing.
func (g *Gateway) idle() time.Duration {
	switch {
	case g.IdleTimeout == 0:
		return DefaultIdleTimeout
	case g.IdleTimeout < 0:
		return math.MaxInt64
	}
	return g.IdleTimeout
}

// ServeHTTP calls the application for one request. It may be called from any number of goroutines.
//
// It panics with http.ErrAbortHandler to break off a response that has begun and cannot be ended.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.once.Do(g.begin); g.App == nil {
		panic("server: the Gateway, or the Handler, has no App")
	}
	x, promised := exchangeOf(w, r)
	if x == nil {
		x, promised = &exchange{ResponseWriter: w}, false
		r = x.handshake(r)
		if x.streams() {
			w = x
		}
		x.request = g.source.Request(r)
		x.hold = &x.own
		r = bounded(w, r, environ.DefaultMaxBody)
	}
	request := &x.request
	if promised {
		own := x.front.source.Request(r)
		at, _ := placeOf(r)
		own.ScriptName = at.scriptName
		request = &own
	}
	request.Message = r
	l, err := x.hold.join(r, g)
	if err != nil {
		if r.Context().Err() == nil {
			f := failureOf(err)
			f.RequestID = request.ID()
			g.tally.report(g.Logger, r, f)
			g.refused(f)
			x.hold.fail(r, f)
			x.page(w, r, f)
		}
		return
	}
	boundBody(w, r, DefaultReadTimeout)
	x.arrive(r, g, promised)
	res := &response{exchange: x, lease: l, r: r}
	res.running.Store(true)
	defer x.hold.leave()
	defer res.rest()
	g.config.Init(&res.env, request)
	if g.Variables != nil {
		res.vary(g.Variables(r))
	}
	if facts := hop.From(r.Context()); facts != nil {
		res.vary(facts.Variables)
	}
	if _, promised := pushed(r); promised || res.developed() {
		res.env.NoteReads()
	}
	res.env.Extender = res
	res.start.function, res.writer = function{&startResponse, res}, function{&write, res}
	res.length = -1
	res.deadlines.arm(w, r, g.WriteTimeout)
	if !res.serve() {
		panic(http.ErrAbortHandler)
	}
}

// serve runs the application and reports whether the response is whole, or is an error page.
func (r *response) serve() bool {
	var began time.Time
	tell := r.exchange.hold.calls()
	if tell != nil {
		began = time.Now()
	}
	err := r.lease.run.Call(r.r.Context(), func(_ context.Context, t *starlark.Thread,
		app starlark.Callable) (err error) {
		r.calls(t)
		r.args[0], r.args[1] = &r.env, &r.start
		if r.r.Body != http.NoBody {
			r.env.Input.Fail, r.env.Input.Wait = r.deadlines.call.Fail, r.receive
		}
		if r.body, err = starlark.Call(t, app, r.args[:], nil); err != nil {
			return err
		}
		r.returned = true
		if err = r.send(t, r.body); err == nil {
			err = r.complete()
		}
		if own, ok := err.(*environ.Error); ok {
			return &returnError{own, app, r.body}
		}
		return err
	})
	r.switched.end()
	r.extra.unfollow()
	if r.endsWithServer(err) {
		err = r.complete()
	}
	if err != nil && !r.sent && r.r.Context().Err() == nil {
		if answer := host.AnswerOf(err); answer != nil {
			err = r.instead(answer)
		}
	}
	r.rest()
	r.tell(err)
	ok := err == nil || r.fail(err)
	if err == nil {
		r.answered(nil)
	}
	r.over = true
	r.env.Finish() // the rest of the request is net/http's, which throws it away
	r.cleanUp(r.body, err)
	r.env.Errors.Flush()
	if tell != nil {
		r.end(tell, began, err)
	}
	return ok
}

// instead answers for an application, or a body of it, that failed before anything was sent with an
// error that carries an answer. What failed may have ended its call, so this is another one.
func (r *response) instead(answer starlark.Callable) error {
	r.close(r.body)
	r.body = nil
	_ = r.goOn(r.r.Context()) // if that has ended, so has the call
	return r.lease.run.Call(r.r.Context(), func(_ context.Context, t *starlark.Thread,
		_ starlark.Callable) (err error) {
		r.calls(t)
		r.begin()
		r.called, r.returned = false, false
		if r.body, err = starlark.Call(t, answer, r.args[:], nil); err != nil {
			return err
		}
		r.returned = true
		if err = r.send(t, r.body); err == nil {
			err = r.complete()
		}
		return err
	})
}

// fail ends a response whose application failed, and reports whether the client can be left with
// what it has got.
func (r *response) fail(err error) bool {
	if gone := r.r.Context().Err(); errors.Is(err, errGone) || gone != nil && errors.Is(err, gone) {
		logger := orDefault(r.lease.gateway.Logger)
		logger.LogAttrs(context.WithoutCancel(r.r.Context()), slog.LevelDebug, "the client is gone",
			slog.String("path", host.Cut(r.r.URL.Path)), slog.String("request", r.env.Request().ID()))
		return false
	}
	if host.Aborted(err) {
		return false
	}
	f := failureOf(err)
	if r.sent {
		f.Status = int(r.status)
	}
	r.report(f)
	r.answered(f)
	if !r.sent {
		r.sent = true
		r.status = int32(f.Status)
		r.exchange.page(r.w, r.r, f)
		return true
	}
	if r.whole() || r.bodiless() {
		return true
	}
	// What was written before the fault still goes out, so that the client sees where it broke.
	r.flush()
	return false
}

// report logs a failure of this response.
func (r *response) report(f *Failure) {
	f.RequestID = r.env.Request().ID()
	g := r.lease.gateway
	g.tally.report(g.Logger, r.r, f)
	r.exchange.hold.fail(r.r, f)
}
