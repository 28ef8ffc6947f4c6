package describe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/prompt"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A Step is a statement of an example, and what came of it.
type Step struct {
	// Code is the statement, with the comments and blank lines before it.
	Code string `json:"code"`
	// Value is what an expression is; empty if it is None or no expression.
	Value string `json:"value,omitempty"`
	// Error is why it failed; empty if it did not.
	Error string `json:"error,omitempty"`
	// Printed is what it printed.
	Printed string `json:"printed,omitempty"`
	// Want is what the comment on its line says that it is, or "error: " and what the message has;
	// empty if it says nothing.
	Want string `json:"want,omitempty"`
}

// Right reports whether the step came out as its comment says.
func (s *Step) Right() bool {
	text, fails := strings.CutPrefix(s.Want, "error: ")
	switch {
	case fails:
		return s.Error != "" && strings.Contains(s.Error, text)
	case s.Error != "":
		return false
	}
	return s.Want == "" || s.Want == s.Value || s.Want == "None" && s.Value == ""
}

// The bounds of a run.
const (
	runSteps = 1_000_000
	runDepth = 200
	runTime  = 2 * time.Second
	maxShown = 4096 // bytes of a value, and of what a statement prints
)

// Run runs the example of an entry, statement by statement, in a program of its own: it may load the
// modules of the library, those that need a grant excepted, and finds in its tree the Files of its
// module. It ends with the first error that its comment does not say. It is bounded, to 1,000,000
// steps a statement and Time in all. It is safe for concurrent use.
func (l *Library) Run(ctx context.Context, e *Entry) ([]Step, error) {
	l.once.Do(l.make)
	name, _, _ := strings.Cut(strings.TrimPrefix(e.Name, "@"), ".")
	m := l.homes[name]
	switch {
	case e.Example == "":
		return nil, fmt.Errorf("%s has no example", e.Name)
	case m != nil && m.Grant != "":
		return nil, fmt.Errorf("%s needs a grant of %s, which an example does not have", e.Name, m.Grant)
	}
	ctx, stop := context.WithTimeout(ctx, l.time())
	defer stop()
	session, err := prompt.New(l.stage(m), "example.star")
	if err != nil {
		return nil, err
	}
	defer session.Close()
	if m != nil && m.Scene != "" {
		if err := enact(ctx, session, m.Scene); err != nil {
			return nil, err
		}
	}
	steps, err := split(e.Example)
	if err != nil {
		return nil, err
	}
	for i := range steps {
		steps[i].run(ctx, session)
		if !steps[i].Right() {
			return steps[:i+1], nil
		}
	}
	return steps, nil
}

// time is how long an example may run.
func (l *Library) time() time.Duration { return cmp.Or(l.Time, runTime) }

// stage is the program in which examples of a module run, or of what needs none.
func (l *Library) stage(m *host.Module) *runtime.Config {
	names, tree := "", make(fstest.MapFS)
	if m != nil {
		load := []string{starlark.String("@" + m.Name).String()}
		for _, name := range m.Names() {
			load = append(load, starlark.String(name).String())
		}
		if len(load) > 1 {
			names = "load(" + strings.Join(load, ", ") + ")\n"
		}
		for name, text := range m.Files {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	tree["example.star"] = &fstest.MapFile{Data: []byte(names)}
	return &runtime.Config{FS: tree, Modules: l.Modules, Logger: slog.New(slog.DiscardHandler),
		Limits: runtime.Limits{Steps: runSteps, Depth: runDepth, Time: l.time()}}
}

// enact runs the scene of a module, whose values are not frozen, as those of a file are: they are of
// one request.
func enact(ctx context.Context, session *prompt.Session, scene string) error {
	steps, err := split(scene)
	if err != nil {
		return err
	}
	for i := range steps {
		if steps[i].run(ctx, session); steps[i].Error != "" {
			return fmt.Errorf("the scene: %s: %s", steps[i].Code, steps[i].Error)
		}
	}
	return nil
}

// split takes an example apart into its statements.
func split(example string) ([]Step, error) {
	f, err := runtime.Dialect().Parse("example.star", example, syntax.RetainComments)
	if err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(strings.TrimRight(example, "\n"), "\n")
	var steps []Step
	at := 0
	for i, stmt := range f.Stmts {
		end := len(lines)
		if i+1 < len(f.Stmts) {
			_, last := stmt.Span()
			end = int(last.Line)
		}
		if end <= at {
			continue // it shares the line of the one before
		}
		steps = append(steps, Step{Code: strings.Join(lines[at:end], ""), Want: comment(stmt)})
		at = end
	}
	return steps, nil
}

// comment is what stands behind an expression, "" if nothing does.
func comment(stmt syntax.Stmt) (text string) {
	if _, ok := stmt.(*syntax.ExprStmt); !ok {
		return ""
	}
	syntax.Walk(stmt, func(n syntax.Node) bool {
		if n == nil || n.Comments() == nil {
			return n != nil
		}
		for _, c := range n.Comments().Suffix {
			text = strings.TrimSpace(strings.TrimPrefix(c.Text, "#"))
		}
		return true
	})
	return text
}

// run runs the statement.
func (s *Step) run(ctx context.Context, session *prompt.Session) {
	lines := strings.SplitAfter(s.Code+"\n\n", "\n")
	next := func(bool) ([]byte, error) {
		if len(lines) == 0 {
			return nil, io.EOF
		}
		line := lines[0]
		lines = lines[1:]
		return []byte(line), nil
	}
	var printed strings.Builder
	for {
		statement, err := session.Read(next)
		if errors.Is(err, io.EOF) {
			break
		}
		var v starlark.Value
		if err == nil {
			v, err = session.Run(ctx, statement, func(t *starlark.Thread) {
				t.Print = func(_ *starlark.Thread, text string) {
					if printed.Len() < maxShown {
						printed.WriteString(host.Cut(text) + "\n")
					}
				}
			})
		}
		if err != nil {
			s.Error = host.Cut(err.Error())
			break
		}
		if v != nil && v != starlark.None {
			s.Value = host.Show(v)
		}
	}
	s.Printed = printed.String()
}
