// Package deploy has applications run on many nodes from a tree that is kept once: a directory or a
// .zip is put into an object store of NATS JetStream, and the processes that serve it take it up
// together, without a request that fails.
//
// # The model
//
// A [Tree] is all files of an application, in memory, and its digest: what has the same files is the
// same tree. [Pack] makes one of any fs.FS, [Unpack] of an archive, [Zip] follows a file. It is an
// fs.FS, so a program is loaded from it as from a directory.
//
// A [Store] keeps, for each application by its name, trees and one record: which of the last
// deployments there are, and which one serves. The record is written by compare-and-set, and after
// the tree that it names: an upload that breaks off changes nothing.
//
// A [Node] is a process that serves an application. It tells the others, by a lease, how far it is.
// There is nobody who leads: whoever sees that something is to be done does so, by compare-and-set.
//
//  1. [Store.Deploy] has the record say that a deployment waits.
//  2. Each node loads it beside what serves, and says so.
//  3. The node that sees that all whose lease runs have loaded it says in the record that it serves;
//     one that cannot load it says that it is stopped, with its own name and the place of the fault.
//  4. Each node publishes what it has loaded, between two requests.
//
// A node that is killed holds a deployment up until its lease has ended. One that comes later loads
// what serves. [Store.Rollback] has the record say at once that an earlier deployment serves: it has
// been loaded before.
//
// # Trust
//
// Who can write to the store can have anything run. With [Node.Trust] a tree is loaded only if it was
// signed for the application by one of some keys; that it is the latest one is not signed.
package deploy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// The states of a [Deployment].
const (
	Waiting  = "waiting"     // until all nodes have loaded it
	Serving  = "serving"     // it is what requests get
	Replaced = "replaced"    // it has served
	Stopped  = "stopped"     // a node could not load it
	Left     = "left"        // another one came before it served
	Back     = "rolled back" // it has served, and an earlier one was preferred
)

// A Deployment is one version of an application.
type Deployment struct {
	Number    int       `json:"number"` // the first is 1
	Digest    string    `json:"digest"` // of its tree, in hexadecimal
	Files     int       `json:"files"`
	Size      int64     `json:"size"` // bytes of all files
	Time      time.Time `json:"time"`
	Signature []byte    `json:"signature,omitempty"`
	State     string    `json:"state"`
	// Node could not load it, if it is stopped, because of Error, whose first line begins with the file
	// and the line at fault.
	Node  string `json:"node,omitempty"`
	Error string `json:"error,omitempty"`
}

// A Record is what is known of an application. Its last deployment is the newest.
type Record struct {
	Serving     int          `json:"serving"` // the number; 0 if none does
	Waiting     int          `json:"waiting"` // the number; 0 if none does
	Deployments []Deployment `json:"deployments"`

	revision uint64 // 0 if there is none
}

// kept is how many deployments a record has at most.
const kept = 20

// Find returns a deployment; nil if there is none of the number.
func (r *Record) Find(number int) *Deployment {
	i := slices.IndexFunc(r.Deployments, func(d Deployment) bool { return d.Number == number })
	if i < 0 {
		return nil
	}
	return &r.Deployments[i]
}

// add appends a deployment that waits, and returns those that are no longer kept.
func (r *Record) add(d Deployment) (number int, dropped []Deployment) {
	d.Number = 1
	if n := len(r.Deployments); n > 0 {
		d.Number = r.Deployments[n-1].Number + 1
	}
	if w := r.Find(r.Waiting); w != nil {
		w.State = Left
	}
	d.State, r.Waiting = Waiting, d.Number
	r.Deployments = append(r.Deployments, d)
	for len(r.Deployments) > kept {
		i := 0
		if r.Deployments[i].Number == r.Serving {
			i++
		}
		dropped = append(dropped, r.Deployments[i])
		r.Deployments = slices.Delete(r.Deployments, i, i+1)
	}
	return d.Number, dropped
}

// serve has the deployment that waits be the one that serves.
func (r *Record) serve() {
	if old := r.Find(r.Serving); old != nil {
		old.State = Replaced
	}
	r.Serving, r.Waiting = r.Waiting, 0
	r.Find(r.Serving).State = Serving
}

// stop says why the deployment that waits is not going to serve.
func (r *Record) stop(node, why string) {
	d := r.Find(r.Waiting)
	d.State, d.Node, d.Error = Stopped, node, why
	r.Waiting = 0
}

// back has an earlier deployment serve: number, or if that is 0 the last one that has served before the one
// that does.
func (r *Record) back(number int) error {
	for i := len(r.Deployments) - 1; i >= 0 && number == 0; i-- {
		if d := r.Deployments[i]; d.Number < r.Serving && d.State == Replaced {
			number = d.Number
		}
	}
	if number == 0 {
		return errors.New("there is no earlier deployment that has served")
	}
	d := r.Find(number)
	switch {
	case d == nil:
		return fmt.Errorf("there is no deployment %d, or it is no longer kept", number)
	case d.State == Serving:
		return fmt.Errorf("deployment %d serves already", number)
	case d.State != Replaced && d.State != Back:
		return fmt.Errorf("deployment %d is %s, and has never served", number, d.State)
	}
	if w := r.Find(r.Waiting); w != nil {
		w.State, r.Waiting = Left, 0
	}
	r.Find(r.Serving).State = Back
	r.Serving, d.State = number, Serving
	return nil
}

// CheckName returns an error if no application can have the name.
func CheckName(app string) error {
	if app != "" && len(app) <= 64 && !slices.ContainsFunc([]byte(app), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-'
	}) {
		return nil
	}
	return fmt.Errorf("deploy: %q is no name of an application: it has a-z, 0-9, _ and - only, 64 at most", host.Cut(app))
}
