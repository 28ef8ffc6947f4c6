package runtime

import (
	"fmt"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// sorter returns sorted, min or max. What they compare is bounded, and the keys are made here: a
// key function that is a builtin runs no step of the interpreter, in which a limit would end it.
func sorter(name string) starlark.Value {
	stock := starlark.Universe[name].(*starlark.Builtin)
	return starlark.NewBuiltin(name, func(
		t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		if name == "sorted" && len(args) == 2 {
			args, kwargs = args[:1], append(kwargs, starlark.Tuple{keyName, args[1]})
		}
		for _, v := range args {
			if err := comparable(v); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		if i := slices.IndexFunc(kwargs, isKey); i >= 0 {
			var err error
			if args, kwargs[i], err = keyed(t, args, kwargs[i]); err != nil {
				return nil, err
			}
		}
		return stock.CallInternal(t, args, kwargs)
	})
}

const keyName = starlark.String("key")

func isKey(kv starlark.Tuple) bool { return kv[0] == keyName }

// keyed calls the key function for each of the values that are sorted. It returns them, and a key
// function that gives one result after the other. What cannot be sorted is returned as it is.
func keyed(
	t *starlark.Thread, args starlark.Tuple, key starlark.Tuple,
) (starlark.Tuple, starlark.Tuple, error) {
	fn, ok := key[1].(starlark.Callable)
	var values starlark.Iterable = args
	if len(args) == 1 {
		values, _ = args[0].(starlark.Iterable)
	}
	if !ok || values == nil {
		return args, key, nil
	}
	c := callOf(t)
	var list []starlark.Value
	var keys starlark.Tuple
	if c != nil {
		w := c.weight.last()
		w.aside = append(w.aside, &list, (*[]starlark.Value)(&keys))
		defer func() { w.aside = w.aside[:len(w.aside)-2] }()
	}
	for v := range starlark.Elements(values) {
		if c != nil && c.over() {
			return nil, nil, c.failure
		}
		k, err := starlark.Call(t, fn, starlark.Tuple{v}, nil)
		if err != nil {
			return nil, nil, err
		}
		list, keys = append(list, v), append(keys, k)
	}
	if err := host.Measure(keys, host.MaxSize); err != nil {
		return nil, nil, fmt.Errorf("the keys: %w", err)
	}
	next := func(
		*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple,
	) (starlark.Value, error) {
		k := keys[0]
		keys = keys[1:]
		return k, nil
	}
	return starlark.Tuple{starlark.NewList(list)},
		starlark.Tuple{keyName, starlark.NewBuiltin(fn.Name(), next)}, nil
}
