package host_test

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type point struct{ X, Y int }

// What a Go value is for a script, and what that is as any again.
func TestValue(t *testing.T) {
	three := 3
	var none *point
	p := &point{1, 2}
	for _, test := range []struct {
		x    any
		want string
		back any
	}{
		{nil, "None", nil},
		{none, "None", nil},
		{(*int)(nil), "None", nil},
		{(map[string]any)(nil), "{}", map[string]any{}},
		{([]any)(nil), "[]", []any{}},
		{true, "True", true},
		{int8(-3), "-3", int64(-3)},
		{uint64(math.MaxUint64), "18446744073709551615", new(big.Int).SetUint64(math.MaxUint64)},
		{float32(0.5), "0.5", 0.5},
		{"a", `"a"`, "a"},
		{[]byte("a"), `b"a"`, []byte("a")},
		{&three, "3", int64(3)},
		{noon, "2026-03-01 12:00:00 +0000 UTC", noon},
		{&noon, "2026-03-01 12:00:00 +0000 UTC", noon},
		{90 * time.Second, "1m30s", 90 * time.Second},
		{[]any{1, "a", nil, []any{}}, `[1, "a", None, []]`, []any{int64(1), "a", nil, []any{}}},
		{map[string]any{"b": 1, "a": map[string]any{"c": []string{"d"}}}, `{"a": {"c": ["d"]}, "b": 1}`,
			map[string]any{"a": map[string]any{"c": []any{"d"}}, "b": int64(1)}},
		{starlark.MakeInt(3), "3", int64(3)},
		{starlark.Tuple{starlark.True}, "(True,)", []any{true}},
		{point{1, 2}, "<point>", point{1, 2}},
		{p, "<point>", p},
		{[]*point{nil, p}, "[None, <point>]", []any{nil, p}},
	} {
		v, err := host.Value(test.x)
		if err != nil || v.String() != test.want {
			t.Errorf("%T %v: got %v, %v; want %s", test.x, test.x, v, err, test.want)
			continue
		}
		var back any
		if err := host.Unpack(v, &back); err != nil || !reflect.DeepEqual(back, test.back) {
			t.Errorf("%s: got %#v, %v; want %#v", v, back, err, test.back)
		}
	}
}

// What has no end, no counterpart, or is too deep is an error that says where.
func TestValueRefuses(t *testing.T) {
	list := make([]any, 1)
	list[0] = list
	dict := map[string]any{}
	dict["self"] = []any{dict}
	var pointer any
	pointer = &pointer
	deep := any(1)
	for range 101 {
		deep = []any{deep}
	}
	wide := any("x")
	for range 40 {
		wide = []any{wide, wide}
	}
	for _, test := range []struct {
		x    any
		want string
	}{
		{list, "at index 0: it holds itself"},
		{dict, `for key "self": at index 0: it holds itself`},
		{pointer, "it holds itself"},
		{deep, "it is nested more than 100 deep"},
		{wide, "it is larger than"},
		{make(chan int), "chan int has no counterpart in Starlark; there is one for string, "},
		{[]any{func() {}}, "at index 0: func() has no counterpart in Starlark; "},
		{map[int]string{1: "a"}, "map[int]string has no counterpart in Starlark; "},
		{map[string]any{"a": complex(1, 1)}, `for key "a": complex128 has no counterpart in Starlark; `},
	} {
		if v, err := host.Value(test.x); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%T: got %v, %v; want error %s", test.x, v, err, test.want)
		}
	}
}

// What a script has becomes a Go value of the type that is asked for, or an error says what does
// not fit, and where.
func TestUnpack(t *testing.T) {
	type shapes struct {
		Name   string
		Points []point
		At     *time.Time
		For    time.Duration
		Extra  map[string]any
	}
	list := starlark.NewList(nil)
	if err := list.Append(starlark.Tuple{list}); err != nil {
		t.Fatal(err)
	}
	deep := starlark.Value(starlark.None)
	for range 101 {
		deep = starlark.Tuple{deep}
	}
	wide := starlark.Value(starlark.None)
	for range 40 {
		wide = starlark.Tuple{wide, wide}
	}
	dict := func(pairs ...any) *starlark.Dict {
		d := starlark.NewDict(len(pairs) / 2)
		for i := 0; i < len(pairs); i += 2 {
			key, value := pairs[i].(starlark.Value), pairs[i+1].(starlark.Value)
			if err := d.SetKey(key, value); err != nil {
				t.Fatal(err)
			}
		}
		return d
	}
	s := func(text string) starlark.Value { return starlark.String(text) }
	one := starlark.MakeInt(1)
	for _, test := range []struct {
		v    starlark.Value
		ptr  any
		want string
	}{
		{one, new(int), "1"},
		{one, new(float64), "1"},
		{one, new(string), "error: got int, want string"},
		{starlark.None, new(any), "<nil>"},
		{startime.Time(noon), new(time.Time), "2026-03-01 12:00:00 +0000 UTC"},
		{startime.Duration(time.Minute), new(time.Duration), "1m0s"},
		{one, new(time.Time), "error: got int, want time.time"},
		{one, new(time.Duration), "error: got int, want time.duration"},
		{s("1s"), new(time.Duration), "error: got string, want time.duration"},
		{starlark.Tuple{one, one}, new([]int), "[1 1]"},
		{dict(s("a"), starlark.Tuple{one}), new(map[string][]int), "map[a:[1]]"},
		{dict(s("a"), starlark.Tuple{one}), new(any), "map[a:[1]]"},
		{dict(one, one), new(any), "error: for a key: got int, want string"},
		{dict(s("name"), s("n"), s("points"), starlark.Tuple{dict(s("x"), one)}, s("for_"), startime.Duration(1), s("extra"), dict(s("k"), one)),
			new(shapes), "{n [{1 0}] <nil> 1ns map[k:1]}"},
		{dict(s("points"), starlark.Tuple{dict(s("x"), s("1"))}), new(shapes),
			`error: for key "points": at index 0: for key "x": got string, want int`},
		{list, new(any), "error: at index 0: at index 0: it holds itself"},
		{deep, new(any), "it is nested more than 100 deep"},
		{wide, new(any), "it is larger than"},
		{nil, new(any), "error: host: Unpack: there is no value"},
		{one, new(fmt.Stringer), "1"},
		{one, new(interface{ Missing() }), "error: got int, want interface"},
	} {
		err := host.Unpack(test.v, test.ptr)
		got := fmt.Sprint(reflect.ValueOf(test.ptr).Elem().Interface())
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.Contains(got, test.want) || err == nil && got != test.want {
			t.Errorf("%.60v as a %T: got %s, want %s", test.v, test.ptr, got, test.want)
		}
	}
}

// Unpack into what can hold no value is a mistake in the program.
func TestUnpackPanics(t *testing.T) {
	for _, test := range []struct {
		ptr  any
		want string
	}{
		{nil, "host: Unpack into a <nil>: want a pointer to a variable"},
		{1, "host: Unpack into a int: want a pointer to a variable"},
		{(*int)(nil), "host: Unpack into a *int: want a pointer to a variable"},
		{new(chan int), "host: Unpack into a *chan int: chan int has no counterpart in Starlark; "},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, test.want) {
					t.Errorf("%T: got panic %s, want %s", test.ptr, got, test.want)
				}
			}()
			host.Unpack(starlark.None, test.ptr)
		}()
	}
}

// Any value that a script can write becomes one of Go and back without a panic, and what comes back
// becomes the same again.
func FuzzConvert(f *testing.F) {
	for _, seed := range []string{
		`None`, `[1, "a", b"b", 1.5, True, (), {"a": [None]}]`, `{1: 2}`, `range(3)`, `1 << 70`, `-1 << 70`,
		`[[[[]]]]`, `"\xff".elems()`, `len`, `{"x": 1, "y": "2"}`, `[x for x in range(9)]`, `float("nan")`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		thread := new(starlark.Thread)
		thread.SetMaxExecutionSteps(10000)
		if len(expr) > 200 || strings.ContainsAny(expr, "*<") { // what is large, and no matter here
			return
		}
		v, err := starlark.EvalOptions(new(syntax.FileOptions), thread, "f", expr, nil)
		if err != nil {
			return
		}
		for _, ptr := range []any{new(point), new([]point), new(map[string]int), new(*string), new(uint8), new([]byte), new([]float32), new(big.Int), new(*big.Int)} {
			host.Unpack(v, ptr) // an error or not
		}
		var x, again any
		if err := host.Unpack(v, &x); err != nil {
			return
		}
		back, err := host.Value(x)
		if err != nil {
			t.Fatalf("%s: %#v is no value: %v", v, x, err)
		}
		if err := host.Unpack(back, &again); err != nil {
			t.Fatalf("%s: %v does not come back: %v", v, back, err)
		}
		if got, want := fmt.Sprintf("%#v", again), fmt.Sprintf("%#v", x); got != want && !strings.Contains(want, "0x") {
			t.Errorf("%s: got %s, want %s", v, got, want)
		}
	})
}
