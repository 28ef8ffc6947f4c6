package stats_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/stats"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func TestModule(t *testing.T) {
	hosttest.Module(t, stats.Module(), &host.Load{Grant: new(stats.Grant)}, nil)
}

// TestTrialModule tests the description of what @test has for the sake of the module.
func TestTrialModule(t *testing.T) {
	trial, err := new(stats.Grant).Trial("")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Module(t, &host.Module{Name: "test", Doc: "Tests.", Members: trial.Members}, nil, nil)
}

// eval returns an expression of a script that is granted the numbers of grant.
func eval(t *testing.T, grant any, expr string) string {
	t.Helper()
	values, err := stats.Module().Values(&host.Load{Grant: grant})
	if err != nil {
		t.Fatal(err)
	}
	v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "", expr, values)
	if err != nil {
		return "error: " + err.Error()
	}
	return v.String()
}

// TestNumbers verifies that scripts see the numbers, by another process as well.
func TestNumbers(t *testing.T) {
	server := &stats.Grant{Granted: true, Read: func() stats.Numbers {
		return stats.Numbers{Uptime: 2, Requests: stats.Requests{Ended: 1 << 60, InFlight: 1}}
	}}
	const expr = `[type(stats()), stats()["uptime"], stats()["requests"]]`
	const want = `["dict", 2.0, {"ended": 1152921504606846976, "failed": 0, "in_flight": 1}]`
	gone := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("gone") }
	silent := func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		ours.Close()
		return theirs, nil
	}
	for _, c := range []struct {
		name  string
		grant *stats.Grant
		want  string
	}{
		{"here", server, want},
		{"worker", &stats.Grant{Connect: server.Dial}, want},
		{"not granted", &stats.Grant{Connect: new(stats.Grant).Dial}, "error: stats: the server does not say them: the numbers of the server are not granted"},
		{"gone", &stats.Grant{Connect: gone}, "error: stats: the server does not say them: gone"},
		{"broken off", &stats.Grant{Connect: silent}, "error: stats: the server does not say them: what it says is not understood"},
	} {
		if got := eval(t, c.grant, expr); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if _, err := stats.Module().Values(&host.Load{Grant: "all"}); err == nil {
		t.Error("a string is taken for a grant")
	}
}

// TestTrial verifies that a test has the numbers that it says, and no others.
func TestTrial(t *testing.T) {
	trial, err := (&stats.Grant{Read: func() stats.Numbers { return stats.Numbers{Uptime: 7} }}).Trial("")
	if err != nil {
		t.Fatal(err)
	}
	test, err := (&host.Module{Name: "test", Doc: "Tests.", Members: trial.Members}).Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	say := func(expr string) error {
		_, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "", expr, test)
		return err
	}
	for _, step := range []struct{ say, wrong, want string }{
		{`server_stats({})`, "", `(0.0, 0, 0)`},
		{`server_stats({"uptime": 1.5, "requests": {"ended": 4}})`, "", `(1.5, 4, 0)`},
		{`server_stats({"requests": {"failed": 1}})`, "", `(1.5, 4, 1)`},
		{`server_stats({"requests": {"ended": -1}})`, "cannot unmarshal number -1", `(1.5, 4, 1)`},
		{`server_stats({"requests": lambda: 1})`, "function", `(1.5, 4, 1)`},
	} {
		err := say(step.say)
		if (err != nil) != (step.wrong != "") || err != nil && !strings.Contains(err.Error(), step.wrong) {
			t.Errorf("%s: %v, want %q", step.say, err, step.wrong)
		}
		const expr = `(lambda s: (s["uptime"], s["requests"]["ended"], s["requests"]["failed"]))(stats())`
		if got := eval(t, trial.Grant, expr); got != step.want {
			t.Errorf("after %s: got %s, want %s", step.say, got, step.want)
		}
	}
	if err := trial.Begin(); err != nil || eval(t, trial.Grant, `stats()["uptime"]`) != "0.0" {
		t.Errorf("the next test has the numbers of the one before (%v)", err)
	}
}
