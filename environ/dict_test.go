package environ_test

import (
	"net/http/httptest"
	"testing"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// TestDictIdioms verifies that a script cannot tell an environ, filled or not, from a dict of the same items: each idiom
// gives the same value, or the same kind of error, and leaves the same items behind.
func TestDictIdioms(t *testing.T) {
	idioms := []string{
		`E["A"]`, `E["NONE"]`, `E[1]`, `E[[]]`, `E.get("A")`, `E.get("NONE")`, `E.get("NONE", 1)`, `E.get()`, `E.get([])`, `E.get("A", 1, 2)`,
		`"A" in E`, `"NONE" in E`, `"NONE" not in E`, `1 in E`, `len(E)`, `bool(E)`, `[k for k in E]`, `list(E)`, `sorted(E)`, `tuple(E)`, `set(E)`,
		`E.keys()`, `E.values()`, `E.items()`, `[(k, v) for k, v in E.items()]`, `{k: E[k] for k in E}`, `dict(E)`, `dict(E, X = "1")`, `dict(E.items())`,
		`E | {}`, `{} | E`, `E | {"A": "9", "Z": 1}`, `{"A": "9", "Z": 1} | E`, `E | E`, `E | 1`, `E + {}`, `-E`, `E < E`, `E == E`, `E != E`, `E == 1`, `E == None`,
		`{}.update(E)`, `str(E)`, `repr(E)`, `"%s" % str(E)`, `"%(A)s" % E`, `"{}".format(E)`, `kw(**E)`, `pos(*E)`, `hasattr(E, "get")`, `hasattr(E, "nope")`,
		`getattr(E, "get")("A")`, `getattr(E, "nope", 5)`, `dir(E)`, `E.nope`, `{E: 1}`, `any(E)`, `all(E)`, `max(E)`, `zip(E, E)`, `enumerate(E)`, `reversed(E)`,
		`E.setdefault("NEW")`, `E.setdefault()`, `E.setdefault([], 1)`, `E.setdefault(1, 2)`, `E.setdefault("A", 1, 2)`, `E.setdefault(key = "A")`,
		`E.pop()`, `E.pop([])`, `E.pop([], 1)`, `E.pop(1)`, `E.pop(1, 2)`, `E.pop("A", 1, 2)`, `E.pop(k = "A")`, `dir(E.pop)`,
		`[E.setdefault(k + "2", 1) for k in E]`, `[E.pop(k) for k in E]`,
		`E.setdefault("A", 1)`, `E.setdefault("NEW", 1)`, `E.pop("A")`, `E.pop("NONE")`, `E.pop("NONE", 3)`, `E.popitem()`, `E.clear()`, `E.update({"B": 2})`,
		`E.update([("B", 2)], C = 3)`, `put(E, "A", 5)`, `put(E, "NEW", 5)`, `put(E, [], 5)`, `bump(E, "A")`, `while_iterating(E)`, `E[0:1]`, `E()`,
		`[E.get, 1][1]`, `E in [E]`, `E in [1]`, `E and 1`, `not E`,
	}
	predeclared, err := starlark.ExecFileOptions(&syntax.FileOptions{Set: true}, new(starlark.Thread), "t.star", `
def kw(**kwargs): return kwargs
def pos(*args): return args
def put(d, k, v): d[k] = v
def bump(d, k): d[k] += "x"
def while_iterating(d):
    for k in d: d[k + "2"] = 1
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() *environ.Environ {
		r := httptest.NewRequest("GET", "/a?b", nil)
		r.Header.Set("X-A", "1")
		// Each request has another id, which Vars can hide.
		return (&environ.Config{Vars: map[string]string{"A": "a", "larkspur.request_id": "id"}}).New(environ.FromHTTP(r))
	}
	run := func(v starlark.Value, idiom string) (string, string) {
		env := starlark.StringDict{"E": v}
		for name, f := range predeclared {
			env[name] = f
		}
		got, err := starlark.EvalOptions(&syntax.FileOptions{Set: true}, new(starlark.Thread), "t.star", idiom, env)
		if err != nil {
			return "", "an error"
		}
		return got.String(), ""
	}
	for _, idiom := range idioms {
		lazy, full := fresh(), fresh()
		full.Dict()
		// The streams print as what they are, so they may stand in another environ.
		d := fresh().Dict()
		want, wantErr := run(d, idiom)
		for name, e := range map[string]*environ.Environ{"lazy": lazy, "full": full} {
			got, gotErr := run(e, idiom)
			if got != want || gotErr != wantErr {
				t.Errorf("%s of a %s environ: got %s%s, want %s%s", idiom, name, got, gotErr, want, wantErr)
			}
			if got, want := e.Dict().String(), d.String(); got != want {
				t.Errorf("%s of a %s environ leaves\n%s, want\n%s", idiom, name, got, want)
			}
		}
	}
}
