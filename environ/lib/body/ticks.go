package body

import (
	"fmt"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func newTicks(t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var seconds starlark.Value
	var limit starlark.Value = starlark.None
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "seconds", &seconds, "count?", &limit); err != nil {
		return nil, err
	}
	s, ok := starlark.AsFloat(seconds)
	if !ok || !(s >= 0 && s <= 1e6) {
		return nil, fmt.Errorf("ticks: seconds is %s, not a number from 0 to 1,000,000", seconds)
	}
	count := -1
	if limit != starlark.None {
		var err error
		if count, err = starlark.AsInt32(limit); err != nil || count < 0 {
			return nil, fmt.Errorf("ticks: count is %s, not a number from 0 on", limit)
		}
	}
	pause := time.Duration(s * float64(time.Second))
	b := &host.Iterable{Object: "ticks", Thread: t, Start: func() host.Steps {
		n := 0
		return host.Steps{Next: func() (starlark.Value, bool, error) {
			if n == count {
				return nil, false, nil
			}
			if err := host.Sleep(t, pause); err != nil {
				return nil, false, err
			}
			n++
			return starlark.MakeInt(n - 1), true, nil
		}}
	}}
	return b.Sized(count), nil
}
