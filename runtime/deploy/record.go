package deploy

import (
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Record is what is known of an application. Its last deployment is the newest.
type Record struct {
	Serving     int          `json:"serving"` // the number; 0 if none does
	Waiting     int          `json:"waiting"` // the number of the one that waits or is tried; 0 if none is
	Deployments []Deployment `json:"deployments"`

	revision uint64 // 0 if there is none
}

// read reads a record, which anybody may have written who can write to the store.
func read(app string, e jetstream.KeyValueEntry) (*Record, error) {
	r := &Record{revision: e.Revision()}
	if e.Operation() != jetstream.KeyValuePut {
		return r, nil
	}
	if err := json.Unmarshal(e.Value(), r); err != nil {
		return nil, fmt.Errorf("deploy: read the deployments of %s: %w", app, err)
	}
	for _, n := range []int{r.Serving, r.Waiting} {
		if n != 0 && r.Find(n) == nil {
			return nil, fmt.Errorf("deploy: the record of %s speaks of deployment %d and has none", app, n)
		}
	}
	return r, nil
}

// Find returns a deployment; nil if there is none of the number.
func (r *Record) Find(number int) *Deployment {
	i := slices.IndexFunc(r.Deployments, func(d Deployment) bool { return d.Number == number })
	if i < 0 {
		return nil
	}
	return &r.Deployments[i]
}

// of is what the node of an id is to serve; nil if that is nothing.
func (r *Record) of(id string) *Deployment {
	if w := r.Find(r.Waiting); w != nil && w.State == Trying {
		if _, tries := w.Tries[id]; tries {
			return w
		}
	}
	return r.Find(r.Serving)
}

// uses reports whether what serves, or waits, has the tree.
func (r *Record) uses(digest string) bool {
	s, w := r.Find(r.Serving), r.Find(r.Waiting)
	return s != nil && s.Digest == digest || w != nil && w.Digest == digest
}

// add appends a deployment that waits, with its number and time, signed by the key unless that is nil.
// What waited is left. No more than keep are kept, and the one that serves.
func (r *Record) add(d Deployment, app string, key ed25519.PrivateKey, keep int) int {
	d.Number, d.Time = 1, time.Now().UTC().Truncate(time.Millisecond)
	for i := range r.Deployments {
		old := &r.Deployments[i]
		d.Number = max(d.Number, old.Number+1)
		// A number, or a time, that somebody else has invented does not count.
		if key != nil && !d.Time.After(old.Time) && old.signedBy(key.Public().(ed25519.PublicKey), app) {
			d.Time = old.Time.Add(time.Millisecond)
		}
	}
	if key != nil {
		d.Signature = ed25519.Sign(key, d.statement(app))
	}
	r.end(Left)
	d.State, r.Waiting = Waiting, d.Number
	r.Deployments = append(r.Deployments, d)
	for i := 0; len(r.Deployments) > keep && i < len(r.Deployments)-1; {
		if r.Deployments[i].Number == r.Serving {
			i++
			continue
		}
		r.Deployments = slices.Delete(r.Deployments, i, i+1)
	}
	return d.Number
}

// end has what waits, or is tried, do so no more.
func (r *Record) end(state string) *Deployment {
	w := r.Find(r.Waiting)
	if r.Waiting = 0; w != nil {
		w.State = state
	}
	return w
}

// abandon is end, because somebody has said so, and reports whether there was what waited, or was tried.
func (r *Record) abandon() bool {
	w := r.end(Left)
	if w != nil && w.Tries != nil {
		w.State = Back
	}
	return w != nil
}

// try has the deployment that waits be tried by some nodes.
func (r *Record) try(nodes map[string]string) {
	w := r.Find(r.Waiting)
	w.State, w.Tries, w.Since = Trying, nodes, time.Now().UTC().Truncate(time.Millisecond)
}

// serve has the deployment that waits, or is tried, be the one that serves.
func (r *Record) serve() {
	before := Replaced
	if r.Find(r.Waiting).Again != 0 {
		before = Back
	}
	if old := r.Find(r.Serving); old != nil {
		old.State = before
	}
	r.Serving = r.Waiting
	r.end(Serving)
}

// stop says why the deployment that waits, or is tried, is not going to serve.
func (r *Record) stop(node, why string, faults []Fault) {
	state := Stopped
	if r.Find(r.Waiting).State == Trying {
		state = Back
	}
	d := r.end(state)
	d.Node, d.Error, d.Faults = node, why, faults
}

// earlier is the deployment whose tree a rollback has serve: that of the number, or if it is 0 the last one
// that has served before the one that does.
func (r *Record) earlier(number int) (*Deployment, error) {
	serves := r.Find(r.Serving)
	if serves == nil {
		return nil, errors.New("nothing serves that could be rolled back")
	}
	for i := len(r.Deployments) - 1; i >= 0 && number == 0; i-- {
		if d := r.Deployments[i]; d.Number < cmp.Or(serves.Again, serves.Number) && d.State == Replaced {
			number = d.Number
		}
	}
	if number == 0 {
		return nil, errors.New("there is no earlier deployment that has served")
	}
	d := r.Find(number)
	switch {
	case d == nil:
		return nil, fmt.Errorf("there is no deployment %d, or it is no longer kept", number)
	case d == serves:
		return nil, fmt.Errorf("deployment %d serves already", number)
	case d.State != Replaced && d.State != Back:
		return nil, fmt.Errorf("deployment %d is %s, and has never served", number, d.State)
	}
	return d, nil
}
