// Package bombtest has bombs: scripts that would take all the memory or all the time there is. They
// are called in a process ([testing] of package runtime) and in a worker (server/worker), and the
// README has a table of what becomes of them.
package bombtest

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
)

// A Bomb is a program whose app, with whatever arguments, would take too much.
type Bomb struct {
	Kind string // the row of the table
	Name string

	body string
	bare bool // body is the whole file
}

// Limits are those that bombs are called with.
var Limits = runtime.Limits{Memory: 32 << 20, Time: time.Second}

// All returns all bombs, those of a kind beside one another.
func All() (all []Bomb) {
	for _, k := range kinds {
		for _, b := range k.bombs {
			all = append(all, Bomb{Kind: k.name, Name: b.name, body: b.body, bare: k.bare})
		}
	}
	return all
}

// Source is the file app.star. It loads @json and @re.
func (b Bomb) Source() string {
	if b.bare {
		return b.body
	}
	return "load('@json', 'json')\nload('@re', 're')\n" + Source(b.body)
}

// Bare reports whether the file itself is the bomb: it does not load.
func (b Bomb) Bare() bool { return b.bare }

// Source is a program whose app has that body.
func Source(body string) string {
	return `load("@struct", "struct")
def tuples():
    t = (1,)
    for _ in range(60):
        t = (t, t)
    return t
def lists():
    x = [1]
    for _ in range(60):
        x = [x, x]
    return x
def wide():
    x = [1]
    for _ in range(8):
        x = [x] * 1000
    return x
def spin():
    while True: pass
def app(*args):
    ` + strings.ReplaceAll(body, "\n", "\n    ") + "\n"
}

// An Outcome is how a bomb ended.
type Outcome string

const (
	Refused Outcome = "refused" // a step was not taken, or the file not loaded
	Ended   Outcome = "ended"   // the call, at one of its limits
	Killed  Outcome = "killed"  // the process
)

// A Result is what became of a bomb.
type Result struct {
	Outcome Outcome // "" if nothing stopped it
	Text    string  // what was said
	Took    time.Duration
	CPU     time.Duration
	Peak    int64 // bytes that the process had at once, over what it had at rest
}

// refused are errors that say why a step was not taken, or a file not compiled.
var refused = regexp.MustCompile("(larger|longer|deeper|more) than|too (large|deep|long)|nesting|cycle")

// OutcomeOf is what an error says, or a record of it in a log; "" if it is none of a bomb.
func OutcomeOf(text string) Outcome {
	switch {
	case strings.Contains(text, "stopped at the"):
		return Ended
	case refused.MatchString(text):
		return Refused
	}
	return ""
}

// Beyond is how long it went on when its time was over.
func (r Result) Beyond() time.Duration { return max(r.Took-Limits.Time, 0) }

// Peak is how many bytes of memory a process has had at once: "self", or its number. It is 0 if that
// is not known.
func Peak(process string) int64 {
	text, _ := os.ReadFile("/proc/" + process + "/status")
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	n, _ := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
	return n << 10
}
