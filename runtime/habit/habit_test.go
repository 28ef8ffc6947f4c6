package habit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/habit"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// language is what the scripts of the tests may use. server/site has the table of habits.
var language = &habit.Language{
	Builtins: starlark.Universe.Keys(),
	Modules: []habit.Module{
		{Name: "http", Names: []string{"form", "status"}},
		{Name: "json", Names: []string{"json"}},
		{Name: "math", Names: []string{"math"}},
		{Name: "static", Names: []string{"file", "static"}},
		{Name: "struct", Names: []string{"struct"}},
	},
}

// say returns what is said of a script: of the first error that the parser or the resolver finds,
// and of errors of the interpreter at each place of it.
func say(source string) (said []string) {
	options := syntax.FileOptions{Set: true, While: true, TopLevelControl: true, Recursion: true}
	tree, err := options.Parse("a.star", source, 0)
	var parse syntax.Error
	if errors.As(err, &parse) {
		found := language.Syntax([]byte(source), parse)
		return []string{found.Msg}
	}
	if err != nil {
		return nil
	}
	var undefined resolve.ErrorList
	err = resolve.File(tree, func(string) bool { return false }, starlark.Universe.Has)
	if errors.As(err, &undefined) {
		for _, e := range undefined[:min(len(undefined), 20)] {
			said = append(said, language.Undefined(tree, []byte(source), e))
		}
		return said
	}
	left := 20 // each takes a walk through the tree
	syntax.Walk(tree, func(n syntax.Node) bool {
		if left--; n == nil || left < 0 {
			return false
		}
		pos, _ := n.Span()
		for _, message := range []string{
			"append: cannot append to frozen list", "cannot insert into frozen hash table",
			"local variable x referenced before assignment", "list has no .sort field or method",
			"string value is not iterable", "unknown binary op: string + int",
		} {
			said = append(said, habit.Failed(tree, []byte(source), pos, message))
		}
		return true
	})
	return said
}

// TestUnknown keeps the words of the parser for what is no habit.
func TestUnknown(t *testing.T) {
	for source, want := range map[string]string{
		"x = [1, 2\ndef f():\n    pass\n": "got def, want ']'",
		"def f(:\n    pass\n":             "got ':', want ')'",
		"x = 1 +\n":                       "got newline, want primary expression",
		"x = \"\"\"import os\ny = [\n":    "unexpected EOF in string",
	} {
		if got := strings.Join(say(source), " "); got != want {
			t.Errorf("%q: got %q, want %q", source, got, want)
		}
	}
}

// FuzzLanguage finds a habit, or none, in whatever a file holds.
func FuzzLanguage(f *testing.F) {
	for _, source := range []string{
		"import a.b as c, d", "from . import (x, y as z)", "from", "import", "class A(B):\n  x",
		"try:\n    x = f(1)(\n", "try: f(", "raise", "raise X from y", "raise X(", "with a as b, c:",
		"def f():\n  yield", "del x[", "del x[1], y", "global", "nonlocal a, b", "async for", "assert",
		"assert (a, [b), c", "x = f\"{a!r:>{n}} {{}} {\"", "f'{'", "x = a is not", "@a\n@b\ndef f(): 1",
		"@", "0 < x < 1 < 2", "def f(a: {1: 2}, *, b: int = 1, **c: d) -> [e]: pass", "x: int",
		"(n := 1", "x ** -1", "f(**a, *b)", "[*a]", "*a, b = c", "x++", "++x", "print a, b",
		"else if x:", "a && b || !c", "x ? y : z", "...", "a = b = c = d", "{1, 2", "(x for x in",
		"1__0", "_1 2", "'a' 'b'", "load(@json, a = b, \"c\")", "load(\"@json\")", "load(", "def f()\n",
		"x = isinstance(a, (b, c))", "map(f)", "json.decode(1)", "x = []\ndef f(): x.append(1)",
		"x = 1\ndef f():\n  x += 1", "[c for c in 'a']", "'a' + 1", "\"\\d\"", "\r\n\\\r\nimport\r\n",
	} {
		f.Add(source)
	}
	f.Fuzz(func(_ *testing.T, source string) { say(source) })
}
