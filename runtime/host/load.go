package host

import (
	"context"
	"io/fs"
	"log/slog"
)

// A Load is what a module is opened for: one generation of one program, which is being loaded.
// The zero value is one without a tree that is never published or retired, for tests.
type Load struct {
	// Tree has the files of the generation.
	Tree fs.FS
	// Generation is its number; 0 where generations are not counted.
	Generation uint64
	// Grant is what whoever runs the program granted the module; nil if nothing.
	Grant any
	// Logger is for what nobody asked for and somebody should know. Nil means slog.Default().
	Logger *slog.Logger
	// Events tells when the generation is published and retired. Nil tells nothing.
	Events Events
	// App begins requests of this very generation, for what a module does without being called, as
	// work that waits in a queue: from OnPublish on. Nil where there is no program.
	App App
	// Reads is told of what the module reads with [Load.Read]. Nil is told nothing.
	Reads func(Input, []Text)
}

// Events are what becomes of a generation. Each function runs once at most, on a goroutine of the
// package that loads programs: it must not load or call the program, and be short, but for those of
// OnReady.
type Events interface {
	// OnReady has f called when the generation has loaded whole and is to be called from now on,
	// before it is published: what has to be done outside of the program before its first call, and
	// may fail, as bringing a database up to date. It may take its time, as long as ctx lasts. If it
	// fails the generation does not load, with that error, and none that serves is replaced. It is
	// not called for who only looks at a program, as a check does.
	OnReady(f func(ctx context.Context) error)
	// OnPublish has f called when the generation has loaded whole, before its first request.
	OnPublish(f func())
	// OnStop has f called when no request begins with the generation any more: it was replaced, or
	// the program was closed. Those that have begun go on. What a module does by itself ends there.
	OnStop(f func())
	// OnRetire has f called when nothing uses the generation any more: it was replaced and its
	// last request has ended, or it did not load, or the program was closed. What was opened last
	// is retired first.
	OnRetire(f func())
}

// OnReady is that of the Events.
func (l *Load) OnReady(f func(ctx context.Context) error) {
	if l.Events != nil {
		l.Events.OnReady(f)
	}
}

// OnPublish is that of the Events.
func (l *Load) OnPublish(f func()) {
	if l.Events != nil {
		l.Events.OnPublish(f)
	}
}

// OnRetire is that of the Events.
func (l *Load) OnRetire(f func()) {
	if l.Events != nil {
		l.Events.OnRetire(f)
	}
}

// OnStop is that of the Events.
func (l *Load) OnStop(f func()) {
	if l.Events != nil {
		l.Events.OnStop(f)
	}
}
