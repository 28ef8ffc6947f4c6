package site

import (
	"strconv"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
)

// A Limit is a row of the table of limits.
type Limit struct {
	What    string // that is limited
	Default string // as a person writes it
	Field   string // that sets it, in Go; "" if it is one of http.Server's
	Flag    string // of larkspur serve that sets it; "" if none does
	Beyond  string // what happens
}

// Limits returns the table of the limits that hold where nothing else is said, made of the
// constants that the packages enforce. README.md and SPEC.md are generated from it.
func Limits() []Limit {
	l := runtime.Limits{}.WithDefaults()
	const stopped = "504, and the line that was running in the log"
	return []Limit{
		{"time of a call, to its first block and from each block to the next, while it does not " +
			"wait; all clean-up of a request has it once more",
			seconds(l.Time), "runtime.Limits.Time", "--timeout", stopped},
		{"time in which a response that has begun sends nothing, while its application waits",
			minutes(server.DefaultIdleTimeout), "server.Gateway.IdleTimeout", "--idle-timeout", "the response is broken off"},
		{"steps of all calls for a request, what is promised with it included; " +
			"all its clean-up has them once more",
			number(int64(l.Steps)), "runtime.Limits.Steps", "--max-steps", stopped},
		{"memory of the values of a call, and what one step of it may make",
			size(l.Memory), "runtime.Limits.Memory", "--memory", stopped},
		{"nested calls", number(int64(l.Depth)), "runtime.Limits.Depth", "", stopped},
		{"a file of script", size(int64(l.Source)), "runtime.Limits.Source", "", "it does not load"},
		{"request body", size(environ.DefaultMaxBody), "server.Front.MaxBody", "--max-body", "413"},
		{"request header", size(server.DefaultMaxHeaderBytes), "", "",
			"431; 414 for a target of HTTP/1"},
		{"fields of a header", number(h2.DefaultMaxHeaderFields), "h2.Server.MaxHeaderFields", "",
			"431"},
		{"scripts that run at once; as many requests wait, for " + seconds(server.DefaultWait),
			number(server.DefaultCalls), "server.Slots.Calls", "--calls", "503 with `Retry-After`"},
		{"calls that have begun and wait, for the client or in a sleep, at about 20 KiB; one more for each 64 KiB of " +
			"a block that no other call has in hand", number(server.DefaultWaiting),
			"server.Slots.Waiting", "--waiting", "of the client address that has the most, the " +
				"one that has waited longest ends: 503, or the response is broken off"},
		{"connections, of all listeners and protocols together", number(server.DefaultMaxConns),
			"server.Group.MaxConns", "--max-conns", "the one that has been idle longest is closed; if all " +
				"are at work, the new one"},
		{"a client that sends its header slowly", seconds(server.DefaultReadHeaderTimeout), "", "",
			"the connection is closed"},
		{"a client that sends its body slowly, if the call does not end before", seconds(server.DefaultReadTimeout),
			"", "", "408, or the connection is closed"},
		{"a client that takes a block of the response slowly", seconds(server.DefaultWriteTimeout),
			"server.Gateway.WriteTimeout", "", "the response is broken off"},
	}
}

func minutes(d time.Duration) string { return strconv.Itoa(int(d/time.Minute)) + " minutes" }

func seconds(d time.Duration) string {
	if d == time.Second {
		return "a second"
	}
	return strconv.Itoa(int(d/time.Second)) + " s"
}

func size(n int64) string {
	s := display.Size(n)
	return s.String()
}

// number writes digits in groups of three.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
