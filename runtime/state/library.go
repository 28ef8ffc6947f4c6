package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A library is one of the modules for one generation of a program.
type library struct {
	grant *Grant
	load  *host.Load
	kind  string // the name of the module

	mu      sync.Mutex
	loaded  bool // what is kept can be reached
	buckets map[string]*bucket
	taken   map[string]bool // the names of what is said once
}

// open is the Open of the modules.
func open(kind string) func(l *host.Load) (any, error) {
	return func(l *host.Load) (any, error) {
		lib := &library{
			load: l, kind: kind, loaded: l.Events == nil, buckets: make(map[string]*bucket), taken: make(map[string]bool),
		}
		switch g := l.Grant.(type) {
		case *Grant:
			lib.grant = g
		default:
			return nil, fmt.Errorf("@%s is granted %T, not a *state.Grant", kind, g)
		}
		if !lib.grant.Granted() {
			return nil, fmt.Errorf("@%s: %w", kind, errNothing)
		}
		l.OnReady(lib.ready)
		return lib, nil
	}
}

// ready connects, so that a directory that cannot be used shows before the first request.
func (l *library) ready(ctx context.Context) error {
	l.mu.Lock()
	l.loaded = true
	l.mu.Unlock()
	if l.grant.Lazy {
		return nil
	}
	return l.grant.Open(ctx)
}

// top returns an error if the program has loaded: what is called is a declaration.
func (l *library) top(what string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loaded && l.load.Events != nil {
		return failed(KindUsage, "%s is called at the top level of a script: it says what there is", what)
	}
	return nil
}

// take takes a name of what there is once in a program, and reports whether nobody had it.
func (l *library) take(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	had := l.taken[name]
	l.taken[name] = true
	return !had || l.load.Events == nil
}

// errLoading is the error of what is done while the program loads.
var errLoading = failed(KindUsage, "what is kept is not to be used while the program loads: do it in a function")

// maxWait is how long what is asked of the server may take.
const maxWait = 10 * time.Second

// A deed is something that is done with the engine, and told of.
type deed struct {
	text string // what
	unit string // of what it gives or changes some
	// again says that it may be done twice, as what only reads.
	again bool
	// long says that it waits for others, as long as the call lasts.
	long bool
}

// do has f do something with the engine while the call of t waits. f returns how many it gave or
// changed.
func (l *library) do(
	t *starlark.Thread, d deed, f func(ctx context.Context, e *engine) (int64, error),
) error {
	l.mu.Lock()
	loaded := l.loaded
	l.mu.Unlock()
	if !loaded {
		return errLoading
	}
	began := time.Now()
	var n int64
	err := host.CallOf(t).Wait(func(call context.Context) error {
		ctx := call
		if !d.long {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(call, maxWait)
			defer cancel()
		}
		e, err := l.grant.open(ctx)
		if err == nil {
			n, err = e.ask(ctx, d.again, f)
		}
		return called(t, explain(call, err))
	})
	host.Observe(t, host.Work{
		Kind: l.kind, Text: d.text, Began: began, Took: time.Since(began), Count: n, Unit: d.unit, Err: err,
	})
	return err
}

// called names the function that failed, as host does it for errors without a code.
func called(t *starlark.Thread, err error) error {
	var known *Error
	if !errors.As(err, &known) || known.ErrorCode() == "" || t.CallStackDepth() == 0 {
		return err
	}
	named := *known
	named.Message = t.CallFrame(0).Name + ": " + known.Message
	return &named
}

// explain says what err means that something failed with. call is the context of the call, whose end
// is told from that of what it waited for.
func explain(call context.Context, err error) error {
	var known *Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case call.Err() != nil:
		return failed(KindCancelled, "the call ended before what is kept had answered").because(call.Err())
	}
	return explained(err)
}

func (l *library) logger() *slog.Logger {
	if l.load.Logger == nil {
		return slog.Default()
	}
	return l.load.Logger
}
