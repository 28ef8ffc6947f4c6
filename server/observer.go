package server

import (
	"context"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// An Observer sees what becomes of the requests of a [Front], with times: metrics, spans of a trace
// and access logs are made of it. Any of its functions may be nil. They are called on the goroutine
// that serves the request, or on one that works for it, and must be short.
//
// A request that is promised with a page is a part of it: it has calls and work, and no
// Begin and End of its own. Where Fronts stand one behind another, the Observer of the outermost that
// has one sees all, and the others nothing.
type Observer struct {
	// Begin is told of a request that has come. Of the Record only Request, ID and Began are set. If
	// it returns a context, which has to descend from that of the request, that is the request's
	// from then on.
	Begin func(rec *Record) context.Context
	// End is told of a request that is over, however it ended, with the Record that Begin was given.
	// All of it is set, and it does not change any more.
	End func(rec *Record)
	// Call is told of each call of an application in this process, once the call and its response
	// have ended. The request may be a promised one: see [push.Pushed].
	Call func(r *http.Request, c Call)
	// Work is told of what an application has done outside of the program for a request, once it is
	// done: statements of a database, requests to other servers, mails.
	Work func(r *http.Request, w host.Work)
	// Settled is told what became of a promise that was made with the page of r: see
	// [push.Handler.Settled].
	Settled func(r *http.Request, v push.Verdict, took time.Duration, err error)
	// Fail is told of each failure that is logged, and of those that the log only counts.
	Fail func(r *http.Request, f *Failure)
}

// A Record is what a [Front] knows of a request.
type Record struct {
	// Request is the request as it came. Handlers may have been given another one.
	Request *http.Request
	// ID is that by which the request is named in logs.
	ID string
	// Began is when the request came, Took how long it took until all of its handlers had returned.
	Began time.Time
	Took  time.Duration
	// FirstByte is how long it took until the final header was handed to the server; zero if none was.
	FirstByte time.Duration
	// Queued is how long it waited for a slot, and for memory: see [Slots]. What was promised with it
	// counts, too.
	Queued time.Duration
	// Mount is HOST/PATH of the Mount that the request was for, "/" for the root of any host; "" if it
	// was for none.
	Mount string
	// Generation is that of what answered, 0 if nothing did that has one.
	Generation uint64
	// Status is that of the final response, 0 if there was none.
	Status int
	// Bytes are those of the body that were written, or those of another protocol.
	Bytes int64
	// Steps is how many steps of the interpreter the calls of applications in this process have
	// taken, what was promised included, and Ran how long their scripts ran, without waits. Those of
	// workers are not known here.
	Steps uint64
	Ran   time.Duration
	// Verdicts are what was decided about the resources of the page, in order.
	Verdicts []push.Verdict
	// Failure is why the response is none of the application, or is broken off; nil if it is neither.
	Failure *Failure
}

// Promised is how many of the Verdicts are promises.
func (rec *Record) Promised() (n int) {
	for i := range rec.Verdicts {
		if rec.Verdicts[i].Status == push.Promised {
			n++
		}
	}
	return n
}

// A Call is one call of an application, from before its first step to the end of its response.
type Call struct {
	// Began is when it had a slot, Took how long it lasted, with its waits.
	Began time.Time
	Took  time.Duration
	// Generation is the version of the application.
	Generation uint64
	// Status is that of the response, 0 if none was begun.
	Status int
	// Err is why it failed, nil if it did not.
	Err error
}

// A watch is what an exchange notes for an [Observer], or for the access log.
type watch struct {
	record Record
	out    *Observer // nil for the access log alone
	mount  *Mount    // that the request was for
}

// observe begins to note what becomes of the request of x, if somebody wants to know, and returns the
// request as it goes on. observed must follow.
func (x *exchange) observe(r *http.Request) *http.Request {
	out := x.front.Observer
	if out != nil && !x.hold.observer.CompareAndSwap(nil, out) {
		out = nil // a Front further out tells another one
	}
	if out == nil && x.front.Access == nil {
		return r
	}
	x.watch = &watch{out: out, record: Record{Request: r, ID: x.request.ID(), Began: time.Now()}}
	if out != nil && out.Begin != nil {
		if ctx := out.Begin(&x.watch.record); ctx != nil {
			r = r.WithContext(ctx)
			x.request.Message = r
		}
	}
	return r
}

// first notes that the final header goes out.
func (x *exchange) first() {
	if w := x.watch; w != nil && w.record.FirstByte == 0 {
		w.record.FirstByte = time.Since(w.record.Began)
	}
}

// observed tells that the request is over.
func (x *exchange) observed() {
	w := x.watch
	if w == nil {
		return
	}
	rec := &w.record
	rec.Took = time.Since(rec.Began)
	rec.Status, rec.Bytes = int(x.status), x.sent()
	rec.Verdicts = x.plan.Verdicts()
	if w.mount != nil {
		rec.Mount = w.mount.name
	}
	x.hold.sum(rec)
	if x.front.Access != nil {
		x.front.access(rec)
	}
	if w.out != nil && w.out.End != nil {
		w.out.End(rec)
	}
}

// sum adds up what the applications have used.
func (h *hold) sum(rec *Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rec.Queued, rec.Failure = h.queued, h.failure
	for l := &h.lease; l != nil && l.run != nil; l = l.next {
		steps, ran := host.SpentOf(l.run)
		rec.Steps += steps
		rec.Ran += ran
		if rec.Generation == 0 {
			rec.Generation = l.run.Generation()
		}
	}
	if len(h.pins) > 0 && rec.Generation == 0 {
		rec.Generation = h.pins[0].Generation()
	}
}

// fail notes a failure that is being logged, and has it told.
func (h *hold) fail(r *http.Request, f *Failure) {
	if h == nil {
		return
	}
	if _, promised := pushed(r); !promised && !f.Warning {
		h.mu.Lock()
		h.failure = f
		h.mu.Unlock()
	}
	if out := h.observer.Load(); out != nil && out.Fail != nil {
		out.Fail(r, f)
	}
}

// calls returns the function of an Observer that is told of calls, nil if nobody is.
func (h *hold) calls() func(*http.Request, Call) {
	if out := h.observer.Load(); out != nil {
		return out.Call
	}
	return nil
}

// end tells tell of a call that has ended.
func (r *response) end(tell func(*http.Request, Call), began time.Time, err error) {
	c := Call{Began: began, Took: time.Since(began), Generation: r.lease.run.Generation(), Err: err}
	if r.sent {
		c.Status = int(r.status)
	}
	tell(r.r, c)
}

// Observers returns an Observer that tells all of these, in their order. Of what is nil nothing comes.
// If more than one has Begin return a context, each is given a Record whose Request has that of the one
// before.
func Observers(all ...*Observer) *Observer {
	var whole *Observer
	for _, o := range all {
		switch {
		case o == nil:
		case whole == nil:
			whole = o
		default:
			whole = pair(whole, o)
		}
	}
	return whole
}

// pair tells a, and then b.
func pair(a, b *Observer) *Observer {
	return &Observer{
		Begin: func(rec *Record) context.Context {
			var ctx context.Context
			for _, o := range [2]*Observer{a, b} {
				if o.Begin == nil {
					continue
				}
				if c := o.Begin(rec); c != nil {
					ctx = c
					rec.Request = rec.Request.WithContext(ctx)
				}
			}
			return ctx
		},
		End:  both(a.End, b.End),
		Call: both2(a.Call, b.Call),
		Work: both2(a.Work, b.Work),
		Fail: both2(a.Fail, b.Fail),
		Settled: func(r *http.Request, v push.Verdict, took time.Duration, err error) {
			for _, o := range [2]*Observer{a, b} {
				if o.Settled != nil {
					o.Settled(r, v, took, err)
				}
			}
		},
	}
}

// both calls f, and then g, as far as they are there.
func both[T any](f, g func(T)) func(T) {
	if f == nil {
		return g
	}
	if g == nil {
		return f
	}
	return func(v T) { f(v); g(v) }
}

func both2[S, T any](f, g func(S, T)) func(S, T) {
	if f == nil {
		return g
	}
	if g == nil {
		return f
	}
	return func(v S, w T) { f(v, w); g(v, w) }
}
