package body

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxMerged is how many iterables are merged at most.
const maxMerged = 16

func mergeMember() host.Member {
	return host.Member{
		Name: "merge",
		Doc: "Gives the elements of several iterables as they come, so that one loop can wait for all of them: " +
			"for what is subscribed to and what is watched, for the messages of a WebSocket, and for ticks. Each is " +
			"given as a tuple of the name of its iterable and the element. Nothing is taken of one before the " +
			"loop asks for it, and none keeps another from its turn; one that is no stream of that kind is asked " +
			"when the others have nothing. It ends with the first of them that ends.",
		Params: []host.Param{{
			Name: "iterables", Doc: "two to 16, by whatever names", Type: "iterable", Pass: host.RestByName,
		}},
		Result: "an iterable of tuples",
		Errors: []host.Failure{{When: "there are too few or too many, or one is not iterable"}},
		Example: `list(merge(a = [1, 2, 3], b = ["x"]))  # [("a", 1), ("b", "x"), ("a", 2)]
list(merge(tick = ticks(0.001, count = 1), late = ticks(60)))  # [("tick", 0)]
merge(a = 1, b = [])  # error: a is int, not iterable`,
		Value: starlark.NewBuiltin("merge", merge),
	}
}

func merge(
	t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if n := len(kwargs); len(args) > 0 || n < 2 || n > maxMerged {
		return nil, fmt.Errorf("merge: write merge(news = ..., tick = ...): 2 to %d iterables, each by name", maxMerged)
	}
	var names []string
	var sources []starlark.Iterable
	for _, item := range kwargs {
		name, _ := starlark.AsString(item[0])
		v, ok := item[1].(starlark.Iterable)
		if !ok {
			return nil, fmt.Errorf("merge: %s is %s, not iterable", name, item[1].Type())
		}
		names, sources = append(names, name), append(sources, v)
	}
	return host.Merge("merge", t, names, sources), nil
}
