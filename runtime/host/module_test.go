package host_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A till is what the functions of the module @till work on.
type till struct{ sum int }

func (l *till) add(_ context.Context, n int, note string) (int, error) {
	if n < 0 {
		return 0, errors.New("nothing is taken out: " + note)
	}
	l.sum += n
	return l.sum, nil
}

// fast is add without reflection.
func fast(a host.Args) (starlark.Value, error) {
	var n int
	var note string
	if err := a.Unpack(&n, &note); err != nil {
		return nil, err
	}
	sum, err := a.Of.(*till).add(context.Background(), n, note)
	if err != nil {
		return nil, err
	}
	return starlark.MakeInt(sum), nil
}

func tills() *host.Module {
	params := []host.Param{
		{Name: "n", Doc: "how much", Type: "int"},
		{Name: "note", Doc: "what for", Type: "string", Default: starlark.String("none")},
	}
	adds := func(name string, fn any) host.Member {
		return host.Member{
			Name: name, Doc: "Adds to the sum.", Params: params, Result: "the sum", Fn: fn,
			Errors:  []host.Failure{{When: "n is negative"}},
			Example: name + "(0)  # 0\n" + name + "(-1)  # error: " + name + ": nothing is taken out: none",
		}
	}
	return &host.Module{
		Name: "till", Doc: "A till.", Whole: true,
		Open: func(*host.Load) (any, error) { return new(till), nil },
		Members: []host.Member{
			adds("add", (*till).add),
			adds("fast", fast),
			{Name: "coins", Doc: "Coins.", Members: []host.Member{
				{Name: "one", Doc: "The least.", Value: starlark.MakeInt(1)},
			}},
			{
				Name: "all", Doc: "Adds words.", Result: "a string", Example: `all("-", "a", "b")  # "a-b"`,
				Params: []host.Param{
					{Name: "sep", Doc: "between them"},
					{Name: "words", Doc: "the words", Pass: host.Rest},
				},
				Fn: func(sep string, words ...string) string { return strings.Join(words, sep) },
			},
		},
	}
}

func TestModule(t *testing.T) { hosttest.Module(t, tills(), nil, nil) }

func eval(t *testing.T, values starlark.StringDict, expr string) string {
	t.Helper()
	v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", expr, values)
	if err != nil {
		return "error: " + err.Error()
	}
	return v.String()
}

// TestArguments checks that both kinds of functions take the same arguments and
// refuse the same, in the words of starlark.UnpackArgs.
func TestArguments(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{`1`, `1`},
		{`1, "x"`, `1`},
		{`n = 1`, `1`},
		{`1, note = "x"`, `1`},
		{`note = "x", n = 1`, `1`},
		{`-1, note = "rent"`, `error: F: nothing is taken out: rent`},
		{``, `error: F: missing argument for n`},
		{`note = "x"`, `error: F: missing argument for n`},
		{`1, "x", 2`, `error: F: got 3 arguments, want at most 2`},
		{`1, n = 2`, `error: F: got multiple values for keyword argument "n"`},
		{`1, not3 = 2`, `error: F: unexpected keyword argument "not3"`},
		{`"1"`, `error: F: for parameter n: got string, want int`},
		{`1, None`, `error: F: for parameter note: got NoneType, want string`},
		{`1 << 80`, `error: F: for parameter n: 1208925819614629174706176 out of range (want value in signed 64-bit range)`},
	} {
		for _, fn := range []string{"add", "fast", "till.add", "till.fast"} {
			values, err := tills().Values(new(host.Load))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(tt.want, "F", strings.TrimPrefix(fn, "till."))
			if got := eval(t, values, fn+"("+tt.args+")"); got != want {
				t.Errorf("%s(%s): got %s, want %s", fn, tt.args, got, want)
			}
		}
	}
}

// TestPassing checks parameters that are not passed freely.
func TestPassing(t *testing.T) {
	m := &host.Module{Name: "m", Members: []host.Member{
		{
			Name: "f",
			Params: []host.Param{
				{Name: "x", Type: "any", Pass: host.ByPosition},
				{Name: "y", Type: "any", Optional: true},
				{Name: "z", Type: "any", Default: starlark.MakeInt(3), Pass: host.ByName},
			},
			Fn: func(a host.Args) (starlark.Value, error) {
				var x, y, z starlark.Value
				if err := a.Unpack(&x, &y, &z); err != nil {
					return nil, err
				}
				return starlark.String(fmt.Sprint(x, y, z)), nil
			},
		},
		{Name: "none", Fn: func() {}},
	}}
	values, err := m.Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ expr, want string }{
		{`f(1)`, `"1 <nil> 3"`},
		{`f(1, 2)`, `"1 2 3"`},
		{`f(1, y = 2, z = None)`, `"1 2 None"`},
		{`f(1, 2, 3)`, `error: f: got 3 arguments, want at most 2`},
		{`f()`, `error: f: got 0 arguments, want at least 1: x is missing; write f(x)`},
		{`f(x = 1)`, `error: f: unexpected keyword argument x`},
		{`none()`, `None`},
		{`none(1)`, `error: none: got 1 arguments, want 0`},
	} {
		if got := eval(t, values, tt.expr); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.expr, got, tt.want)
		}
	}
	for name, want := range map[string]string{"f": "f(x, [y], *, z = 3)", "none": "none()"} {
		if got := m.Member(name).Signature(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestDefaultIsFrozen verifies that no call changes what the next one gets, nor, as an iteration over a
// list would that is not frozen, what another one has at the same time.
func TestDefaultIsFrozen(t *testing.T) {
	m := &host.Module{Name: "m", Members: []host.Member{{
		Name:   "f",
		Params: []host.Param{{Name: "x", Type: "list", Default: starlark.NewList(nil)}},
		Fn:     func(x *starlark.List) starlark.Value { return x },
	}}}
	values, err := m.Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	const want = "error: append: cannot append to frozen list"
	if got := eval(t, values, "f().append(1)"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSignature verifies that parameters stand where the language has them.
func TestSignature(t *testing.T) {
	m := host.Member{Name: "f", Fn: func() {}, Params: []host.Param{
		{Name: "by", Default: starlark.String(", "), Pass: host.ByName},
		{Name: "rest", Pass: host.Rest},
		{Name: "more", Pass: host.RestByName},
		{Name: "x"},
	}}
	if got, want := m.Signature(), `f(x, *rest, by = ", ", **more)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestMisdescribed checks that a description which its functions do not fit makes
// no values, and that one which they only do not unpack fails a test.
func TestMisdescribed(t *testing.T) {
	one := []host.Param{{Name: "a", Doc: "it", Type: "string"}}
	for _, tt := range []struct {
		member host.Member
		want   string
	}{
		{host.Member{Fn: func(string) {}}, "its 1 parameters are not described"},
		{host.Member{Fn: func() {}, Params: one}, "1 names for 0 parameters"},
		{host.Member{Fn: func(int) {}, Params: one}, "parameter a: its type is int, not string"},
		{host.Member{Fn: func(chan int) {}, Params: one}, "parameter 1: chan int has no counterpart in Starlark; there is one for "},
		{host.Member{Fn: func(...string) {}, Params: one}, "a variadic parameter is passed as Rest, and no other"},
		{host.Member{Fn: func(string) {}, Params: []host.Param{{Name: "a", Default: starlark.None}}},
			"the default of parameter a: got NoneType, want string"},
		{host.Member{Fn: func(string, string) {}, Params: []host.Param{{Name: "a", Optional: true}, {Name: "b"}}},
			"parameter b: it must be passed, and one before it need not"},
		{host.Member{Fn: func(string) {}, Params: []host.Param{{Name: "a", Pass: host.RestByName}}},
			"parameter a: only a Value takes further names"},
		{host.Member{Fn: (*till).add, Params: one}, "parameter 2: context.Context stands before the parameters that a script passes"},
		{host.Member{}, "nothing makes f"},
		{host.Member{Members: []host.Member{{Name: "g"}}}, "f: nothing makes g"},
	} {
		tt.member.Name = "f"
		m := &host.Module{Name: "m", Members: []host.Member{tt.member}}
		if _, err := m.Values(new(host.Load)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	unpack := func(vars ...any) func(host.Args) (starlark.Value, error) {
		return func(a host.Args) (starlark.Value, error) { return nil, a.Unpack(vars...) }
	}
	for _, tt := range []struct {
		member host.Member
		want   string
	}{
		{host.Member{Fn: unpack(new(string)), Params: one}, ""},
		{host.Member{Fn: unpack(new(starlark.Value)), Params: one}, ""},
		{host.Member{Fn: unpack(), Params: one}, "0 variables for 1 parameters"},
		{host.Member{Fn: unpack(new(int)), Params: one}, "the variable of parameter a has the type int, not string"},
		{host.Member{Fn: func(host.Args) (starlark.Value, error) { return nil, nil }, Params: one}, "it does not unpack its arguments"},
	} {
		got := ""
		if err := tt.member.Verify(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestMisuse checks that a module has the last word on wrong arguments, and on
// nothing else.
func TestMisuse(t *testing.T) {
	m := tills()
	m.Misuse = func(err error) error { return fmt.Errorf("T1: %w", err) }
	values, err := m.Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ expr, want string }{
		{`add()`, `error: T1: add: missing argument for n`},
		{`add("")`, `error: T1: add: for parameter n: got string, want int`},
		{`fast()`, `error: T1: fast: missing argument for n`},
		{`fast("")`, `error: T1: fast: for parameter n: got string, want int`},
		{`fast(-1)`, `error: fast: nothing is taken out: none`},
	} {
		if got := eval(t, values, tt.expr); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.expr, got, tt.want)
		}
	}
}

// TestPure checks what a tool may call without opening the module.
func TestPure(t *testing.T) {
	m := &host.Module{
		Name:    "m",
		Open:    func(*host.Load) (any, error) { return nil, errors.New("it is opened") },
		Members: []host.Member{{Name: "f", Fn: func() int { return 1 }, Pure: true}, {Name: "g", Fn: func() {}}},
	}
	v, err := starlark.Call(new(starlark.Thread), m.Pure("f"), nil, nil)
	if err != nil || v != starlark.MakeInt(1) || m.Pure("g") != nil || m.Pure("h") != nil || (*host.Module)(nil).Pure("f") != nil {
		t.Errorf("got %v, %v; g %v, h %v", v, err, m.Pure("g"), m.Pure("h"))
	}
}

// A module that has a function of its own name is that function and the module, by one name.
func TestWholeIsCalled(t *testing.T) {
	m := &host.Module{
		Name: "dice", Doc: "Dice.", Whole: true,
		Members: []host.Member{
			{
				Name: "dice", Doc: "Throws.", Result: "an int", Example: "dice()  # 4\ndice.dice()  # 4",
				Fn: func() int { return 4 }, // as in xkcd 221
			},
			{Name: "sides", Doc: "How many.", Value: starlark.MakeInt(6)},
		},
	}
	values := hosttest.Module(t, m, nil, nil)
	for expr, want := range map[string]string{
		"dice(), dice.dice(), dice.sides": "(4, 4, 6)",
		"type(dice), dir(dice)":           `("builtin_function_or_method", ["dice", "sides"])`,
		"dice(1)":                         "error: dice: got 1 arguments, want 0",
	} {
		if got := eval(t, values, expr); got != want {
			t.Errorf("%s: got %s, want %s", expr, got, want)
		}
	}
	if got, want := m.Names(), []string{"dice", "sides"}; !slices.Equal(got, want) {
		t.Errorf("it has %v, want %v", got, want)
	}
}
