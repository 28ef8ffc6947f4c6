package host

import (
	"slices"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// TestStacks has threads run one after another on one stack: each finds it empty, and one that was
// deep is not kept.
func TestStacks(t *testing.T) {
	if stackOffset() < 0 {
		t.Fatal("the interpreter has its stack elsewhere: Stacks does nothing")
	}
	var depths []int
	globals := starlark.StringDict{"depth": starlark.NewBuiltin("depth", func(
		t *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple, _ []starlark.Tuple,
	) (starlark.Value, error) {
		depths = append(depths, t.CallStackDepth())
		return starlark.None, nil
	})}
	defs, err := starlark.ExecFileOptions(&syntax.FileOptions{Recursion: true}, new(starlark.Thread),
		"app.star", `
def app(n):
    if n > 0:
        return app(n - 1)
    depth()
    return 1 // n
`, globals)
	if err != nil {
		t.Fatal(err)
	}
	var s Stacks
	for _, n := range []int{3, 3, maxStack + 1, 3} {
		own := new(Thread)
		s.Lend(own)
		lent := own.lent
		if _, err := starlark.Call(&own.Thread, defs["app"],
			starlark.Tuple{starlark.MakeInt(n)}, nil); err == nil {
			t.Error("app did not fail")
		}
		s.Return(own)
		if depth := own.CallStackDepth(); depth != 0 {
			t.Errorf("after its end the thread is %d deep", depth)
		}
		if kept := own.lent == nil; kept != (n < maxStack) {
			t.Errorf("a stack of %d functions: kept is %v", n+1, kept)
		}
		for _, frame := range (*lent)[:cap(*lent)] {
			if frame != nil && *(*[2]uintptr)(frame) != [2]uintptr{} {
				t.Error("a frame that was given back still has its function")
			}
		}
	}
	if want := []int{5, 5, maxStack + 3, 5}; !slices.Equal(depths, want) {
		t.Errorf("the calls ran %v deep, want %v", depths, want)
	}
}
