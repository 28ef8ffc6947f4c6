package stats

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	hostjson "github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// A trial has the numbers of a test: what that says, and zeros.
type trial struct {
	mu  sync.Mutex
	now Numbers
}

var _ host.Tester = (*Grant)(nil)

// Trial is [host.Tester]'s: no server runs, and its numbers are those that the test says.
func (g *Grant) Trial(string) (*host.Trial, error) {
	t := new(trial)
	return &host.Trial{
		Grant:   &Grant{Granted: true, trial: t},
		Members: []host.Member{t.member()},
		Begin:   func() error { return t.set(nil) },
	}, nil
}

func (t *trial) member() host.Member {
	return host.Member{
		Name: "server_stats",
		Doc: "Says what stats() of @stats returns from now on in this test. What is not said is as it was; where " +
			"nothing was said all is zero.",
		Params: []host.Param{{
			Name: "values", Type: "dict", Doc: "numbers as stats() has them: a dict of dicts, and of uptime",
		}},
		Result: "None",
		Errors: []host.Failure{{When: "stats() has no such number, or none like it"}},
		Example: `server_stats({"uptime": 60, "requests": {"ended": 1200, "in_flight": 3}})
server_stats({"requests": {"began": 1}})  # error: server_stats: json: unknown field "began"`,
		Fn: func(values starlark.IterableMapping) error { return t.set(values) },
	}
}

// set takes values over those that there are, nil for none at all.
func (t *trial) set(values starlark.IterableMapping) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if values == nil {
		t.now = Numbers{}
		return nil
	}
	text, err := hostjson.Encode(values)
	if err != nil {
		return err
	}
	next := t.now
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&next); err != nil {
		return err
	}
	t.now = next
	return nil
}

func (t *trial) read() Numbers {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}
