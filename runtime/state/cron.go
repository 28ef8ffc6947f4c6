package state

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/robfig/cron/v3"
	"go.starlark.net/starlark"
)

// Cron describes @cron, which is granted a [*Grant].
func Cron() *host.Module {
	return &host.Module{
		Name: "cron",
		Doc: "Functions that are called again and again, at times: each time by one process, of all that serve " +
			"the program. A time that passed while none did is made up for once, when one begins.",
		Grant:   "what keeps state",
		Members: []host.Member{everyMember(), cronMember()},
		Types:   []*host.Type{scheduleType},
		Tests:   []host.Member{new(trial).dueMember()},
		Whole:   true,
		Scene: `def sweep():
    print("swept")`,
		Open: open("cron"),
	}
}

// The parameters that both functions have.
var (
	fnParam = host.Param{
		Name: "fn", Type: "callable",
		Doc: "is called without arguments, under the limits of a request, by the version that serves then. If " +
			"it fails that is logged, and it is called again when it is due again",
	}
	nameParam = host.Param{
		Name: "name", Default: starlark.String(""),
		Doc: "by which its times are kept, a-z, 0-9, _ and -, 64 at most; \"\" is that of fn",
	}
)

var scheduleErrors = []host.Failure{
	{When: "an argument is none, the name is taken, or this is not the top level of a script"},
}

func everyMember() host.Member {
	return host.Member{
		Name: "every",
		Doc: "Has a function be called every so often: first when that time has passed since it was first said. " +
			"It is called at the top level of a script.",
		Params: []host.Param{
			{Name: "period", Type: durationType, Doc: "seconds, or a text as \"10m\"; from a second to a year"},
			fnParam, nameParam,
		},
		Result: "cron.schedule",
		Errors: scheduleErrors,
		Example: `every("10m", sweep)  # <schedule sweep>
every("never", sweep)  # error: period is "never", which is no time`,
		Fn: func(l *library, period, fn starlark.Value, name string) (*schedule, error) {
			d, err := durationOf("period", period, time.Second, 366*24*time.Hour)
			if err == nil && d == 0 {
				err = failed(KindUsage, "period is %s: say how often", period)
			}
			if err != nil {
				return nil, err
			}
			return l.schedule(&schedule{times: steady(d)}, fn, name)
		},
	}
}

func cronMember() host.Member {
	return host.Member{
		Name: "cron",
		Doc: "Has a function be called at the times of a crontab(5): minute, hour, day of the month, month, day " +
			"of the week. It is called at the top level of a script.",
		Params: []host.Param{
			{
				Name: "expr", Type: "string",
				Doc: "as \"0 3 * * *\", at three; \"*/15 8-17 * * MON-FRI\", each quarter of an hour of work",
			},
			fnParam,
			{Name: "zone", Doc: "the time zone, as \"Europe/Berlin\"", Default: starlark.String("UTC")},
			nameParam,
		},
		Result: "cron.schedule",
		Errors: scheduleErrors,
		Example: `cron("0 3 * * *", sweep, zone = "Europe/Berlin", name = "nightly")  # <schedule nightly>
cron("0 3 * *", sweep)  # error: expected exactly 5 fields, found 4
cron("0 0 31 2 *", sweep)  # error: never comes`,
		Fn: func(l *library, expr string, fn starlark.Value, zone, name string) (*schedule, error) {
			at, err := crontab(expr, zone)
			if err != nil {
				return nil, err
			}
			return l.schedule(&schedule{times: at}, fn, name)
		},
	}
}

// Times are when a schedule is due.
type times interface {
	// next returns the first after the one that was last.
	next(last time.Time) time.Time
	// latest returns the last of those from due on that are not after now, which due is not.
	latest(due, now time.Time) time.Time
}

// A steady is due every so often.
type steady time.Duration

func (s steady) next(last time.Time) time.Time { return last.Add(time.Duration(s)) }

func (s steady) latest(due, now time.Time) time.Time {
	return due.Add(now.Sub(due).Truncate(time.Duration(s)))
}

// A tab is due as a crontab says.
type tab struct{ cron.Schedule }

func (s tab) next(last time.Time) time.Time { return s.Next(last) }

// latest returns now: what follows is due after that.
func (s tab) latest(_, now time.Time) time.Time { return now }

const maxExpr = 200

// crontab reads an expression.
func crontab(expr, zone string) (tab, error) {
	if len(expr) > maxExpr || strings.Contains(expr, "TZ=") {
		return tab{}, failed(KindUsage,
			"the expression is none: it has five fields, as \"0 3 * * *\", and zone has the zone")
	}
	in, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return tab{}, failed(KindUsage, "zone is %s, which is none: write \"Europe/Berlin\"",
			host.Show(starlark.String(zone)))
	}
	s, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(expr)
	if err != nil {
		return tab{}, failed(KindUsage, "the expression is none: %v", err)
	}
	if spec, ok := s.(*cron.SpecSchedule); ok {
		spec.Location = in
	}
	if s.Next(time.Now()).IsZero() {
		return tab{}, failed(KindUsage, "the time of the expression never comes")
	}
	return tab{s}, nil
}

// A schedule is a function and when it is called, for one generation of its program. It is immutable.
type schedule struct {
	host.Object
	lib   *library
	name  string
	id    string // of this generation in this process
	fn    starlark.Callable
	times times
}

var _ starlark.HasAttrs = (*schedule)(nil)

// schedule says that there is a schedule.
func (l *library) schedule(s *schedule, fn starlark.Value, name string) (_ *schedule, err error) {
	if s.fn, err = callable("fn", fn, 0); err != nil {
		return nil, err
	}
	if s.fn == nil {
		return nil, failed(KindUsage, "fn is None, not a function")
	}
	if name == "" {
		name = strings.Trim(strings.ToLower(s.fn.Name()), "_")
		if name == "lambda" {
			return nil, failed(KindUsage, "the function has no name: pass name")
		}
	}
	if err := checkName("schedule", name); err != nil {
		return nil, err
	}
	if err := l.top("a schedule"); err != nil {
		return nil, err
	}
	if !l.take(name) {
		return nil, failed(KindUsage, "two schedules have the name %s: pass name", name)
	}
	s.Object, s.lib, s.name, s.id = "cron.schedule", l, name, rand.Text()
	l.follow(s)
	return s, nil
}

func (s *schedule) String() string { return "<schedule " + s.name + ">" }

// Freeze freezes the function.
func (s *schedule) Freeze() { s.fn.Freeze() }

// AttrNames are those of the description.
func (s *schedule) AttrNames() []string { return scheduleType.AttrNames() }

// Attr returns the name.
func (s *schedule) Attr(name string) (starlark.Value, error) {
	if name == "name" {
		return starlark.String(s.name), nil
	}
	return nil, nil
}

var scheduleType = &host.Type{
	Name:    "cron.schedule",
	Doc:     "A function that is called at times.",
	Members: []host.Member{{Name: "name", Doc: "The name."}},
}
