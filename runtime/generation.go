package runtime

import (
	"context"
	"io/fs"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A generation is the host modules that one load of a program has opened, and the count of who uses
// them: the owner, which is the program, and each request. When there is none left, it is retired.
type generation struct {
	number uint64 // 0 if generations are not counted
	config *Config
	users  atomic.Int64

	let     sync.Once               // the owner lets go
	program atomic.Pointer[Program] // nil until it has loaded

	mu        sync.Mutex
	opened    map[string]starlark.StringDict
	read      map[host.Input]digest // what its modules were made of
	published bool
	stopped   bool
	retired   bool
	onReady   []func(context.Context) error
	onPublish []func()
	onStop    []func()
	onRetire  []func()
}

var (
	_ host.Events = (*generation)(nil)
	_ host.App    = (*generation)(nil)
)

// Begin begins a request of the generation, whichever serves now: [host.Load.App].
func (g *generation) Begin() host.Run {
	p := g.program.Load()
	if p == nil {
		return unloaded{ErrClosed}
	}
	return p.begin()
}

// newGeneration returns one that its owner uses.
func newGeneration(c *Config, number uint64) *generation {
	g := &generation{
		number: number, config: c, opened: make(map[string]starlark.StringDict),
		read: make(map[host.Input]digest),
	}
	g.users.Store(1)
	return g
}

// open returns the values of a module, which are made once for the generation.
func (g *generation) open(m *host.Module, tree fs.FS) (starlark.StringDict, error) {
	if values, ok := g.opened[m.Name]; ok {
		return values, nil
	}
	load := &host.Load{
		Tree: tree, Generation: g.number, Grant: g.config.Grants[m.Name],
		Logger: g.logger(), Events: g, App: g, Reads: g.reads,
	}
	values, err := recovered(func() (starlark.StringDict, error) { return m.Values(load) })
	if err != nil {
		return nil, err
	}
	values.Freeze()
	g.opened[m.Name] = values
	return values, nil
}

// reads takes down what a module has read.
func (g *generation) reads(in host.Input, texts []host.Text) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read[in] = digestTexts(texts)
}

// inputs returns what the modules have read until now.
func (g *generation) inputs() map[host.Input]digest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.read)
}

// recovered calls an embedder's code, whose panic must not end a process that reloads.
func recovered[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

func (g *generation) logger() *slog.Logger {
	if g.config.Logger == nil {
		return slog.Default()
	}
	return g.config.Logger
}

// OnReady is [host.Events]'s.
func (g *generation) OnReady(f func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.onReady = append(g.onReady, f)
}

// ready has the modules do what they have to do before the first call, in the order in which they
// asked for it, and returns the first error. What a later load of the generation adds is done when
// it is called again.
func (g *generation) ready(ctx context.Context) error {
	g.mu.Lock()
	all := g.onReady
	g.onReady = nil
	g.mu.Unlock()
	for _, f := range all {
		if _, err := recovered(func() (struct{}, error) { return struct{}{}, f(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// OnPublish is [host.Events]'s. Of a generation that is published already it calls f at once.
func (g *generation) OnPublish(f func()) { g.when(&g.published, &g.onPublish, f) }

// OnStop is [host.Events]'s. Of a generation that is stopped already it calls f at once.
func (g *generation) OnStop(f func()) { g.when(&g.stopped, &g.onStop, f) }

// OnRetire is [host.Events]'s. Of a generation that is retired already it calls f at once.
func (g *generation) OnRetire(f func()) { g.when(&g.retired, &g.onRetire, f) }

// when keeps f among those that wait for an event, or tells it if that has come. g.mu guards both.
func (g *generation) when(come *bool, waiting *[]func(), f func()) {
	g.mu.Lock()
	late := *come
	if !late {
		*waiting = append(*waiting, f)
	}
	g.mu.Unlock()
	if late {
		g.tell(f)
	}
}

// publish tells the modules that the generation has loaded whole, and is to serve.
func (g *generation) publish() {
	g.mu.Lock()
	all := g.onPublish
	g.published, g.onPublish = true, nil
	g.mu.Unlock()
	for _, f := range all {
		g.tell(f)
	}
}

// tell calls a function of a module. What it panics with is logged: nobody waits for its outcome.
func (g *generation) tell(f func()) {
	_, err := recovered(func() (struct{}, error) { f(); return struct{}{}, nil })
	if err == nil {
		return
	}
	g.logger().LogAttrs(context.Background(), slog.LevelError,
		"a host module failed to follow its program", slog.Uint64("generation", g.number),
		slog.Any("error", err), slog.String("backtrace", host.BacktraceOf(err)))
}

// acquire adds a user, and reports whether there was one left; else the modules are closed.
func (g *generation) acquire() bool {
	for {
		n := g.users.Load()
		if n == 0 {
			return false
		}
		if g.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release lets a user go. After the last one the modules are told, the one that was opened last
// first.
func (g *generation) release() {
	if g.users.Add(-1) > 0 {
		return
	}
	g.mu.Lock()
	all := g.onRetire
	g.retired, g.onRetire = true, nil
	g.mu.Unlock()
	for _, f := range slices.Backward(all) {
		g.tell(f)
	}
}

// retire tells the modules that no request begins any more, and lets the owner go. Only the first call
// counts.
func (g *generation) retire() {
	g.let.Do(func() {
		g.mu.Lock()
		all := g.onStop
		g.stopped, g.onStop = true, nil
		g.mu.Unlock()
		for _, f := range slices.Backward(all) {
			g.tell(f)
		}
		g.release()
	})
}

// An openError says that a module could not be opened, with the load statement that wants it.
type openError struct {
	host.Diagnostic
	err error
}

var _ host.Placer = (*openError)(nil)

func (e *openError) Error() string { return e.String() }

// Unwrap returns the error as [host.Diagnostics], and that of the module.
func (e *openError) Unwrap() []error { return []error{host.Diagnostics{e.Diagnostic}, e.err} }

// Place is [host.Placer]'s.
func (e *openError) Place() string { return e.Diagnostic.Place.String() }
