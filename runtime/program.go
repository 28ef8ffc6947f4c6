package runtime

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Program is a loaded, frozen module graph and the callable it was loaded for. It is
// immutable and safe for concurrent use.
type Program struct {
	name       string
	app        starlark.Callable
	config     *Config
	root       string // the file that it was loaded from
	files      []file
	sources    map[string]*source // by name: what runs
	limits     Limits
	logger     *slog.Logger
	generation *generation
	patrol     patrol
	custom     custom
	stacks     host.Stacks

	globals starlark.StringDict // of root

	mu     sync.Mutex                     // guards loaded, to which Load adds
	loaded map[string]starlark.StringDict // the globals of all files, by name
}

var _ host.App = (*Program)(nil)

// Load loads the program whose entry is FILE.star or FILE.star:NAME, a path in c.FS. Without a
// name the entry is the global app, or else application.
//
// The error is [host.Diagnostics] for what can be seen without running the program; a
// *starlark.EvalError is wrapped in what its top level ran into. Else it is what a host module
// could not do that has to be done before the first call: see [host.Events].
func Load(c *Config, entry string) (*Program, error) {
	p, _, _, err := newLoader(c).load(entry, 0)
	if err != nil {
		return nil, err
	}
	if err := p.ready(); err != nil {
		return nil, err
	}
	p.generation.publish()
	return p, nil
}

// ready has the host modules do what comes before the first call. A program for which that fails is
// closed.
func (p *Program) ready() error {
	err := p.generation.ready(context.Background())
	if err != nil {
		p.Close()
	}
	return err
}

// Close lets the program go: no request can begin any more, and its host modules are told when the
// last one has ended. It does not wait for that. A nil Program has nothing to let go.
func (p *Program) Close() {
	if p != nil {
		p.generation.retire()
	}
}

// ErrClosed is the error of a call of a program that is closed, or in a request that has ended.
var ErrClosed = errors.New("runtime: the program is closed")

// Begin begins a request of many calls: see [host.App]. Those of a nil Program, which one that did
// not load is, fail.
func (p *Program) Begin() host.Run {
	if p == nil {
		return unloaded{errNil}
	}
	return p.begin()
}

var errNil = errors.New("runtime: the program is nil: the error of loading it says why")

func (p *Program) begin() *run {
	r := &run{program: p}
	r.holds.Store(p.generation.acquire())
	return r
}

// Call gives use a fresh thread, the program's callable, and a context that ends with ctx or at
// the deadline of [Limits]. All three live until use returns. The thread is for the goroutine that
// runs use only. Calls may run at the same time.
//
// The error is what use returned, unless the call was ended for it: then it is a [LimitError], the
// error given to [host.Call.Fail], or one for which errors.Is(err, context.Canceled) if ctx was
// cancelled. A panic in use, or in a builtin, is a [PanicError].
func (p *Program) Call(ctx context.Context, use host.Use) error {
	r := p.Begin()
	defer r.End()
	return r.Call(ctx, use)
}

// missing says what the maker of a call has forgotten, which would else be a nil pointer in it.
func missing(ctx context.Context, use host.Use) error {
	switch {
	case ctx == nil:
		return errors.New("runtime: nil context.Context: context.Background() is the empty one")
	case use == nil:
		return errors.New("runtime: nil function: there is nothing to do with the call")
	}
	return nil
}
