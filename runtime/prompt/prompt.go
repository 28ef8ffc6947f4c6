// Package prompt runs statements one after the other, among the names of a program: what a person
// types at larkspur repl.
//
// # The model
//
// A [Session] has the names of one file: its globals, also those that begin with _, and what it
// loads. A statement may bind any of them anew, which the file, which is frozen, does not see.
// [Session.Read] finds where a statement ends, [Session.Run] runs it as a call of the program, with
// its limits.
package prompt

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Session is a prompt. It is for one goroutine at a time.
type Session struct {
	program *runtime.Program
	options *syntax.FileOptions
	names   starlark.StringDict // what is bound, builtins included
	ahead   []byte              // a line that was read to see that a block had ended
}

// New returns a session among the names of the file, a path in c.FS, or of none if that is empty.
// It is to be closed.
func New(c *runtime.Config, file string) (*Session, error) {
	s := &Session{options: runtime.Dialect(), names: c.Builtins()}
	// A statement may bind what another has bound, and what it loads stays.
	s.options.GlobalReassign, s.options.LoadBindsGlobally = true, true
	var err error
	if s.program, err = runtime.LoadFile(c, file); err != nil {
		return nil, err
	}
	if file == "" {
		return s, nil
	}
	if err := s.load(c, file); err != nil {
		s.Close()
		return nil, err
	}
	for name, v := range s.program.Globals() {
		s.Bind(name, v)
	}
	return s, nil
}

// load binds what the file loads.
func (s *Session) load(c *runtime.Config, file string) error {
	files, found := runtime.Parse(c, file)
	if len(found) > 0 {
		return found // it has changed since it was loaded
	}
	for _, stmt := range files[len(files)-1].Syntax.Stmts {
		load, ok := stmt.(*syntax.LoadStmt)
		if !ok {
			continue
		}
		values, err := s.program.Load(load.ModuleName())
		if err != nil {
			return err
		}
		for i, from := range load.From {
			s.Bind(load.To[i].Name, values[from.Name])
		}
	}
	return nil
}

// Close lets the program of the session go, and its host modules.
func (s *Session) Close() { s.program.Close() }

// Program returns the program that the statements run in: it has no callable.
func (s *Session) Program() *runtime.Program { return s.program }

// Bind binds a name to a value.
func (s *Session) Bind(name string, v starlark.Value) { s.names[name] = v }

// Value returns what a name means, nil if nothing.
func (s *Session) Value(name string) starlark.Value { return s.names[name] }

// Names returns the names that are bound, those of builtins included, in order.
func (s *Session) Names() []string { return slices.Sorted(maps.Keys(s.names)) }

// A Statement is one that a Session has read.
type Statement struct{ file *syntax.File }

// Read reads the next statement, which may have many lines, each of which line returns with its
// newline: a block ends with a blank line, or with one that is not indented. The error is io.EOF at
// the end, what line returned if that failed, or a syntax.Error.
func (s *Session) Read(line func(first bool) ([]byte, error)) (*Statement, error) {
	r := reader{line: line, ahead: s.ahead, first: true}
	s.ahead = nil
	f, err := s.options.ParseCompoundStmt("<stdin>", r.next)
	if r.failed != nil {
		return nil, r.failed
	}
	if err != nil {
		return nil, err
	}
	if len(f.Stmts) == 1 && compound(f.Stmts[0]) && strings.TrimSpace(string(r.last)) != "" {
		s.ahead = r.last
	}
	return &Statement{f}, nil
}

// A reader gives the parser the lines of one statement.
type reader struct {
	line   func(first bool) ([]byte, error)
	ahead  []byte // the first line, if it has been read already
	last   []byte
	first  bool // no line has been given
	ended  bool // the input has
	failed error
}

func (r *reader) next() ([]byte, error) {
	if r.ahead != nil {
		r.last, r.ahead, r.first = r.ahead, nil, false
		return r.last, nil
	}
	text, err := r.line(r.first)
	switch {
	case err == nil:
		r.last = text
	case r.first || r.ended || !errors.Is(err, io.EOF):
		r.failed = err
		return nil, err
	default: // the input ends with a block: end that
		r.last, r.ended = []byte("\n"), true
	}
	r.first = false
	return r.last, nil
}

func compound(s syntax.Stmt) bool {
	switch s.(type) {
	case *syntax.DefStmt, *syntax.IfStmt, *syntax.ForStmt, *syntax.WhileStmt:
		return true
	}
	return false
}

// Run runs a statement, as [runtime.Program.Call] runs a call, and returns the value if it is an
// expression, nil if it is not. The thread is given to begin first, if that is not nil.
func (s *Session) Run(
	ctx context.Context, st *Statement, begin func(*starlark.Thread),
) (v starlark.Value, err error) {
	use := func(_ context.Context, t *starlark.Thread, _ starlark.Callable) (err error) {
		t.Load = func(_ *starlark.Thread, module string) (starlark.StringDict, error) {
			return s.program.Load(module)
		}
		if begin != nil {
			begin(t)
		}
		v, err = s.run(t, st.file)
		return err
	}
	err = s.program.Call(ctx, use)
	return v, err
}

func (s *Session) run(t *starlark.Thread, f *syntax.File) (starlark.Value, error) {
	if len(f.Stmts) == 1 {
		if expr, ok := f.Stmts[0].(*syntax.ExprStmt); ok {
			return starlark.EvalExprOptions(f.Options, t, expr.X, s.names)
		}
	}
	return nil, starlark.ExecREPLChunk(f, t, s.names)
}

// Begin begins a request of calls that have a thread but no callable: with it a Session is what
// tests and clients call applications on.
func (s *Session) Begin() host.Run { return s.program.Begin() }

var _ host.App = (*Session)(nil)
