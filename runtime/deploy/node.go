package deploy

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
)

// A Node is this process, as one of those that serve an application. Its fields must not be changed
// once it is in use.
type Node struct {
	// App is its name. Required.
	App string
	// Name is what others know the node by. Empty means the name of the host and the number of the process.
	Name string
	// Entry is FILE.star or FILE.star:CALLABLE, for messages. Empty means app.star.
	Entry string
	// Trust are the keys one of which has to have signed what is loaded. None means that anything is.
	Trust []ed25519.PublicKey
	// Memory is a file in which a node that trusts keys remembers when what it has served was deployed,
	// so that it does not begin with what is older. Empty means that it remembers that until it ends.
	Memory string

	store  *Store
	id     string
	wake   chan struct{}         // has it act: something may have to be done
	tally  atomic.Pointer[tally] // nil if it tries nothing
	mu     sync.Mutex
	status Status

	// What follows is for one goroutine.
	live   *runtime.Live
	logger *slog.Logger
	staged *runtime.Staged  // of status.Loaded; nil if none waits
	trees  map[string]*Tree // of what serves and what waits, by their digests
	failed time.Time        // when status.Failed did
	floor  floor
}

// failTime is when a node tries again to load what is to serve, and does so elsewhere.
const failTime = 5 * Lease

// First returns the tree that serves now, for the program to be loaded first, from where the grant keeps
// what there is. The node ends before that.
func (n *Node) First(ctx context.Context, g *state.Grant) (tree fs.FS, err error) {
	if n.store, err = Open(ctx, g); err != nil {
		return nil, err
	}
	n.floor.file = n.Memory
	if err := n.floor.read(); err != nil {
		return nil, err
	}
	r, err := n.store.get(ctx, n.App)
	if err != nil {
		return nil, err
	}
	d := r.Find(r.Serving)
	if d == nil {
		return nil, fmt.Errorf("deploy: nothing was deployed as %s", n.App)
	}
	n.trees = make(map[string]*Tree)
	t, err := n.load(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("deployment %d of %s: %w", d.Number, n.App, err)
	}
	if n.Name == "" {
		name, _ := os.Hostname() // the number tells nodes of a host apart
		n.Name = fmt.Sprintf("%s/%d", name, os.Getpid())
	}
	n.id, n.wake = rand.Text(), make(chan struct{}, 1)
	n.status = Status{Node: n.Name, Serving: d.Number}
	return t, nil
}

// Store returns where the node's deployments are kept, once First has returned.
func (n *Node) Store() *Store { return n.store }

// load reads the tree of a deployment that may be loaded.
func (n *Node) load(ctx context.Context, d *Deployment) (*Tree, error) {
	if err := n.admit(d); err != nil {
		return nil, err
	}
	if t := n.trees[d.Digest]; t != nil {
		return t, nil
	}
	t, err := n.store.tree(ctx, n.App, d)
	if err == nil {
		n.trees[d.Digest] = t
	}
	return t, err
}

// admit returns an error if the deployment must not be loaded here.
func (n *Node) admit(d *Deployment) error {
	if err := verify(n.Trust, n.App, d); err != nil || len(n.Trust) == 0 {
		return err
	}
	return n.floor.admit(d)
}

// Follow takes part in deployments until ctx ends, with the program that was loaded from First. While the
// store cannot be reached the program serves on.
func (n *Node) Follow(ctx context.Context, live *runtime.Live, logger *slog.Logger) {
	if logger == nil {
		logger = slog.Default()
	}
	n.live, n.logger = live, logger.With(slog.String("application", n.App))
	var leasing sync.WaitGroup
	leases, cancel := context.WithCancel(ctx)
	leasing.Go(func() { n.lease(leases) })
	defer func() {
		cancel()
		leasing.Wait()
		n.leave()
		n.drop()
	}()
	for away := false; ; {
		began := time.Now()
		err := n.store.follow(ctx, n.App, n.wake, func(v *view) error {
			if _, heard := v.nodes[n.id]; !heard {
				if time.Since(v.began) > Lease {
					return errors.New("deploy: what this node says does not come back")
				}
				return nil // what others say may be old, too
			}
			if away {
				n.logger.Info("deployments are followed again")
				away = false
			}
			n.act(ctx, v)
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		if !away && err != errEnded { // else the connection has been told of
			n.logger.Warn("deployments cannot be followed now, what serves goes on", slog.Any("error", err))
			away = true
		}
		_ = host.Pause(ctx, time.Second-time.Since(began))
	}
}

// act does what is to be done.
func (n *Node) act(ctx context.Context, v *view) {
	r, now := v.record, n.now()
	w := r.Find(r.Waiting)
	if w != nil && now.Loaded != w.Number && now.Failed != w.Number && now.Serving != w.Number {
		n.stage(ctx, w)
		now = n.now()
	}
	switch {
	case w == nil:
		if now.Loaded != 0 && now.Loaded != r.Serving { // it was stopped
			n.drop()
		}
	case now.Failed == w.Number:
		n.change(ctx, w, func(r *Record) { r.stop(n.Name, now.Error, nil) })
	case w.State == Trying:
		n.judge(ctx, v, w)
	case v.ready(w) && (w.Canary == Canary{} || v.settled(r.Serving)):
		n.change(ctx, w, func(r *Record) {
			if w.Canary == (Canary{}) {
				r.serve()
			} else if tries := w.Canary.choose(v.nodes, r.Serving); len(tries) > 0 {
				r.try(tries)
			} else {
				r.stop(n.Name, fmt.Sprintf("no node serves deployment %d, to go back to", r.Serving), nil)
			}
		})
	}
	d := r.of(n.id)
	if d != nil && d.Number != now.Serving && (d.Number != now.Failed || time.Since(n.failed) > failTime) {
		n.publish(ctx, d)
	}
	if serving := r.Find(r.Serving); serving != nil && n.now().Serving == r.Serving {
		n.tally.Store(nil)
		n.remember(serving)
	}
	for digest := range n.trees {
		if !r.uses(digest) {
			delete(n.trees, digest)
		}
	}
}

// stage loads a deployment beside what serves, and says what came of it.
func (n *Node) stage(ctx context.Context, d *Deployment) {
	n.drop()
	began := time.Now()
	t, err := n.load(ctx, d)
	if ctx.Err() != nil {
		return
	}
	if errors.Is(err, errAway) {
		n.logger.Warn("a deployment cannot be read now, and is tried again", slog.Any("error", err))
		return
	}
	if err == nil {
		n.staged, err = n.live.Stage(t)
	}
	log := n.logger.With(slog.Int("deployment", d.Number))
	n.mu.Lock()
	if err != nil {
		n.failed, n.status.Failed, n.status.Error = time.Now(), d.Number, n.explain(err)
		log.Error("a deployment does not load here, what serves goes on", slog.String("error", n.status.Error))
	} else {
		n.status.Loaded, n.status.Failed, n.status.Error = d.Number, 0, ""
		log.Info("a deployment has loaded", slog.Duration("time", time.Since(began)))
	}
	n.mu.Unlock()
	n.say(ctx)
}

// drop lets go of what was staged, which is not to serve.
func (n *Node) drop() {
	n.staged.Drop()
	n.staged = nil
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status.Loaded = 0
}

// explain is what is wrong, with its place.
func (n *Node) explain(err error) string {
	entry := n.Entry
	if entry == "" {
		entry = "app.star"
	}
	first := runtime.Diagnose(entry, err)[0]
	return host.Cut(first.String())
}

// errOver says that what was to be done is done, or is no longer to be.
var errOver = errors.New("it does not wait any more")

// change changes the record, if the deployment is still as it was.
func (n *Node) change(ctx context.Context, w *Deployment, change func(*Record)) {
	number, state := w.Number, w.State
	_, err := n.store.change(ctx, n.App, func(r *Record) error {
		if r.Waiting != number || r.Find(number).State != state {
			return errOver
		}
		change(r)
		return nil
	})
	if err != nil && err != errOver && ctx.Err() == nil {
		n.logger.Warn("a deployment could not go on, and is tried again", slog.Any("error", err))
	}
}

// publish has requests get a deployment.
func (n *Node) publish(ctx context.Context, d *Deployment) {
	for range 2 { // the program may have been loaded again meanwhile
		if n.now().Loaded != d.Number {
			n.stage(ctx, d)
		}
		if n.staged == nil {
			return
		}
		if d.State == Trying {
			n.try(d)
		} else {
			n.tally.Store(nil)
		}
		err := n.staged.Publish()
		n.staged = nil
		n.mu.Lock()
		n.status.Loaded = 0
		if err == nil {
			n.status.Serving = d.Number
		}
		n.mu.Unlock()
		if err == nil {
			n.logger.Info("a deployment serves", slog.Int("deployment", d.Number), slog.String("state", d.State),
				slog.Uint64("generation", n.live.Generation()))
			break
		}
	}
	n.say(ctx)
}

func (n *Node) now() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

func (n *Node) key() string { return n.App + "." + n.id }

// say tells the others how far this node is.
func (n *Node) say(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock() // what is said last is what is
	n.status.Requests, n.status.Errors, _ = n.tally.Load().counts()
	data, err := json.Marshal(n.status)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, Lease/3)
	defer cancel()
	_, err = n.store.nodes.Put(ctx, n.key(), data)
	if err != nil {
		n.logger.Debug("this node is not heard", slog.Any("error", err)) // it says so again
	}
}

// lease says it again and again.
func (n *Node) lease(ctx context.Context) {
	for {
		n.say(ctx)
		if host.Pause(ctx, Lease/3) != nil {
			return
		}
	}
}

// leave has nobody wait for this node.
func (n *Node) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = n.store.nodes.Delete(ctx, n.key()) // else its lease ends
}
