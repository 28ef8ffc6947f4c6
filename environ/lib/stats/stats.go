// Package stats is the host module @stats: the numbers of the server that the program runs in, for pages that
// show how it does. [Module] describes it, and a [Grant] says where they come from.
//
// They are of all that the server serves, and not of the program alone: that is why they are granted. There are
// counts in them and no names: neither paths nor addresses, nor anything else that a client has sent.
package stats

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/larkspur-web/larkspur/runtime/host"
	hostjson "github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// Name is that of the module.
const Name = "stats"

// Numbers are what a server does now, and has done since it began. What only grows is a count of all that there
// were, so that the difference of two is what happened between them.
type Numbers struct {
	// Uptime is how long the server has served.
	Uptime      Seconds     `json:"uptime"`
	Requests    Requests    `json:"requests"`
	Connections Connections `json:"connections"`
	Calls       Calls       `json:"calls"`
	Resources   Resources   `json:"resources"`
	Memory      Memory      `json:"memory"`
}

// Seconds are written with three decimals, so that scripts have a float, whatever it is.
type Seconds float64

// MarshalJSON is [json.Marshaler]'s.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s), 'f', 3, 64), nil
}

// Requests are those that clients have sent, without what was promised to them.
type Requests struct {
	Ended    uint64 `json:"ended"`
	Failed   uint64 `json:"failed"` // of those, that got a status of 500 or more, or none
	InFlight int64  `json:"in_flight"`
}

// Connections are those of clients.
type Connections struct {
	Open  int    `json:"open"`
	Idle  int    `json:"idle"` // of those, that have no request
	Taken uint64 `json:"taken"`
}

// Calls are those of applications in the process of the server, not those in its workers.
type Calls struct {
	Slots   int `json:"slots"` // that may run at once
	Running int `json:"running"`
	Waiting int `json:"waiting"` // for something else than a slot
	Queued  int `json:"queued"`  // requests that wait for a slot, and calls that do to go on
}

// Resources are what was decided about those of pages, each counted for what became of it.
type Resources struct {
	Promised uint64 `json:"promised"`
	Hinted   uint64 `json:"hinted"`
	Linked   uint64 `json:"linked"`
	Skipped  uint64 `json:"skipped"`
}

// Memory is that of the process of the server, not of its workers, in bytes.
type Memory struct {
	Objects uint64 `json:"objects"` // that are in use, or not yet collected
	Mapped  uint64 `json:"mapped"`  // what the runtime of Go has from the system
}

// Module describes @stats, which needs a *[Grant].
func Module() *host.Module {
	return &host.Module{
		Name:  Name,
		Doc:   "The numbers of the server: requests, connections, calls, what was pushed, memory.",
		Grant: "the right to see the numbers of the server",
		Tests: []host.Member{new(trial).member()},
		Members: []host.Member{{
			Name: Name,
			Doc: "Returns what the server does now, and has done since it began, as dicts that cannot be changed: " +
				"uptime, in seconds; requests (ended, failed, in_flight); connections (open, idle, taken); calls " +
				"(slots, running, waiting, queued); resources of pages (promised, hinted, linked, skipped); memory " +
				"(objects, mapped), in bytes. What only grows counts since the server began: the difference of two is " +
				"what happened between them. The request that asks is one of those in flight. Those of " +
				"connections, calls and memory are at most a tenth of a second old. Calls and memory are of the " +
				"process of the server, without those of its workers.",
			Result: "a dict of dicts, and of uptime",
			Errors: []host.Failure{{When: "it is asked by a worker whose server is gone"}},
			Example: `sorted(stats().keys())  # ["calls", "connections", "memory", "requests", "resources", "uptime"]
stats()["requests"]["failed"]  # 0
stats()["memory"].update(mapped = 0)  # error: update: cannot insert into frozen hash table`,
			Fn: (*Grant).value,
		}},
		Open: func(l *host.Load) (any, error) {
			grant, ok := l.Grant.(*Grant)
			if !ok && l.Grant != nil {
				return nil, fmt.Errorf("stats: it is granted %T, not *stats.Grant", l.Grant)
			}
			if grant == nil {
				grant = new(Grant)
			}
			return grant, nil
		},
	}
}

// value is stats() of scripts.
func (g *Grant) value(t *starlark.Thread) (starlark.Value, error) {
	n, err := g.numbers(t)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	v, err := hostjson.Decode(string(text))
	if err != nil {
		return nil, err
	}
	v.Freeze()
	return v, nil
}
