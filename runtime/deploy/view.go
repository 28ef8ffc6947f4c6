package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Status is how far a node is.
type Status struct {
	Node    string `json:"node"`
	Loaded  int    `json:"loaded"`          // the deployment that it could serve; 0 if none waits
	Serving int    `json:"serving"`         // the one that it serves
	Failed  int    `json:"failed"`          // the last one that it could not load; 0 if there is none
	Error   string `json:"error,omitempty"` // why not

	// Of a node that tries a deployment: how many requests this has answered, how many of those have
	// failed, and which deployment was well for as long as it was to be.
	Requests int64 `json:"requests,omitempty"`
	Errors   int64 `json:"errors,omitempty"`
	Well     int   `json:"well,omitempty"`
}

// Lease is how long a node counts that says nothing.
const Lease = 6 * time.Second

// A view is what is known of an application, as it changes. It is for one goroutine.
type view struct {
	record *Record           // nil until it is known
	nodes  map[string]Status // those whose lease runs, by their ids
	gone   map[string]Status // those whose lease has ended since
	listed bool              // nodes has all that there were at the beginning
	began  time.Time
	heard  map[string]time.Time // when each of nodes was
}

// list returns the nodes, by their names.
func (v *view) list() []Status {
	return slices.SortedFunc(maps.Values(v.nodes), func(a, b Status) int { return strings.Compare(a.Node, b.Node) })
}

// ready reports whether all nodes have loaded a deployment; one is enough for what has served before.
func (v *view) ready(d *Deployment) bool {
	some, all := false, true
	for _, s := range v.nodes {
		loaded := s.Loaded == d.Number || s.Serving == d.Number
		some, all = some || loaded, all && loaded
	}
	return all || some && d.Again != 0
}

// settled reports whether no node is on its way to what serves: from one that it tried, say.
func (v *view) settled(serving int) bool {
	for _, s := range v.nodes {
		if s.Serving != serving && s.Failed != serving {
			return false
		}
	}
	return true
}

// lost returns the first of some nodes, names by ids, that has ended; "" if none has. One that was not heard of
// at all gets the time of a lease to say something.
func (v *view) lost(nodes map[string]string) string {
	for _, id := range slices.Sorted(maps.Keys(nodes)) {
		_, here := v.nodes[id]
		if _, gone := v.gone[id]; !here && (gone || time.Since(v.began) > Lease) {
			return nodes[id]
		}
	}
	return ""
}

// hear notes what a node says.
func (v *view) hear(e jetstream.KeyValueEntry) {
	_, id, _ := strings.Cut(e.Key(), ".")
	var s Status
	if e.Operation() != jetstream.KeyValuePut || json.Unmarshal(e.Value(), &s) != nil {
		v.forget(id)
		return
	}
	v.nodes[id], v.heard[id] = s, time.Now()
	delete(v.gone, id)
}

// expire forgets nodes whose lease has ended.
func (v *view) expire() {
	for id, at := range v.heard {
		if time.Since(at) > Lease {
			v.forget(id)
		}
	}
}

func (v *view) forget(id string) {
	if s, here := v.nodes[id]; here {
		v.gone[id] = s
	}
	delete(v.nodes, id)
	delete(v.heard, id)
}

// errSeen is for whoever has seen what there was to be seen.
var errSeen = errors.New("it was seen")

// follow calls act with what is known of an application, once all that there was is known, whenever it
// changes or something comes from wake, and now and then, until act returns an error, which it returns, or
// ctx ends, or the connection does.
func (s *Store) follow(ctx context.Context, app string, wake <-chan struct{}, act func(*view) error) error {
	if err := CheckName(app); err != nil {
		return err
	}
	again := s.js.Conn().StatusChanged(nats.CONNECTED)
	defer s.js.Conn().RemoveStatusListener(again)
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	late := time.AfterFunc(Lease/2, cancel) // what is asked for is lost with the connection
	records, err := s.records.Watch(within, app)
	if err != nil {
		return unfollowed(ctx, app, err)
	}
	defer records.Stop()
	nodes, err := s.nodes.Watch(within, app+".*")
	if err != nil {
		return unfollowed(ctx, app, err)
	}
	defer nodes.Stop()
	late.Stop()
	tick := time.NewTicker(Lease / 3)
	defer tick.Stop()
	v := &view{nodes: make(map[string]Status), gone: make(map[string]Status), heard: make(map[string]time.Time),
		began: time.Now()}
	for {
		select {
		case <-within.Done():
			return unfollowed(ctx, app, within.Err())
		case e, open := <-records.Updates():
			switch {
			case !open:
				return errEnded
			case e != nil:
				if v.record, err = read(app, e); err != nil {
					return err
				}
			case v.record == nil: // all that was there has come
				v.record = new(Record)
			}
		case e, open := <-nodes.Updates():
			switch {
			case !open:
				return errEnded
			case e != nil:
				v.hear(e)
			default:
				v.listed = true
			}
		case <-again: // the server has forgotten what it was to tell, and is asked for all anew
			return errEnded
		case <-tick.C:
			v.expire()
		case <-wake:
		}
		if v.record != nil && v.listed {
			if err := act(v); err != nil {
				return err
			}
		}
	}
}

// unfollowed is why an application cannot be followed.
func unfollowed(ctx context.Context, app string, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.Canceled):
		return errEnded
	}
	return fmt.Errorf("deploy: follow %s: %w", app, err)
}

// errEnded is of what may be followed again at once.
var errEnded = errors.New("deploy: the connection has ended")

// Look returns what is known of an application, an empty record if nothing is, and the nodes that serve
// it, by their names.
func (s *Store) Look(ctx context.Context, app string) (r *Record, nodes []Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	err = s.follow(ctx, app, nil, func(v *view) error {
		r, nodes = v.record, v.list()
		return errSeen
	})
	if err != errSeen {
		return nil, nil, err
	}
	return r, nodes, nil
}

// An Outcome is what has become of a deployment.
type Outcome struct {
	Deployment
	Nodes []Status // those that serve the application, by their names
	Gone  []string // nodes that have ended meanwhile
}

// Wait waits until a deployment waits no more, nor is tried, and all nodes have done what follows from that:
// they serve it, or have said why they cannot, or serve it no more. With tried it also returns once it is tried
// by all nodes that are to do so. Where no node runs, nobody is waited for. If ctx ends there is an outcome, too,
// that of now, if anything was seen.
func (s *Store) Wait(ctx context.Context, app string, number int, tried bool) (o *Outcome, err error) {
	for err = errEnded; err == errEnded; {
		err = s.follow(ctx, app, nil, func(v *view) error { return wait(v, number, tried, &o) })
	}
	if err == errSeen {
		err = nil
	}
	return o, err
}

// wait is Wait for what is known now.
func wait(v *view, number int, tried bool, o **Outcome) error {
	d := v.record.Find(number)
	if d == nil {
		return fmt.Errorf("deploy: deployment %d is no longer kept", number)
	}
	now := &Outcome{Deployment: *d, Nodes: v.list()}
	for _, n := range v.gone {
		now.Gone = append(now.Gone, n.Node)
	}
	slices.Sort(now.Gone)
	*o = now
	if d.State == Waiting || d.State == Trying && !tried {
		return nil
	}
	late := func(id string, n Status) bool {
		_, tries := d.Tries[id]
		if d.State == Serving || d.State == Trying && tries {
			return n.Serving != number && n.Failed != number
		}
		return d.Ended() && n.Serving == number
	}
	for id, n := range v.nodes {
		if late(id, n) {
			return nil
		}
	}
	return errSeen
}
