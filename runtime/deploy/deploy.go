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
// A [Store] keeps, for each application by its name, trees and one [Record]: which of the last
// deployments there are, and which one serves. The record is written by compare-and-set, and after
// the tree that it names: an upload that breaks off changes nothing, and is deleted an hour later by
// the next one.
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
// what serves, and then what waits.
//
// With a [Canary] the third step has the record say which nodes try the deployment, and only they
// publish it. Each of them counts what becomes of its requests ([Node.Answered]). One of which too
// many fail says in the record that the deployment is taken back, with its name and the faults; when
// one ends, another node says so. All that were well for long enough have it serve everywhere.
//
// [Store.Rollback] is a new deployment of an earlier tree, which serves once one node has loaded it: it has
// served before. Of a deployment that waits, or is tried, it is the end.
//
// # Trust
//
// Who can write to the store can have anything run. With [Node.Trust] a tree is loaded only if one of
// some keys has signed it for the application, with its number and time. What is older than what a
// node has served is refused by it, for a rollback is signed as any deployment is. So who can write to
// the store, and has no key, cannot have a node run what it never ran, nor put it back. He can withhold
// what is new, and have a signed deployment serve without a trial; and he can have a node begin with an
// old one that has nothing to compare it with, as one does that lost its [Node.Memory].
package deploy

import (
	"fmt"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// The states of a [Deployment].
const (
	Waiting  = "waiting"     // until all nodes have loaded it
	Trying   = "canary"      // some nodes serve it, and are watched
	Serving  = "serving"     // it is what requests get
	Replaced = "replaced"    // it has served
	Stopped  = "stopped"     // a node could not load it
	Left     = "left"        // another one came before it served everywhere
	Back     = "rolled back" // it has served, on some nodes at least, and an earlier one was preferred
)

// A Deployment is one version of an application.
type Deployment struct {
	Number int    `json:"number"` // the first is 1
	Digest string `json:"digest"` // of its tree, in hexadecimal
	Files  int    `json:"files"`
	Size   int64  `json:"size"` // bytes of all files
	// Time is when it was deployed, by the clock of who did so; if it is signed it is later than all
	// that the same key has signed.
	Time time.Time `json:"time"`
	// Again is the deployment whose tree it has, if it is a rollback; else 0.
	Again     int    `json:"again,omitempty"`
	Signature []byte `json:"signature,omitempty"`
	State     string `json:"state"`
	// Canary is how it is tried first. The zero value has all nodes serve it together.
	Canary Canary `json:"canary,omitzero"`
	// Tries are the names of the nodes that try it, or did, by what tells nodes apart, and Since is when
	// they began, by the clock of one of them.
	Tries map[string]string `json:"tries,omitempty"`
	Since time.Time         `json:"since,omitzero"`
	// Node could not load it, if it is stopped, because of Error, whose first line begins with the file
	// and the line at fault. If it is rolled back from a trial, Error is why, and Faults are those of
	// the requests of Node. A user who did so is no node.
	Node   string  `json:"node,omitempty"`
	Error  string  `json:"error,omitempty"`
	Faults []Fault `json:"faults,omitempty"`
}

// Ended reports whether it neither serves nor is going to.
func (d *Deployment) Ended() bool {
	return d.State != Waiting && d.State != Trying && d.State != Serving
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
