package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/larkspur-web/larkspur/runtime/cover"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Program is a loaded, frozen module graph and the callable it was loaded for. It is
// immutable and safe for concurrent use.
type Program struct {
	name       string
	app        starlark.Callable
	files      []file
	limits     Limits
	logger     *slog.Logger
	generation *generation
}

var _ host.App = (*Program)(nil)

// Load loads the program whose entry is FILE.star or FILE.star:NAME, a path in c.FS. Without a
// name the entry is the global app, or else application.
//
// The error is [Diagnostics] for what can be seen without running the program; a
// *starlark.EvalError is wrapped in what its top level ran into.
func Load(c *Config, entry string) (*Program, error) {
	p, _, err := newLoader(c).load(entry, 0)
	if err != nil {
		return nil, err
	}
	p.generation.publish()
	return p, nil
}

// LoadFile loads a file of c.FS for the sake of its globals, which are frozen: tests, a prompt. Nothing of it need
// be callable, and Call gives no callable to use, only a thread with the program's limits.
func LoadFile(c *Config, file string) (*Program, starlark.StringDict, error) {
	name, err := locate(".", file)
	if err != nil {
		return nil, nil, fmt.Errorf("file %q: %w", file, err)
	}
	l := newLoader(c)
	gen := newGeneration(c, 0)
	g, globals, err := l.build(name, gen)
	if err != nil {
		gen.retire()
		return nil, nil, err
	}
	return l.program(name, nil, g, gen), globals[name], nil
}

// Close lets the program go: no request can begin any more, and its host modules are told when the last
// one has ended. It does not wait for that.
func (p *Program) Close() { p.generation.retire() }

// ErrClosed is the error of a call of a program that is closed, or in a request that has ended.
var ErrClosed = errors.New("runtime: the program is closed")

// Begin begins a request of many calls: see [host.App].
func (p *Program) Begin() host.Run { return p.begin() }

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
	r := p.begin()
	defer r.End()
	return r.Call(ctx, use)
}

// Count has p count the statements of a file that nothing may load, in the dialect of programs.
func Count(p *cover.Profile, name string, source []byte) { p.Add(&dialect, name, source) }
