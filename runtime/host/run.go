package host

import (
	"context"

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
