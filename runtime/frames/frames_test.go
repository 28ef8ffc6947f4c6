package frames_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/frames"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

const script = `
def outer(a, b = 2, *rest):
    later = "not yet"
    shared = [a]
    inner = lambda: shared + unset
    look()
    later = None
    unset = []
    return inner

outer(1)
`

// TestLocals reads the frames of a script that runs, which the debugger's interface shows too,
// and one of a builtin.
func TestLocals(t *testing.T) {
	var got []string
	look := func(t *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		if locals := frames.Locals(t.DebugFrame(0)); locals != nil {
			return nil, fmt.Errorf("a builtin has the variables %v", locals)
		}
		f := t.DebugFrame(1)
		for i, v := range frames.Locals(f) {
			binding, want := f.Local(i)
			name := frames.Name(f.Callable().(*starlark.Function), i)
			if v.String() != want.String() || name != binding.Name {
				return nil, fmt.Errorf("%d is %s = %v, want %s = %v", i, name, v, binding.Name, want)
			}
			text := v.Type()
			switch held := frames.Held(v); {
			case held == nil:
				text += ":nothing"
			case text == "cell":
				text += ":" + held.String()
			case text != "function":
				text = v.String()
			}
			got = append(got, binding.Name+"="+text)
		}
		return starlark.None, nil
	}
	env := starlark.StringDict{"look": starlark.NewBuiltin("look", look)}
	options, thread := new(syntax.FileOptions), new(starlark.Thread)
	if _, err := starlark.ExecFileOptions(options, thread, "x.star", script, env); err != nil {
		t.Fatal(err)
	}
	want := `a=1 b=2 rest=() later="not yet" shared=cell:[1] inner=function unset=cell:nothing`
	if text := strings.Join(got, " "); text != want {
		t.Errorf("the variables are %s, want %s", text, want)
	}
}

// TestValues finds the operands of functions that call, and what is in a cell.
func TestValues(t *testing.T) {
	const script = `
def f(a):
    x = "variable"
    def g(): return x
    return ["operand", look()]
f("parameter")
(lambda: ["operand", look()])()
`
	var got []string
	look := func(t *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple,
		_ []starlark.Tuple) (starlark.Value, error) {
		for _, v := range frames.Values(t.DebugFrame(1)) {
			if x, ok := frames.Cell(v); ok {
				v = x
			}
			if s, ok := v.(starlark.String); ok {
				got = append(got, string(s))
			}
		}
		if values := frames.Values(t.DebugFrame(0)); values != nil {
			return nil, fmt.Errorf("a builtin has the values %v", values)
		}
		return starlark.None, nil
	}
	env := starlark.StringDict{"look": starlark.NewBuiltin("look", look)}
	options, thread := new(syntax.FileOptions), new(starlark.Thread)
	if _, err := starlark.ExecFileOptions(options, thread, "x.star", script, env); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(got, " "); text != "parameter variable operand operand" {
		t.Errorf("the values are %s", text)
	}
}
