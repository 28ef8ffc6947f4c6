package bytes_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/bytes"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func TestPython(t *testing.T) {
	values, err := bytes.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Table(t, "testdata/python.txt", values)
}

// What an author gets wrong is said; what would take all memory is refused before it does.
func TestRefused(t *testing.T) {
	values, err := bytes.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	for expr, want := range map[string]string{
		`find(b"a", 1)`:                             "find: for parameter sub: got int, want bytes or string",
		`find(b"a")`:                                "find: missing argument for sub",
		`startswith(b"a", [b"a"])`:                  "startswith: for parameter prefix: got list, want bytes or a tuple of bytes",
		`join(b",", [b"a", 1])`:                     "join: for parameter parts: at index 1: got int, want bytes or string",
		`join(b",", b"abc")`:                        "join: for parameter parts: got bytes, want iterable",
		`split(b"a", b"")`:                          "split: sep is empty: there is nothing to split at",
		`split(b"," * 1048576, ",")`:                "split: there are more than 1048576 parts; pass maxsplit",
		`split(b"a " * 1048577)`:                    "split: there are more than 1048576 parts; pass maxsplit",
		`replace(b"a" * 20000, b"a", b"b" * 20000)`: "replace: the result would be longer than 134217728 bytes",
		`replace(b"a" * 20000, b"", b"b" * 20000)`:  "replace: the result would be longer than 134217728 bytes",
		`join(b"a" * 200000, [b""] * 10000)`:        "join: the result would be longer than 134217728 bytes",
		`bytes(range(1 << 21))`:                     "bytes: range of 2097152 elements is more than the 1048576 that a builtin takes at once: use a loop",
		`bytes([256])`:                              "bytes: at index 0, 256 out of range (want value in unsigned 8-bit range)",
		`decode(b"a", "cp1252")`:                    `decode: unknown encoding "cp1252"; there are utf-8, latin-1 and ascii`,
		`decode(b"a", errors = "no")`:               `decode: errors is "no", not strict, replace, ignore, backslashreplace`,
	} {
		v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", expr, values)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %.100v, %v; want %s", expr, v, err, want)
		}
	}
}
