package time

import "github.com/larkspur-web/larkspur/runtime/host"

// timeType describes the times of go.starlark.net, which make their attributes themselves.
var timeType = &host.Type{
	Name: "time.time",
	Doc: "A time, to the nanosecond, and the zone that it is shown in. Two are compared by < and ==, " +
		"whatever their zones are; t - u is a duration, and t + d, t - d are times. A template shows one " +
		"as {{.t.format \"2006-01-02\"}}.",
	Members: append(attributes(
		"year", "of the date", "month", "1 to 12", "day", "of the month", "hour", "0 to 23", "minute", "",
		"second", "", "nanosecond", "", "unix", "seconds since 1970", "unix_nano", "nanoseconds since 1970",
	), host.Member{
		Name: "format", Doc: "Writes it as a text.",
		Params: []host.Param{{
			Name: "layout", Type: "string", Pass: host.ByPosition,
			Doc: "how, as in Go: as it writes Monday, January 2, 15:04:05 of 2006, at -07:00 or MST",
		}},
		Result: "a string",
		Example: `t = time.parse_time("2026-11-27T09:05:00Z")
t.format("2006-01-02")  # "2026-11-27"
t.format("2 January 2006, 15:04")  # "27 November 2026, 09:05"`,
	}, host.Member{
		Name: "in_location", Doc: "Returns the same time, shown in another zone.",
		Params: []host.Param{{
			Name: "zone", Type: "string", Doc: "as in Europe/Lisbon, UTC or Local", Pass: host.ByPosition,
		}},
		Result:  "a time",
		Errors:  []host.Failure{{When: "there is no such zone"}},
		Example: `time.parse_time("2026-11-27T09:05:00+02:00").in_location("UTC").hour  # 7`,
	}),
}

// durationType describes the durations of go.starlark.net.
var durationType = &host.Type{
	Name: "time.duration",
	Doc: "A duration, in nanoseconds: 90 * time.minute, or the difference of two times. Durations are " +
		"added, compared, multiplied by an int, and divided by a number or by one another; str(d) is as 1h30m0s.",
	Members: attributes(
		"hours", "a float", "minutes", "a float", "seconds", "a float", "milliseconds", "an int",
		"microseconds", "an int", "nanoseconds", "an int",
	),
}

// attributes describes some, by pairs of a name and what more is to be said.
func attributes(pairs ...string) []host.Member {
	var all []host.Member
	for i := 0; i < len(pairs); i += 2 {
		doc := "The " + pairs[i]
		if pairs[i+1] != "" {
			doc += ": " + pairs[i+1]
		}
		all = append(all, host.Member{Name: pairs[i], Doc: doc + "."})
	}
	return all
}
