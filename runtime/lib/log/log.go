// Package log is the host module @log: records for the log of the program, with their level and
// what goes with them. [Module] describes it.
package log

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/runtime/host"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

const (
	maxFields = 32
	maxName   = 64 // bytes of the name of a field
)

// reserved are the fields that the module adds itself, and those of the handlers.
var reserved = map[string]bool{
	"file": true, "line": true, "request": true, "time": true, "level": true, "msg": true,
	"source": true,
}

// Module describes @log.
func Module() *host.Module {
	return &host.Module{
		Name: "log",
		Doc:  "Records for the log of the server.",
		Members: []host.Member{
			member("debug", "Logs what helps to find a fault. larkspur dev shows it; "+
				"a server leaves it out unless it is told to log that much."),
			member("error", "Logs what somebody has to look at."),
			member("info", "Logs what is good to know, as print does."),
			member("warning", "Logs what may become a fault."),
		},
		Whole: true,
		Open: func(l *host.Load) (any, error) {
			return starlark.StringDict{
				"debug": logs("debug", slog.LevelDebug, l), "error": logs("error", slog.LevelError, l),
				"info": logs("info", slog.LevelInfo, l), "warning": logs("warning", slog.LevelWarn, l),
			}, nil
		},
	}
}

func member(name, doc string) host.Member {
	return host.Member{
		Name: name,
		Doc: doc + " The record has the fields, the place of the call and the id of the request, " +
			"as others about the request have.",
		Params: []host.Param{
			{
				Name: "message", Type: "any", Pass: host.ByPosition,
				Doc: "what is said, up to 4 KiB; of what is no string its repr",
			},
			{
				Name: "fields", Type: "any", Pass: host.RestByName,
				Doc: "up to 32 things that go with it, each up to 4 KiB, by any names but file, line, " +
					"request, time, level, msg and source",
			},
		},
		Result: "None",
		Errors: []host.Failure{{
			When: "there are more than 32 fields, or one has a name that it cannot have",
		}},
		Example: name + `("paid", order = 7, total = 12.5)  # None`,
	}
}

// logs returns the function of a level. A description cannot make it, because it takes any names.
func logs(name string, level slog.Level, l *host.Load) *starlark.Builtin {
	return starlark.NewBuiltin(name, func(
		t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
	) (starlark.Value, error) {
		if len(args) != 1 {
			return nil, fmt.Errorf("%s: got %d arguments, want 1: the message, and fields by name, "+
				"as in %s(\"paid\", order = 7)", name, len(args), name)
		}
		logger := l.Logger
		if logger == nil {
			logger = slog.Default()
		}
		// The call may be over: what was done until then is logged all the same.
		ctx := context.WithoutCancel(host.CallOf(t).Context())
		fields, err := fieldsOf(kwargs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if !logger.Enabled(ctx, level) {
			return starlark.None, nil
		}
		if id := host.RequestID(t); id != "" {
			fields = append(fields, slog.String("request", id))
		}
		if pos := host.Position(t.CallStack()); pos.Line > 0 {
			fields = append(fields, slog.String("file", pos.Filename()), slog.Int("line", int(pos.Line)))
		}
		logger.LogAttrs(ctx, level, text(args[0]), fields...)
		return starlark.None, nil
	})
}

// fieldsOf returns what goes with a message.
func fieldsOf(kwargs []starlark.Tuple) ([]slog.Attr, error) {
	if len(kwargs) > maxFields {
		return nil, fmt.Errorf("there are %d fields: at most %d", len(kwargs), maxFields)
	}
	fields := make([]slog.Attr, 0, len(kwargs)+3)
	for _, kv := range kwargs {
		name := string(kv[0].(starlark.String))
		switch {
		case reserved[name]:
			return nil, fmt.Errorf("the field %s has a name that every record has: take another", name)
		case !named(name):
			return nil, fmt.Errorf("%.100q is no name of a field: take up to %d letters, digits, _, "+
				". and -", name, maxName)
		}
		fields = append(fields, slog.Attr{Key: name, Value: value(kv[1])})
	}
	return fields, nil
}

// named reports whether a field may have the name: it stands in the log as it is.
func named(name string) bool {
	for _, r := range name {
		if r != '_' && r != '-' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return name != "" && len(name) <= maxName && utf8.ValidString(name)
}

// value is one of a field: a number stays one, so that it can be searched for.
func value(v starlark.Value) slog.Value {
	switch v := v.(type) {
	case starlark.Bool:
		return slog.BoolValue(bool(v))
	case starlark.Int:
		if i, ok := v.Int64(); ok {
			return slog.Int64Value(i)
		}
	case starlark.Float:
		if f := float64(v); !math.IsInf(f, 0) && !math.IsNaN(f) { // JSON has no others
			return slog.Float64Value(f)
		}
	case startime.Duration:
		return slog.DurationValue(time.Duration(v))
	case startime.Time:
		return slog.TimeValue(time.Time(v))
	}
	return slog.StringValue(text(v))
}

// text is what the log says of a value, as the server writes what others wrote: nothing in it
// steers a terminal.
func text(v starlark.Value) string {
	if s, ok := starlark.AsString(v); ok {
		return display.Escape(host.Cut(s))
	}
	return display.Escape(host.Show(v))
}
