package runtime

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// maxRange bounds the length of a range. A loop over more would meet the step limit; an
	// operator or a method that takes the range whole ([] + list, extend, *args) never ends. For
	// calls that may have little memory it is what a list of that may have.
	maxRange = 1 << 24
	minRange = 1 << 20
	// maxDigits bounds int(string), whose cost is quadratic: ten million digits take minutes.
	// Python's own bound.
	maxDigits = 4300
)

// guarded are the builtins that do their work in one step, by what their arguments have to pass.
var guarded = []struct {
	check func(starlark.Value) error
	names []string
}{
	{digits, []string{"int"}},
	{host.CheckElements,
		[]string{"all", "any", "bytes", "enumerate", "list", "reversed", "tuple", "zip"}},
	{comparable, []string{"dict", "set"}},
}

// predeclare returns what every file sees: ours, and extra.
func predeclare(extra starlark.StringDict, limits Limits) starlark.StringDict {
	r := room(limits.Memory)
	all := starlark.StringDict{
		"catch":   starlark.NewBuiltin("catch", catch),
		"getattr": starlark.NewBuiltin("getattr", r.getattr),
		"fail":    starlark.NewBuiltin("fail", fail),
		"range":   starlark.NewBuiltin("range", r.shortRange),
		"type":    starlark.NewBuiltin("type", typeOf),
	}
	for name, g := range gauges(r) {
		all[name] = g
	}
	for _, name := range []string{"print", "repr", "str"} {
		all[name] = guard(name, r.written, r)
	}
	for _, row := range guarded {
		for _, name := range row.names {
			all[name] = guard(name, row.check, r)
		}
	}
	for _, name := range []string{"max", "min", "sorted"} {
		all[name] = sorter(name)
	}
	for name, v := range extra {
		v.Freeze()
		all[name] = v
	}
	return all
}

// made is how many bytes builtins make of each element. For zip that is one of each argument.
var made = map[string]uint64{
	"dict": uint64(entrySize), "enumerate": 3*element + 2*uint64(boxSize), "list": element,
	"reversed": element, "set": uint64(entrySize), "tuple": element, "zip": element,
}

// fitsAll returns an error if the builtin would make too much of its arguments.
func (r room) fitsAll(name string, args starlark.Tuple) error {
	switch {
	case made[name] > 0 && len(args) > 0:
		n := uint64(max(starlark.Len(args[0]), 0))
		return r.fits("result", n*uint64(len(args)), made[name])
	case name == "repr" && len(args) > 0:
		if s, ok := args[0].(starlark.String); ok {
			return r.fits("result", uint64(len(s)), 4)
		}
	}
	return nil
}

// guard returns the stock builtin, which is asked only if each of its arguments passes check, and
// there is room for what it makes.
func guard(name string, check func(starlark.Value) error, r room) starlark.Value {
	stock := starlark.Universe[name].(*starlark.Builtin)
	return starlark.NewBuiltin(name, func(
		t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		for _, v := range args {
			if err := check(v); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		if err := r.fitsAll(name, args); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return stock.CallInternal(t, args, kwargs)
	})
}

// comparable returns an error if v has elements too many to work through, or too large to hash or
// to compare.
func comparable(v starlark.Value) error {
	if err := host.CheckElements(v); err != nil {
		return err
	}
	return host.Measure(v, host.MaxSize)
}

func digits(v starlark.Value) error {
	if s, ok := v.(starlark.String); ok && len(s) > maxDigits {
		return fmt.Errorf("string of %d bytes is longer than %d", len(s), maxDigits)
	}
	return nil
}

// typeOf is the stock type, but for a value of the host that stands for one of the language.
func typeOf(
	t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if len(args) == 1 && len(kwargs) == 0 {
		if v, ok := args[0].(host.StandIn); ok {
			return starlark.String(v.StandsFor()), nil
		}
	}
	return starlark.Universe["type"].(*starlark.Builtin).CallInternal(t, args, kwargs)
}

// shortRange is the stock range, for ranges that a loop can get to the end of.
func (r room) shortRange(
	t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	v, err := starlark.Universe["range"].(*starlark.Builtin).CallInternal(t, args, kwargs)
	most := max(int(min(uint64(r)/element, maxRange)), minRange)
	if err == nil && starlark.Len(v) > most {
		return nil, fmt.Errorf(
			"range of %d elements is longer than %d: use while", starlark.Len(v), most,
		)
	}
	return v, err
}
