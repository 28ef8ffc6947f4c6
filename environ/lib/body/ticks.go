package body

import (
	"fmt"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func ticksMember() host.Member {
	return host.Member{
		Name: "ticks",
		Doc:  "Gives 0, 1, 2 and so on, with a pause before each: the clock of a stream.",
		Params: []host.Param{
			{Name: "seconds", Doc: "the pause, from 0 to 1,000,000", Type: "float or int"},
			{
				Name:    "count",
				Doc:     "how many there are, None for no end",
				Type:    "int or None",
				Default: starlark.None,
			},
		},
		Result:  "an iterable",
		Errors:  []host.Failure{{When: "seconds or count is no such number"}},
		Example: `list(ticks(0.001, count = 3))  # [0, 1, 2]`,
		Fn:      newTicks,
	}
}

func newTicks(a host.Args) (starlark.Value, error) {
	var seconds, limit starlark.Value
	if err := a.Unpack(&seconds, &limit); err != nil {
		return nil, err
	}
	s, ok := starlark.AsFloat(seconds)
	if !ok || !(s >= 0 && s <= 1e6) {
		return nil, fmt.Errorf("seconds is %s, not a number from 0 to 1,000,000", seconds)
	}
	count := -1
	if limit != starlark.None {
		var err error
		if count, err = starlark.AsInt32(limit); err != nil || count < 0 {
			return nil, fmt.Errorf("count is %s, not a number from 0 on", limit)
		}
	}
	pause := time.Duration(s * float64(time.Second))
	b := &host.Iterable{Object: "ticks", Thread: a.Thread}
	b.Start = func() host.Steps {
		var next chan struct{} // closed when the pause is over; nil before it begins
		var timer *time.Timer
		n := 0
		return host.Steps{
			Poll: func() (starlark.Value, bool, <-chan struct{}, error) {
				if n == count {
					return nil, false, nil, nil
				}
				if next == nil {
					over := make(chan struct{})
					next, timer = over, time.AfterFunc(pause, func() { close(over) })
				}
				select {
				case <-next:
					next = nil
					n++
					return starlark.MakeInt(n - 1), true, nil, nil
				default:
					return nil, false, next, nil
				}
			},
			Done: func() {
				if timer != nil {
					timer.Stop()
				}
			},
		}
	}
	return b.Sized(count), nil
}
