package runtime

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/json"
	"go.starlark.net/lib/math"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// builtin are the host modules that every program may load.
var builtin = map[string]Module{
	"json":   json.Module,
	"math":   one("math", math.Module),
	"struct": one("struct", starlark.NewBuiltin("struct", starlarkstruct.Make)),
	"time":   one("time", clock()),
}

// one is the module that has a single value.
func one(name string, v starlark.Value) Module {
	return func(fs.FS) (starlark.StringDict, error) { return starlark.StringDict{name: v}, nil }
}

// hostNames are the host modules that a program of c may load, as it writes them.
func hostNames(c *Config) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(builtin)), maps.Keys(c.Modules))
	slices.Sort(names)
	names = slices.Compact(names)
	for i := range names {
		names[i] = "@" + names[i]
	}
	return names
}

// clock is the stock time module, and sleep.
func clock() *starlarkstruct.Module {
	members := maps.Clone(startime.Module.Members)
	members["sleep"] = starlark.NewBuiltin("time.sleep", sleep)
	return &starlarkstruct.Module{Name: "time", Members: members}
}

// sleep(d) waits for d, a duration or a number of seconds, or until the call is over.
func sleep(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var v starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "d", &v); err != nil {
		return nil, err
	}
	var d time.Duration
	switch v := v.(type) {
	case startime.Duration:
		d = time.Duration(v)
	case starlark.Int, starlark.Float:
		seconds, _ := starlark.AsFloat(v)
		// A number too large for a Duration (or NaN) would wrap around to no sleep at all.
		if !(seconds < time.Duration(1<<63-1).Seconds()) {
			return nil, fmt.Errorf("%s: %v seconds is too long", b.Name(), v)
		}
		d = time.Duration(seconds * float64(time.Second))
	default:
		return nil, fmt.Errorf("%s: got %s, want a duration or a number of seconds", b.Name(), v.Type())
	}
	if err := host.Sleep(t, d); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.None, nil
}
