package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"go.starlark.net/starlark"
)

// A lazyConfig is what a Handler makes of its configuration, once.
type lazyConfig struct {
	once    sync.Once
	environ *environ.Config
	front   push.Handler
}

// ServeHTTP calls the application for one request. It may be called from any number of goroutines.
//
// It panics with http.ErrAbortHandler, as the net/http documentation wants, to break off a response that
// has begun and cannot be ended.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	if f := h.refuse(r); f != nil {
		f.theirs = true
		h.turnAway(w, r, f, began)
		return
	}
	slots, err := h.Slots.acquire(r.Context())
	if err != nil {
		if r.Context().Err() == nil {
			h.turnAway(w, r, failureOf(err), began)
		}
		return
	}
	defer slots.release()
	h.lazy().front.ServeHTTP(w, r)
}

// answer calls the application for a page, or for a request that may be promised with one.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request) {
	if _, ok := push.Pushed(r.Context()); ok {
		h.promised(w, r)
		return
	}
	began := time.Now()
	res := &response{h: h, w: w, r: r, length: -1, env: h.config().New(r), plan: push.From(w)}
	if h.WriteTimeout == 0 {
		res.progress = began // the server's own deadline, of the same length, has just begun
	}
	ok := res.serve()
	if h.Access != nil { // its attributes are not free
		more := []slog.Attr{slog.Int64("bytes", res.written), slog.String("request", res.env.RequestID())}
		if n := res.plan.Promised(); n > 0 {
			more = append(more, slog.Int("pushed", n))
		}
		h.access(r, began, res.status, more...)
	}
	if !ok {
		panic(http.ErrAbortHandler)
	}
}

// turnAway answers a request that does not reach the application.
func (h *Handler) turnAway(w http.ResponseWriter, r *http.Request, f *Failure, began time.Time) {
	h.report(r, nil, f)
	h.page(w, r, f)
	if h.Access != nil {
		h.access(r, began, f.Status)
	}
}

// refuse returns why a request is not for the application, or nil.
func (h *Handler) refuse(r *http.Request) *Failure {
	if f := gate(r); f != nil {
		return f
	}
	if h.Mount != "" && !environ.Within(r.URL.Path, h.Mount) {
		return &Failure{Status: http.StatusNotFound, Code: environ.CodeGate, Err: errors.New("the path is outside the mount " + h.Mount)}
	}
	if limit := h.maxBody(); limit >= 0 && r.ContentLength > limit {
		// RFC 9110, section 15.5.14. Known now, so not a byte of it is read.
		return &Failure{Status: http.StatusRequestEntityTooLarge, Code: environ.CodeInputTooLong,
			Err: environ.Errorf(environ.CodeInputTooLong, "", "the request body has %d bytes, the limit is %d", r.ContentLength, limit)}
	}
	return nil
}

// serve runs the application and reports whether the response is whole, or is an error page.
func (r *response) serve() bool {
	var body starlark.Value
	err := r.h.App.Call(r.r.Context(), func(ctx context.Context, t *starlark.Thread, app starlark.Callable) error {
		r.ctx, r.ctl = ctx, handleOf(t)
		r.prepare()
		var err error
		if body, err = starlark.Call(t, app, starlark.Tuple{r.env, (*startResponse)(r)}, nil); err != nil {
			return err
		}
		r.returned = true
		if err := r.drain(t, body); err != nil {
			return err
		}
		return r.complete()
	})
	ok := err == nil || r.fail(err)
	r.over = true
	r.env.Finish() // the rest of the request is net/http's, which throws it away
	r.cleanup(body, err)
	r.env.Errors.Flush()
	return ok
}

// prepare adds to the environ what the response does.
func (r *response) prepare() {
	if page, ok := push.Pushed(r.r.Context()); ok {
		r.env.Extend(environ.KeyPushed, starlark.String(page))
	} else if r.r.ProtoAtLeast(1, 1) {
		// RFC 8297, section 2: an HTTP/1.0 client takes a 103 for the response.
		r.env.Extend(environ.KeyEarlyHints, (*earlyHints)(r))
	}
	if r.plan.Accepts() {
		r.env.Extend(environ.KeyPush, (*pusher)(r))
	}
	r.env.Extend(environ.KeyOnFinish, (*onFinish)(r))
	if r.r.Body != http.NoBody {
		r.env.Input.Fail = r.ctl.Fail
		r.env.Input.OnRead = r.armRead
	}
}

// armRead makes reads of the request's body end with the call.
func (r *response) armRead() {
	r.reading = true
	if deadline, ok := r.ctx.Deadline(); ok {
		_ = http.NewResponseController(r.w).SetReadDeadline(deadline)
	}
}

// fail ends a response whose application failed, and reports whether the client can be left with
// what it has got.
func (r *response) fail(err error) bool {
	if gone := r.r.Context().Err(); errors.Is(err, errGone) || gone != nil && errors.Is(err, gone) {
		r.h.logger().LogAttrs(context.WithoutCancel(r.r.Context()), slog.LevelDebug, "the client is gone", slog.String("path", r.r.URL.Path), slog.String("request", r.env.RequestID()))
		return false
	}
	f := failureOf(err)
	if r.sent {
		f.Status = r.status
	}
	r.h.report(r.r, r.env, f)
	if !r.sent {
		r.sent = true
		r.status = f.Status
		r.h.page(r.w, r.r, f)
		return true
	}
	if r.whole() || r.bodiless() {
		return true
	}
	// What was written before the fault still goes out, so that the client sees where it broke.
	r.flush()
	return false
}

func (h *Handler) access(r *http.Request, began time.Time, status int, more ...slog.Attr) {
	attrs := append([]slog.Attr{slog.Int("status", status)}, more...)
	attrs = append(attrs, slog.Duration("time", time.Since(began)), slog.String("proto", r.Proto))
	h.Access.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo, r.Method+" "+r.URL.RequestURI(), attrs...)
}
