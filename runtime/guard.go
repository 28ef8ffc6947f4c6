package runtime

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// maxRange bounds the length of a range. A loop over more would meet the step limit; an
	// operator or a method that takes the range whole ([] + list, extend, *args) never ends.
	maxRange = 1 << 24
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
	{writable, []string{"print", "repr", "str"}},
}

// predeclare returns what every file sees: ours, and extra.
func predeclare(extra starlark.StringDict) starlark.StringDict {
	all := starlark.StringDict{
		"catch":   starlark.NewBuiltin("catch", catch),
		"getattr": starlark.NewBuiltin("getattr", attribute),
		"fail":    starlark.NewBuiltin("fail", fail),
		"range":   starlark.NewBuiltin("range", shortRange),
		"type":    starlark.NewBuiltin("type", typeOf),

		measured: gauge(measure),
		factor:   gauge(multiply),
		haystack: proxy{of: searched},
		owner:    proxy{of: received},
	}
	for _, row := range guarded {
		for _, name := range row.names {
			all[name] = guard(name, row.check)
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

// guard returns the stock builtin, which is asked only if each of its arguments passes check.
func guard(name string, check func(starlark.Value) error) starlark.Value {
	stock := starlark.Universe[name].(*starlark.Builtin)
	return starlark.NewBuiltin(name, func(
		t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		for _, v := range args {
			if err := check(v); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
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

// writable returns an error if v is too large to be written at once.
func writable(v starlark.Value) error { return host.Measure(v, host.MaxSize) }

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
func shortRange(
	t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	v, err := starlark.Universe["range"].(*starlark.Builtin).CallInternal(t, args, kwargs)
	if err == nil && starlark.Len(v) > maxRange {
		return nil, fmt.Errorf(
			"range of %d elements is longer than %d: use while", starlark.Len(v), maxRange,
		)
	}
	return v, err
}
