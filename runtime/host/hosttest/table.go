package hosttest

import (
	"errors"
	"os"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Table tests functions by what others say: each line of the file has an expression, a tab, and
// an expression of the same value, or the word error. Lines that begin with # are comments.
func Table(t *testing.T, file string, env starlark.StringDict) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		expr, want, ok := strings.Cut(line, "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if !ok {
			t.Fatalf("%s: %q has no tab", file, line)
		}
		tested++
		got, err := evaluate(expr, env)
		var eval *starlark.EvalError
		switch {
		case want == "error" && !errors.As(err, &eval):
			t.Errorf("%s\n got %v, %v\nwant an error", expr, got, err)
		case want == "error":
		case err != nil:
			t.Errorf("%s\n got error %v\nwant %s", expr, err, want)
		default:
			same, err := evaluate(want, nil)
			if err != nil {
				t.Fatal(err)
			}
			if equal, err := starlark.Equal(got, same); err != nil || !equal {
				t.Errorf("%s\n got %v\nwant %v", expr, got, same)
			}
		}
	}
	if tested == 0 {
		t.Errorf("%s has no line", file)
	}
}

func evaluate(expr string, env starlark.StringDict) (starlark.Value, error) {
	return starlark.EvalOptions(
		&syntax.FileOptions{}, &starlark.Thread{Name: "table"}, "table", expr, env,
	)
}
