package prompt_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/prompt"
)

// TestSession runs what is typed, and compares what each statement says.
func TestSession(t *testing.T) {
	config := &runtime.Config{FS: fstest.MapFS{
		"a.star": &fstest.MapFile{Data: []byte("load(\"b.star\", _b = \"b\")\n_x = [1]\ndef f():\n    return _b\n")},
		"b.star": &fstest.MapFile{Data: []byte("b = 2\n")},
	}, Limits: runtime.Limits{Steps: 100_000}}
	s, err := prompt.New(config, "a.star")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ in, want string }{
		{"1 + 1", "2"},
		{"_x, _b, f()", "([1], 2, 2)"},
		{"_x = (1,)", ""},
		{"_x", "(1,)"},
		{"_x += (2,)", ""},
		{"_x", "(1, 2)"},
		{"def g(x):\n    return x * 2\ng(2)", "4"}, // a line that is not indented ends the block, and is run
		{"if True: y = 3", ""},
		{"y", "3"},
		{"for i in [1]:\n    z = i", ""}, // the end ends the block
		{"z", "1"},
		{"load(\"b.star\", \"b\")\nb", "2"},
		{"load(\"c.star\", \"c\")", "error: cannot load c.star: c.star: there is no file c.star"},
		{"1 +", "error: <stdin>:1:4: got newline, want primary expression"},
		{"nope", "error: undefined: nope"},
		{"fail(\"no\")", "error: fail: no"},
		{"while True:\n    pass\n", "error: stopped at the limit of 100000 steps"},
		{"", ""},
	} {
		if got := typed(s, test.in); got != test.want && (!strings.HasPrefix(got, "error: ") || !strings.HasSuffix(got, strings.TrimPrefix(test.want, "error: "))) {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
	builtins := config.Builtins()
	own := slices.DeleteFunc(s.Names(), builtins.Has)
	if names := strings.Join(own, " "); names != "_b _x b f g i y z" {
		t.Errorf("the names are %s", names)
	}
}

// typed runs all statements of text, and returns the last value, or the error that came first.
func typed(s *prompt.Session, text string) string {
	lines := strings.SplitAfter(text, "\n")
	next := func(bool) ([]byte, error) {
		if len(lines) == 0 || lines[0] == "" {
			return nil, io.EOF
		}
		line := strings.TrimSuffix(lines[0], "\n") + "\n"
		lines = lines[1:]
		return []byte(line), nil
	}
	said := ""
	for {
		st, err := s.Read(next)
		if errors.Is(err, io.EOF) {
			return said
		}
		if err != nil {
			return "error: " + err.Error()
		}
		v, err := s.Run(context.Background(), st, nil)
		if err != nil {
			return "error: " + err.Error()
		}
		if said = ""; v != nil {
			said = v.String()
		}
	}
}
