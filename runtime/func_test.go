package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// eval returns the value of an expression in a program in which values are predeclared.
func eval(t testing.TB, expr string, values starlark.StringDict) (starlark.Value, error) {
	t.Helper()
	src := "def app():\n  return " + expr + "\n"
	p, err := runtime.Load(&runtime.Config{FS: tree("app.star", src), Predeclared: values}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	return result(p)
}

// result calls p without arguments.
func result(p caller) (v starlark.Value, err error) {
	err = p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		v, err = starlark.Call(t, app, nil, nil)
		return err
	})
	return v, err
}

type caller interface {
	Call(context.Context, func(context.Context, *starlark.Thread, starlark.Callable) error) error
}

// tree is a tree of files, given as name and content in turn.
func tree(files ...string) fstest.MapFS {
	m := make(fstest.MapFS)
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

func TestFuncConverts(t *testing.T) {
	type celsius int8
	none := func() {}
	for _, test := range []struct {
		fn   any
		expr string
		want string // the value, or "error: " and what the error has in it
	}{
		{strings.ToUpper, `f("a")`, `"A"`},
		{strings.ToUpper, `f(b"a")`, `error: f: for parameter 1: got bytes, want string`},
		{strings.ToUpper, `f()`, `error: f: got 0 arguments, want 1`},
		{strings.ToUpper, `f("a", "b")`, `error: f: got 2 arguments, want 1`},
		{strings.ToUpper, `f(s = "a")`, `error: f: unexpected keyword argument "s"`},
		{func(b []byte) []byte { return append(b, '!') }, `f("a"), f(b"b")`, `(b"a!", b"b!")`},
		{func(b []byte) {}, `f([1])`, `error: got list, want bytes or string`},
		{func(b bool) bool { return !b }, `f(True)`, `False`},
		{func(b bool) bool { return !b }, `f(1)`, `error: got int, want bool`},
		{func(i int8) int8 { return i }, `f(-128)`, `-128`},
		{func(i int8) int8 { return i }, `f(128)`, `error: 128 out of range (want value in signed 8-bit range)`},
		{func(i celsius) celsius { return i + 1 }, `f(1)`, `2`},
		{func(i uint64) uint64 { return i }, `f((1 << 64) - 1)`, `18446744073709551615`},
		{func(i uint64) uint64 { return i }, `f(-1)`, `error: -1 out of range (want value in unsigned 64-bit range)`},
		{func(i int) {}, `f(1.0)`, `error: got float, want int`},
		{func(f float64) float64 { return f / 2 }, `f(1), f(0.5)`, `(0.5, 0.25)`},
		{func(s []string) int { return len(s) }, `f(["a"]), f(("a", "b")), f({"a": 1})`, `(1, 2, 1)`},
		{func(s []string) int { return len(s) }, `f([1])`, `error: at index 0: got int, want string`},
		{func(s []string) int { return len(s) }, `f(1)`, `error: got int, want a list`},
		{func(m map[string][]int) map[string][]int { m["b"] = nil; return m }, `f({"c": [1], "a": []})`, `{"a": [], "b": [], "c": [1]}`},
		{func(m map[string]int) {}, `f({1: 1})`, `error: for a key: got int, want string`},
		{func(m map[string]int) {}, `f({"a": "b"})`, `error: for key "a": got string, want int`},
		{func(m map[string]int) {}, `f([])`, `error: got list, want a dict`},
		{func(v starlark.Value) starlark.Value { return v }, `f({1: 2})`, `{1: 2}`},
		{func(v *starlark.List) int { return v.Len() }, `f([1])`, `1`},
		{func(v *starlark.List) int { return v.Len() }, `f(())`, `error: got tuple, want list`},
		{func() starlark.Value { return nil }, `f()`, `None`},
		{none, `f()`, `None`},
		{func() (int, string) { return 1, "a" }, `f()`, `(1, "a")`},
		{func() error { return nil }, `f()`, `None`},
		{func() (int, error) { return 0, fs.ErrNotExist }, `f()`, `error: f: file does not exist`},
		{func(sep string, words ...string) string { return strings.Join(words, sep) }, `f("-"), f("-", "a", "b")`, `("", "a-b")`},
		{func(sep string, words ...string) string { return strings.Join(words, sep) }, `f()`, `error: f: got 0 arguments, want at least 1`},
		{func(ctx context.Context, s string) string { _, ok := ctx.Deadline(); return fmt.Sprint(s, ok) }, `f("deadline: ")`, `"deadline: true"`},
		{func() int { panic("out of paper") }, `f()`, `error: f: panic: out of paper`},
	} {
		v, err := eval(t, test.expr, starlark.StringDict{"f": host.Func("f", test.fn)})
		if want, ok := strings.CutPrefix(test.want, "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s with %T: got %v, %v; want error %q", test.expr, test.fn, v, err, want)
			}
		} else if err != nil || v.String() != test.want {
			t.Errorf("%s with %T: got %v, %v; want %s", test.expr, test.fn, v, err, test.want)
		}
	}
}

func TestFuncNamesParameters(t *testing.T) {
	greet := host.Func("greet", func(_ context.Context, name string, times int) string {
		return strings.Repeat(name, max(times, 1))
	}, "name", "times?")
	v, err := eval(t, `greet("a"), greet("a", 2), greet(times = 3, name = "b")`, starlark.StringDict{"greet": greet})
	if got, want := fmt.Sprint(v, err), `("a", "aa", "bbb") <nil>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := eval(t, `greet(times = "x", name = "b")`, starlark.StringDict{"greet": greet}); err == nil || err.Error() != "greet: for parameter times: got string, want int" {
		t.Errorf("got %v, want the parameter's name", err)
	}
}

func TestFuncKeepsTheErrorAndItsPlace(t *testing.T) {
	_, err := eval(t, `f()`, starlark.StringDict{"f": host.Func("f", func() error { return fs.ErrNotExist })})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want one that is fs.ErrNotExist", err)
	}
	var eval *starlark.EvalError
	if !errors.As(err, &eval) || !strings.Contains(eval.Backtrace(), "app.star:2:11: in app") {
		t.Errorf("got %v, want an EvalError with app.star:2:11", err)
	}
}

func TestFuncRefusesWhatItCannotConvert(t *testing.T) {
	type loop []loop
	for _, fn := range []any{
		nil, 1, (func())(nil),
		func(chan int) {}, func(*int) {}, func(map[int]string) {}, func(loop) {}, func(any) {},
		func() chan int { return nil },
		//lint:ignore ST1008 the order is what is refused
		func() (error, int) { return nil, 0 },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Func of %T did not panic", fn)
				}
			}()
			host.Func("f", fn)
		}()
	}
}
