package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Session is a prompt: it runs one statement after another, in which the globals of a file, and
// what it loads, mean what they mean there. A statement may bind any of them anew, which the file
// does not see. It is for one goroutine at a time.
type Session struct {
	loader     *loader
	graph      *graph // of the file, if there is one
	generation *generation
	modules    map[string]starlark.StringDict
	names      starlark.StringDict // what is bound, builtins included
	own        map[string]bool     // those that are not builtins
	ahead      []byte              // a line that was read to see that a block had ended
}

// promptDialect lets a statement bind what another has bound, and keeps what it loads.
var promptDialect = syntax.FileOptions{Set: true, While: true, TopLevelControl: true, Recursion: true, GlobalReassign: true, LoadBindsGlobally: true}

// NewSession returns a session of the file, a path in c.FS, or of none if that is empty. It must be closed.
func NewSession(c *Config, file string) (*Session, error) {
	s := &Session{loader: newLoader(c), generation: newGeneration(c, 0), own: make(map[string]bool)}
	s.names = maps.Clone(s.loader.predeclared)
	if err := s.load(file); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close lets the session go, and tells its host modules so.
func (s *Session) Close() { s.generation.retire() }

func (s *Session) load(file string) error {
	if file == "" {
		fsys, err := snapshot(s.loader.config.FS)
		if err != nil {
			return fmt.Errorf("runtime: load: %w", err)
		}
		s.graph, s.modules = s.loader.newGraph(fsys, ""), make(map[string]starlark.StringDict)
		return nil
	}
	name, err := locate(".", file)
	if err != nil {
		return fmt.Errorf("file %q: %w", file, err)
	}
	if s.graph, s.modules, err = s.loader.build(name, s.generation); err != nil {
		return err
	}
	for _, load := range s.graph.sources[name].loads() {
		values, err := s.module(name, load.ModuleName())
		if err != nil {
			return err
		}
		for i, from := range load.From {
			s.Bind(load.To[i].Name, values[from.Name])
		}
	}
	for name, v := range s.modules[name] {
		s.Bind(name, v)
	}
	return nil
}

// Bind gives a name a value.
func (s *Session) Bind(name string, v starlark.Value) {
	s.names[name], s.own[name] = v, true
}

// Value returns what a name means, nil if nothing.
func (s *Session) Value(name string) starlark.Value {
	if v, ok := s.names[name]; ok {
		return v
	}
	return starlark.Universe[name]
}

// Names are those that are bound, in order; with all of them the builtins too.
func (s *Session) Names(all bool) []string {
	var names []string
	for name := range s.names {
		if all || s.own[name] {
			names = append(names, name)
		}
	}
	if all {
		names = slices.AppendSeq(names, maps.Keys(starlark.Universe))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// module returns the values of what load(module) names in the file from, loaded once for the
// session.
func (s *Session) module(from, module string) (starlark.StringDict, error) {
	if name, ok := strings.CutPrefix(module, "@"); ok {
		m, err := s.loader.catalog.find(name)
		if err != nil {
			return nil, err
		}
		return s.generation.open(m, s.graph.fsys)
	}
	name, err := locate(from, module)
	if err != nil {
		return nil, err
	}
	if values, ok := s.modules[name]; ok {
		return values, nil
	}
	_, more, err := s.loader.build(name, s.generation)
	if err != nil {
		return nil, err
	}
	for name, values := range more {
		if s.modules[name] == nil {
			s.modules[name] = values
		}
	}
	return s.modules[name], nil
}

// A Statement is one that a Session has read.
type Statement struct{ file *syntax.File }

// Read reads the next statement, which may have many lines, each of which line returns with its
// newline: a block ends with a blank line, or with one that is not indented. The error is io.EOF at
// the end, what line returned if that failed, or a syntax.Error.
func (s *Session) Read(line func(first bool) ([]byte, error)) (*Statement, error) {
	var last []byte
	var failed error
	first, blank := true, false
	next := func() ([]byte, error) {
		if s.ahead != nil {
			last, s.ahead, first = s.ahead, nil, false
			return last, nil
		}
		text, err := line(first)
		switch {
		case err == nil:
			last = text
		case first || blank || !errors.Is(err, io.EOF):
			failed = err
			return nil, err
		default: // the input ends with a block: end that
			last, blank = []byte("\n"), true
		}
		first = false
		return last, nil
	}
	f, err := promptDialect.ParseCompoundStmt("<stdin>", next)
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	if len(f.Stmts) == 1 && compound(f.Stmts[0]) && strings.TrimSpace(string(last)) != "" {
		s.ahead = last
	}
	return &Statement{f}, nil
}

func compound(s syntax.Stmt) bool {
	switch s.(type) {
	case *syntax.DefStmt, *syntax.IfStmt, *syntax.ForStmt, *syntax.WhileStmt:
		return true
	}
	return false
}

// Run runs a statement, as [Program.Call] runs a call, and returns the value if it is an
// expression, nil if it is not. The thread is given to begin first, if that is not nil.
func (s *Session) Run(ctx context.Context, st *Statement, begin func(*starlark.Thread)) (v starlark.Value, err error) {
	c := newCall(ctx, s.loader.bare("prompt"))
	defer c.end(&err)
	c.thread.Load = func(_ *starlark.Thread, module string) (starlark.StringDict, error) { return s.module("", module) }
	if begin != nil {
		begin(&c.thread)
	}
	if len(st.file.Stmts) == 1 {
		if expr, ok := st.file.Stmts[0].(*syntax.ExprStmt); ok {
			v, err = starlark.EvalExprOptions(st.file.Options, &c.thread, expr.X, s.names)
			return v, c.outcome(err)
		}
	}
	err = starlark.ExecREPLChunk(st.file, &c.thread, s.names)
	if module, ok := st.file.Module.(*resolve.Module); ok {
		for _, b := range module.Globals {
			s.own[b.First.Name] = s.own[b.First.Name] || s.names[b.First.Name] != nil
		}
	}
	return nil, c.outcome(err)
}

// Begin begins a request of calls that have a thread, as those of [Program.Begin] do, but no
// callable. With it a Session is what tests and clients call applications on.
func (s *Session) Begin() host.Run {
	p := s.loader.bare("prompt")
	p.generation = s.generation
	return p.Begin()
}
