// Package time is the host module @time: the stock time module of go.starlark.net,
// and sleep.
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
		Name: "time",
		Doc:  "Times, durations and waiting.",
		Members: []host.Member{{
			Name:    "time",
			Doc:     "The functions and the units of the module.",
			Members: append(functions(), units()...),
		}},
	}
}

func functions() []host.Member {
	return []host.Member{
		{
			Name: "sleep",
			Doc:  "Waits, or ends with the call if that is over before.",
			Params: []host.Param{
				{Name: "d", Doc: "how long, a number being seconds", Type: "duration, int or float"},
			},
			Result:  "None",
			Errors:  []host.Failure{{When: "d is neither, or longer than a duration can be"}},
			Example: "time.sleep(0.001)\ntime.sleep(2 * time.millisecond)",
			Fn:      sleep,
		},
		stock("now", "Returns the time, in the zone of the machine.", "a time", `type(time.now())  # "time.time"`),
		stock("from_timestamp", "Returns the time of a number of seconds since 1970.", "a time, in the zone of the machine",
			"time.from_timestamp(86400).unix  # 86400",
			host.Param{Name: "sec", Doc: "the seconds", Type: "int", Pass: host.ByPosition},
			host.Param{Name: "nsec", Doc: "nanoseconds more", Type: "int", Default: starlark.MakeInt(0), Pass: host.ByPosition}),
		stock("parse_time", "Reads a time.", "a time",
			`time.parse_time("2024-02-29T12:00:00Z").year  # 2024`,
			host.Param{Name: "x", Doc: "the text", Type: "string"},
			host.Param{Name: "format", Doc: "how it is written, as in Go", Type: "string", Default: starlark.String(time.RFC3339)},
			host.Param{Name: "location", Doc: "the zone where the text names none", Type: "string", Default: starlark.String("UTC")}),
		stock("parse_duration", "Reads a duration.", "a duration",
			`time.parse_duration("1h30m").minutes  # 90.0`,
			host.Param{Name: "d", Doc: "as in 1h30m or 250ms", Type: "string or duration", Pass: host.ByPosition}),
		stock("is_valid_timezone", "Reports whether there is a zone of that name.", "a bool",
			`time.is_valid_timezone("Mars/Base")  # False`,
			host.Param{Name: "loc", Doc: "the name, as in Europe/Lisbon", Type: "string", Pass: host.ByPosition}),
		stock("time", "Makes a time of its parts.", "a time",
			`time.time(year = 2024, month = 2, day = 29).format("2006-01-02")  # "2024-02-29"`,
			parts()...),
	}
}

// parts are the parameters of time.time, in their order.
func parts() []host.Param {
	var params []host.Param
	for _, name := range []string{"year", "month", "day", "hour", "minute", "second", "nanosecond"} {
		params = append(params, host.Param{Name: name, Doc: "a number", Type: "int", Default: starlark.MakeInt(0), Pass: host.ByName})
	}
	location := host.Param{Name: "location", Doc: "the zone", Type: "string", Default: starlark.String("UTC"), Pass: host.ByName}
	return append(params, location)
}

// stock describes a function of go.starlark.net.
func stock(name, doc, result, example string, params ...host.Param) host.Member {
	return host.Member{
		Name: name, Doc: doc, Params: params, Result: result, Example: example,
		Value: startime.Module.Members[name],
	}
}

func units() []host.Member {
	var all []host.Member
	for _, name := range []string{"nanosecond", "microsecond", "millisecond", "second", "minute", "hour"} {
		all = append(all, host.Member{Name: name, Doc: "The duration of one " + name + ".", Value: startime.Module.Members[name]})
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
		// A number too large for a Duration (or NaN) would wrap around to no sleep
		// at all.
		if !(seconds < time.Duration(1<<63-1).Seconds()) {
			return fmt.Errorf("%v seconds is too long", d)
		}
		return host.Sleep(t, time.Duration(seconds*float64(time.Second)))
	}
	return fmt.Errorf("got %s, want a duration or a number of seconds", d.Type())
}
