// Package hosttest tests host modules by their descriptions: that they say everything, that their
// values can be made, and that their examples are true.
package hosttest

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Module opens m with l, which may be nil for a tree of the module's own Files, and tests it.
// Examples see its values, those of env, what the module's Scene binds, and no others; what they
// load is among these. It returns the values.
func Module(
	t *testing.T, m *host.Module, l *host.Load, env starlark.StringDict,
) starlark.StringDict {
	t.Helper()
	if l == nil {
		l = &host.Load{Tree: tree(m)}
	}
	values, err := m.Values(l)
	if err != nil {
		t.Fatal(err)
	}
	if got := values.Keys(); !slices.Equal(got, m.Names()) {
		t.Errorf("the module makes %v and says %v", got, m.Names())
	}
	sentence(t, "@"+m.Name, m.Doc)
	x := &examples{env: make(starlark.StringDict), scene: m.Scene}
	for _, from := range []starlark.StringDict{values, env} {
		for name, v := range from {
			x.env[name] = v
		}
	}
	for i := range m.Members {
		x.member(t, "@"+m.Name, &m.Members[i])
	}
	for _, typ := range m.Types {
		sentence(t, typ.Name, typ.Doc)
		for i := range typ.Members {
			x.member(t, typ.Name, &typ.Members[i])
		}
	}
	return values
}

// sentence tests that a text is one or more sentences.
func sentence(t *testing.T, what, text string) {
	t.Helper()
	if text == "" || !strings.HasSuffix(text, ".") {
		t.Errorf("%s: the description %q is not a sentence", what, text)
	}
}

type examples struct {
	env   starlark.StringDict
	scene string
}

// tree has the files that examples find.
func tree(m *host.Module) fs.FS {
	files := make(fstest.MapFS, len(m.Files))
	for name, text := range m.Files {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// member tests the description of a member, and of those in it.
func (x *examples) member(t *testing.T, of string, m *host.Member) {
	t.Helper()
	name := of + " " + m.Name
	sentence(t, name, m.Doc)
	switch _, callable := m.Value.(starlark.Callable); {
	case m.Fn != nil || callable || m.Result != "": // one that the Go type makes itself has no Fn
		x.function(t, name, m)
	case m.Example != "":
		t.Run(name, func(t *testing.T) { x.run(t, m.Example) })
	}
	for i := range m.Members {
		x.member(t, name, &m.Members[i])
	}
}

func (x *examples) function(t *testing.T, name string, m *host.Member) {
	t.Helper()
	if m.Result == "" {
		t.Errorf("%s: nothing says what it returns", name)
	}
	if m.Example == "" {
		t.Errorf("%s: there is no example", name)
	}
	for i := range m.Params {
		p := &m.Params[i]
		if p.Doc == "" || m.TypeOf(p) == "" {
			t.Errorf(
				"%s: the parameter %s has the type %q and the description %q", name, p.Name,
				m.TypeOf(p), p.Doc,
			)
		}
	}
	if err := m.Verify(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, e := range m.Errors {
		if e.When == "" {
			t.Errorf("%s: nothing says when %q", name, e.Code)
		}
	}
	t.Run(name, func(t *testing.T) { x.run(t, m.Example) })
}

var options = &syntax.FileOptions{
	Set: true, While: true, TopLevelControl: true, Recursion: true, GlobalReassign: true,
	LoadBindsGlobally: true,
}

// run runs an example, and compares the value of each expression with the comment on its line.
func (x *examples) run(t *testing.T, example string) {
	globals := make(starlark.StringDict)
	for name, v := range x.env {
		globals[name] = v
	}
	thread := &starlark.Thread{
		Name: "example",
		Load: func(*starlark.Thread, string) (starlark.StringDict, error) { return x.env, nil },
	}
	scene, err := options.Parse("scene", x.scene, 0)
	if err == nil {
		err = starlark.ExecREPLChunk(scene, thread, globals)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := options.Parse("example", example, syntax.RetainComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, stmt := range f.Stmts {
		expr, ok := stmt.(*syntax.ExprStmt)
		if !ok {
			alone := &syntax.File{Path: "example", Options: options, Stmts: []syntax.Stmt{stmt}}
			if err := starlark.ExecREPLChunk(alone, thread, globals); err != nil {
				t.Error(err)
			}
			continue
		}
		want := comment(stmt)
		v, err := starlark.EvalExprOptions(options, thread, expr.X, globals)
		text, fails := strings.CutPrefix(want, "error: ")
		switch {
		case fails && (err == nil || !strings.Contains(err.Error(), text)):
			t.Errorf("it returns %v, %v; want an error %q", v, err, text)
		case !fails && err != nil:
			t.Error(err)
		case !fails && want != "" && v.String() != want:
			t.Errorf("it returns %s, want %s", v, want)
		}
	}
}

// comment is what stands behind a statement, "" if nothing does.
func comment(stmt syntax.Stmt) (text string) {
	syntax.Walk(stmt, func(n syntax.Node) bool {
		if n == nil {
			return false
		}
		if c := n.Comments(); c != nil {
			for _, c := range c.Suffix {
				text = strings.TrimSpace(strings.TrimPrefix(c.Text, "#"))
			}
		}
		return true
	})
	return text
}
