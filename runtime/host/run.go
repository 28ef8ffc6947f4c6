package host

import (
	"context"
	"time"

	"go.starlark.net/starlark"
)

// An App is what a server calls for each request: a program, or something that stands for one.
type App interface {
	// Begin begins a request. The Run pins the version of the application that serves now, until
	// its End. Begin may be called from any number of goroutines.
	Begin() Run
}

// A Use is what is done with a call: it is given the context of the call, its thread, and the
// callable of the application. All three live until it returns.
type Use = func(ctx context.Context, t *starlark.Thread, app starlark.Callable) error

// A Run is one request's hold on an application. All its calls run the same version of it, and
// share its limits: what one has used of them, the others do not have. It is safe for concurrent
// use.
type Run interface {
	// Call gives use a fresh thread, the callable, and a context that ends with ctx or at the
	// deadline of the call. The calls for a page and for what is promised with it may be nested.
	//
	// The error is what use returned, unless the call was ended for it. For one that reached a
	// limit [TimedOut] is true.
	Call(ctx context.Context, use Use) error
	// CleanUp is Call for what has to be done after the response, however that ended. All
	// clean-up of a request together has the time and the steps of one call, whatever the other
	// calls have used.
	CleanUp(ctx context.Context, use Use) error
	// Generation is the number of the version of the application; 0 where versions are not counted.
	Generation() uint64
	// End ends the request. No call may be made after it.
	End()
}

// A Sourcer is a Run that has the scripts of its version, which may be no longer what the files
// are.
type Sourcer interface {
	// Source returns what stood in a file, nil if it is none of the scripts. It is not to be
	// changed.
	Source(file string) []byte
}

// SourceOf returns what stood in a file when the version of the application was loaded that r has,
// nil if that is not known.
func SourceOf(r Run, file string) []byte {
	switch r := r.(type) {
	case *surroundedRun:
		return SourceOf(r.Run, file)
	case Sourcer:
		return r.Source(file)
	}
	return nil
}

// A Spender is a Run that knows what its calls have used so far, those apart that have not ended.
type Spender interface {
	// Spent returns the steps of the interpreter, and how long scripts have run: without their
	// waits, and without clean-up.
	Spent() (steps uint64, ran time.Duration)
}

// SpentOf returns what the calls of r have used, zero if that is not known.
func SpentOf(r Run) (steps uint64, ran time.Duration) {
	switch r := r.(type) {
	case *surroundedRun:
		return SpentOf(r.Run)
	case Spender:
		return r.Spent()
	}
	return 0, 0
}

// An AppFunc is an App all of whose calls are calls of the function. It has no versions, and its
// calls share no limits.
type AppFunc func(ctx context.Context, use Use) error

// Begin returns the function as a Run.
func (f AppFunc) Begin() Run { return funcRun{f} }

type funcRun struct{ call AppFunc }

func (r funcRun) Call(ctx context.Context, use Use) error    { return r.call(ctx, use) }
func (r funcRun) CleanUp(ctx context.Context, use Use) error { return r.call(ctx, use) }
func (r funcRun) Generation() uint64                         { return 0 }
func (r funcRun) End()                                       {}

// Around returns app with around around each of its calls, clean-up included: around is to call
// call, with use or with one of its own. It panics if one of the two is nil.
func Around(app App, around func(ctx context.Context, call AppFunc, use Use) error) App {
	if app == nil || around == nil {
		panic("host: Around: the App, or what is to be around it, is nil")
	}
	return &surrounded{app, around}
}

type surrounded struct {
	app    App
	around func(ctx context.Context, call AppFunc, use Use) error
}

func (s *surrounded) Begin() Run { return &surroundedRun{s.app.Begin(), s.around} }

type surroundedRun struct {
	Run
	around func(ctx context.Context, call AppFunc, use Use) error
}

func (r *surroundedRun) Call(ctx context.Context, use Use) error {
	return r.around(ctx, r.Run.Call, use)
}

func (r *surroundedRun) CleanUp(ctx context.Context, use Use) error {
	return r.around(ctx, r.Run.CleanUp, use)
}
