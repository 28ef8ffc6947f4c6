package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
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
		{func(f starlark.Callable) string { return f.Name() }, `f(len), f(f), f(lambda: 1)`, `("len", "f", "lambda")`},
		{func(p *int) *int { return p }, `f(None), f(3)`, `(None, 3)`},
		{func(p *int) {}, `f("a")`, `error: f: for parameter 1: got string, want int`},
		{func(p *string, q **bool) (*string, **bool) { return p, q }, `f("a", True)`, `("a", True)`},
		{func(i *big.Int) *big.Int { return i.Mul(i, i) }, `f(1 << 64)`, `340282366920938463463374607431768211456`},
		{func(i *big.Int) *big.Int { return nil }, `f(1)`, `None`},
		{func(i *big.Int) {}, `f(None)`, `error: got NoneType, want int`},
		{func() *starlark.List { return nil }, `f()`, `None`},
		{func() starlark.Value { return (*starlark.Dict)(nil) }, `f()`, `None`},
		{func(s [][]byte) []int { return []int{len(s), len(s[1])} }, `f([b"", "ab"])`, `[2, 2]`},
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
	const known = "; there is one for string, []byte, bool, int, uint and float of every size, *big.Int, time.Time, " +
		"time.Duration, any and other interfaces, structs, pointers, slices, maps with string keys, and what implements starlark.Value"
	for _, test := range []struct {
		fn   any
		want string
	}{
		{nil, "not a function"},
		{1, "not a function"},
		{(func())(nil), "nil function"},
		{func(int, chan int) {}, "parameter 2: chan int has no counterpart in Starlark" + known},
		{func([]map[string]func()) {}, "parameter 1: func() has no counterpart in Starlark" + known},
		{func(map[int]string) {}, "parameter 1: map[int]string has no counterpart in Starlark" + known},
		{func(*[2]int) {}, "parameter 1: [2]int has no counterpart in Starlark" + known},
		{func(...chan int) {}, "parameter 1: chan int has no counterpart in Starlark" + known},
		{func(loop) {}, "parameter 1: it is nested more than 10 deep, in runtime_test.loop"},
		{func(string, context.Context) {}, "parameter 2: context.Context stands before the parameters that a script passes"},
		{func(string, *starlark.Thread) {}, "parameter 2: *starlark.Thread stands before the parameters that a script passes"},
		{func() (int, chan int) { return 0, nil }, "result 2: chan int has no counterpart in Starlark" + known},
		//lint:ignore ST1008 the order is what is refused
		{func() (error, int) { return nil, 0 }, "result 1: error is the last result"},
	} {
		func() {
			defer func() {
				want := fmt.Sprintf("host: Func(%q, %T): %s", "f", test.fn, test.want)
				if got := fmt.Sprint(recover()); got != want {
					t.Errorf("%T: got panic %s\nwant %s", test.fn, got, want)
				}
			}()
			host.Func("f", test.fn)
		}()
	}
}

func TestFuncRefusesNamesThatDoNotFit(t *testing.T) {
	join := func(sep string, words ...string) string { return strings.Join(words, sep) }
	for _, test := range []struct {
		params []string
		want   string
	}{
		{[]string{"sep"}, "1 names for 2 parameters"},
		{[]string{"sep", "words", "more"}, "3 names for 2 parameters"},
		{[]string{"sep", "words"}, "<nil>"},
		{[]string{"sep?", "words"}, "<nil>"},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasSuffix(got, test.want) {
					t.Errorf("%q: got panic %s, want %s", test.params, got, test.want)
				}
			}()
			host.Func("join", join, test.params...)
		}()
	}
}

// The names are those of the parameters before the variadic one, which has all further positions.
func TestFuncNamesParametersOfVariadicFunctions(t *testing.T) {
	join := host.Func("join", func(sep string, width int, words ...string) string {
		return fmt.Sprintf("%*s", width, strings.Join(words, sep))
	}, "sep", "width?", "words")
	for _, test := range []struct{ expr, want string }{
		{`join("-")`, `""`},
		{`join(sep = "-", width = 2)`, `"  "`},
		{`join("-", 4, "a", "b")`, `" a-b"`},
		{`join("-", 4, *["a", "b"])`, `" a-b"`},
		{`join()`, `join: missing argument for sep`},
		{`join(sep = "-", words = "a")`, `join: unexpected keyword argument "words"`},
		{`join("-", 4, "a", sep = "+")`, `join: got multiple values for keyword argument "sep"`},
		{`join("-", "4")`, `join: for parameter width: got string, want int`},
		{`join("-", 4, "a", 5)`, `join: for parameter words[1]: got int, want string`},
	} {
		v, err := eval(t, test.expr, starlark.StringDict{"join": join})
		if got := said(v, err); got != test.want {
			t.Errorf("%s: got %s, want %s", test.expr, got, test.want)
		}
	}
}

// said is the value, or the error if there is one.
func said(v starlark.Value, err error) string {
	if err != nil {
		return err.Error()
	}
	return v.String()
}

// What a function begins with may come in any order, before what the script passes.
func TestFuncIsGivenItsCall(t *testing.T) {
	for _, fn := range []any{
		func(ctx context.Context, t *starlark.Thread, c host.Call, s string) bool {
			return ctx == c.Context() && c == host.CallOf(t) && s == "x"
		},
		func(t *starlark.Thread, c host.Call, s string) bool { return c == host.CallOf(t) && s == "x" },
		func(c host.Call, ctx context.Context, s string) bool { return ctx == c.Context() && s == "x" },
		func(c host.Call, s string) (string, error) {
			var v string
			err := c.Wait(func(ctx context.Context) error { v = s; return ctx.Err() })
			return v, err
		},
	} {
		v, err := eval(t, `f("x")`, starlark.StringDict{"f": host.Func("f", fn)})
		if got := said(v, err); got != "True" && got != `"x"` {
			t.Errorf("%T: got %s", fn, got)
		}
	}
}
