// Package time is the host module @time: the stock time module of go.starlark.net, and sleep.
package time

import (
	"fmt"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// Module describes @time.
func Module() *host.Module {
	return &host.Module{
		Name:  "time",
		Doc:   "Times, durations and waiting.",
		Types: []*host.Type{timeType, durationType},
		Members: []host.Member{{
			Name:    "time",
			Doc:     "The functions and the units of the module.",
			Members: append(append([]host.Member{sleepMember()}, stock()...), units()...),
		}},
	}
}

func sleepMember() host.Member {
	return host.Member{
		Name: "sleep",
		Doc:  "Waits, or ends with the call if that is over before.",
		Params: []host.Param{{
			Name: "d", Doc: "how long, a number being seconds", Type: "duration, int or float",
		}},
		Result:  "None",
		Errors:  []host.Failure{{When: "d is neither, or longer than a duration can be"}},
		Example: "time.sleep(0.001)\ntime.sleep(2 * time.millisecond)",
		Fn:      sleep,
	}
}

// stock describes the functions of go.starlark.net.
func stock() []host.Member {
	text := func(name, doc string) host.Param {
		return host.Param{Name: name, Doc: doc, Type: "string"}
	}
	utc := text("location", "the zone where nothing else names one")
	utc.Default = starlark.String("UTC")
	zone := utc
	zone.Pass = host.ByName
	format := text("format", "how it is written, as in Go")
	format.Default = starlark.String(time.RFC3339)

	all := []host.Member{
		{
			Name: "now", Doc: "Returns the time, in the zone of the machine.", Result: "a time",
			Example: `type(time.now())  # "time.time"`,
		},
		{
			Name: "from_timestamp", Doc: "Returns the time of a number of seconds since 1970.",
			Params: []host.Param{
				number("sec", "the seconds", nil, host.ByPosition),
				number("nsec", "nanoseconds more", starlark.MakeInt(0), host.ByPosition),
			},
			Result:  "a time, in the zone of the machine",
			Example: "time.from_timestamp(86400).unix  # 86400",
		},
		{
			Name: "parse_time", Doc: "Reads a time.", Result: "a time",
			Params:  []host.Param{text("x", "the text"), format, utc},
			Errors:  []host.Failure{{When: "it is not written so, or there is no such zone"}},
			Example: `time.parse_time("2024-02-29T12:00:00Z").year  # 2024`,
		},
		{
			Name: "parse_duration", Doc: "Reads a duration.", Result: "a duration",
			Params: []host.Param{{
				Name: "d", Doc: "as in 1h30m or 250ms", Type: "string or duration",
				Pass: host.ByPosition,
			}},
			Errors:  []host.Failure{{When: "it is none"}},
			Example: `time.parse_duration("1h30m").minutes  # 90.0`,
		},
		{
			Name: "is_valid_timezone", Doc: "Reports whether there is a zone of that name.",
			Params: []host.Param{{
				Name: "loc", Doc: "as in Europe/Lisbon", Type: "string", Pass: host.ByPosition,
			}},
			Result: "a bool", Example: `time.is_valid_timezone("Mars/Base")  # False`,
		},
		{
			Name: "time", Doc: "Makes a time of its parts.", Result: "a time",
			Params:  append(parts(), zone),
			Errors:  []host.Failure{{When: "there is no such zone"}},
			Example: `time.time(year = 2024, month = 2, day = 29).month  # 2`,
		},
	}
	for i := range all {
		all[i].Value = startime.Module.Members[all[i].Name]
	}
	return all
}

func number(name, doc string, value starlark.Value, pass host.Passing) host.Param {
	return host.Param{Name: name, Doc: doc, Type: "int", Default: value, Pass: pass}
}

// parts are the parameters of time.time but the zone, in their order.
func parts() []host.Param {
	var params []host.Param
	for _, name := range []string{
		"year", "month", "day", "hour", "minute", "second", "nanosecond",
	} {
		params = append(params, number(name, "a number", starlark.MakeInt(0), host.ByName))
	}
	return params
}

func units() []host.Member {
	var all []host.Member
	for _, name := range []string{
		"nanosecond", "microsecond", "millisecond", "second", "minute", "hour",
	} {
		doc := "The duration of one " + name + "."
		all = append(all, host.Member{Name: name, Doc: doc, Value: startime.Module.Members[name]})
	}
	return all
}

// sleep waits for d, a duration or a number of seconds, or until the call is over.
func sleep(t *starlark.Thread, d starlark.Value) error {
	switch d := d.(type) {
	case startime.Duration:
		return host.Sleep(t, time.Duration(d))
	case starlark.Int, starlark.Float:
		seconds, _ := starlark.AsFloat(d)
		// A number too large for a Duration (or NaN) would wrap around to no sleep at all.
		if !(seconds < time.Duration(1<<63-1).Seconds()) {
			return fmt.Errorf("%v seconds is too long", d)
		}
		return host.Sleep(t, time.Duration(seconds*float64(time.Second)))
	}
	return fmt.Errorf("got %s, want a duration or a number of seconds", d.Type())
}
