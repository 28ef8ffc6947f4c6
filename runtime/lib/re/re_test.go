package re_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// values are those of the module, and look, which says all of a match.
func values(t testing.TB) starlark.StringDict {
	t.Helper()
	v, err := re.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	more, err := starlark.ExecFileOptions(new(syntax.FileOptions), new(starlark.Thread), "more.star", `
def look(m):
    return m and (m.group(), m.span(), m.groups(), m.groupdict(), m.lastindex, m.lastgroup,
        [m.span(i) for i in range(1, len(m.groups()) + 1)])
`, v)
	if err != nil {
		t.Fatal(err)
	}
	v["look"] = more["look"]
	return v
}

func TestPython(t *testing.T) { hosttest.Table(t, "testdata/python.txt", values(t)) }
