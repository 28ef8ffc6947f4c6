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
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
	"github.com/nats-io/nats.go/jetstream"
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

	store  *Store
	id     string
	mu     sync.Mutex
	status Status

	// What follows is for one goroutine.
	live   *runtime.Live
	logger *slog.Logger
	staged *runtime.Staged // of status.Loaded; nil if none waits
	seen   map[string]seen // other nodes, and this one, by their keys
}

// seen is when a node was last heard of.
type seen struct {
	Status
	at time.Time
}

// First returns the tree that serves now, for the program to be loaded first, from where the grant keeps
// what there is. The node ends before that.
func (n *Node) First(ctx context.Context, g *state.Grant) (tree fs.FS, err error) {
	if n.store, err = Open(ctx, g); err != nil {
		return nil, err
	}
	r, err := n.store.Record(ctx, n.App)
	if err != nil {
		return nil, err
	}
	d := r.Find(r.Serving)
	if d == nil {
		return nil, fmt.Errorf("deploy: nothing was deployed as %s", n.App)
	}
	t, err := n.load(ctx, d)
	if err != nil {
		return nil, err
	}
	if n.Name == "" {
		name, _ := os.Hostname() // the number tells nodes of a host apart
		n.Name = fmt.Sprintf("%s/%d", name, os.Getpid())
	}
	n.id = rand.Text()
	n.status = Status{Node: n.Name, Serving: d.Number}
	return t, nil
}

// load reads the tree of a deployment that may be loaded.
func (n *Node) load(ctx context.Context, d *Deployment) (*Tree, error) {
	if err := verify(n.Trust, n.App, d); err != nil {
		return nil, err
	}
	return n.store.tree(ctx, n.App, d)
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
		n.staged.Drop()
	}()
	for ctx.Err() == nil {
		n.seen = make(map[string]seen)
		if err := n.watch(ctx); err != nil && ctx.Err() == nil {
			n.logger.Warn("deployments cannot be followed now", slog.Any("error", err))
			pause(ctx, time.Second)
		}
	}
}

// watch follows the record and the other nodes until ctx ends, or it may have become deaf.
func (n *Node) watch(ctx context.Context) error {
	records, err := n.store.records.Watch(ctx, n.App)
	if err != nil {
		return err
	}
	defer records.Stop()
	nodes, err := n.store.nodes.Watch(ctx, n.App+".*")
	if err != nil {
		return err
	}
	defer nodes.Stop()
	n.say(ctx)
	tick := time.NewTicker(Lease / 3)
	defer tick.Stop()
	var r *Record
	for began := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-records.Updates():
			if !ok {
				return errors.New("the connection has ended")
			}
			if e == nil {
				continue // all that was there has come
			}
			if r, err = read(n.App, e); err != nil {
				return err
			}
		case e, ok := <-nodes.Updates():
			if !ok {
				return errors.New("the connection has ended")
			}
			if e != nil {
				n.hear(e)
			}
		case <-tick.C:
			if n.expire(); time.Since(began) > Lease && n.seen[n.key()].Node == "" {
				return errors.New("what this node says does not come back")
			}
		}
		if r != nil {
			n.act(ctx, r)
		}
	}
}

// hear notes what a node says.
func (n *Node) hear(e jetstream.KeyValueEntry) {
	if e.Operation() != jetstream.KeyValuePut {
		delete(n.seen, e.Key())
		return
	}
	s := seen{at: time.Now()}
	if json.Unmarshal(e.Value(), &s.Status) == nil {
		n.seen[e.Key()] = s
	}
}

// expire forgets nodes whose lease has ended.
func (n *Node) expire() {
	for key, s := range n.seen {
		if time.Since(s.at) > Lease {
			delete(n.seen, key)
		}
	}
}

// act does what is to be done.
func (n *Node) act(ctx context.Context, r *Record) {
	now := n.now()
	if w := r.Find(r.Waiting); w != nil && now.Loaded != w.Number && now.Failed != w.Number {
		n.stage(ctx, w)
		now = n.now()
	}
	if w := r.Find(r.Waiting); w != nil && now.Failed == w.Number {
		n.stop(ctx, w.Number, now.Error)
	} else if w != nil && n.all(w.Number) {
		n.serve(ctx, w.Number)
	}
	if r.Waiting == 0 && now.Loaded != 0 && now.Loaded != r.Serving { // it was stopped
		n.drop()
	}
	if r.Serving != now.Serving && r.Serving != 0 && now.Failed != r.Serving {
		n.publish(ctx, r)
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
	n.mu.Lock()
	n.status.Loaded, n.status.Failed, n.status.Error = d.Number, 0, ""
	if err != nil {
		n.status.Loaded, n.status.Failed, n.status.Error = 0, d.Number, n.explain(err)
	}
	n.mu.Unlock()
	log := n.logger.With(slog.Int("deployment", d.Number))
	if err != nil {
		log.Error("a deployment does not load here, what serves goes on", slog.String("error", n.now().Error))
	} else {
		log.Info("a deployment has loaded", slog.Duration("time", time.Since(began)))
	}
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

// all reports whether all nodes have loaded a deployment, this one among them.
func (n *Node) all(number int) bool {
	for _, s := range n.seen {
		if s.Loaded != number && s.Serving != number {
			return false
		}
	}
	own := n.seen[n.key()]
	return own.Loaded == number || own.Serving == number
}

// errOver says that what was to be done is done, or is no longer to be.
var errOver = errors.New("it does not wait any more")

// serve has the record say that the deployment serves.
func (n *Node) serve(ctx context.Context, number int) {
	n.change(ctx, number, (*Record).serve)
}

// stop has the record say that the deployment does not load here.
func (n *Node) stop(ctx context.Context, number int, why string) {
	n.change(ctx, number, func(r *Record) { r.stop(n.Name, why) })
}

func (n *Node) change(ctx context.Context, waiting int, change func(*Record)) {
	_, err := n.store.change(ctx, n.App, func(r *Record) error {
		if r.Waiting != waiting {
			return errOver
		}
		change(r)
		return nil
	})
	if err != nil && err != errOver && ctx.Err() == nil {
		n.logger.Warn("a deployment could not go on, and is tried again", slog.Any("error", err))
	}
}

// publish has requests get what serves.
func (n *Node) publish(ctx context.Context, r *Record) {
	d := r.Find(r.Serving)
	for range 2 { // the program may have been loaded again meanwhile
		if n.now().Loaded != d.Number {
			n.stage(ctx, d)
		}
		if n.staged == nil {
			return
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
			n.logger.Info("a deployment serves", slog.Int("deployment", d.Number),
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
	for pause(ctx, Lease/3) {
		n.say(ctx)
	}
}

// leave has nobody wait for this node.
func (n *Node) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = n.store.nodes.Delete(ctx, n.key()) // else its lease ends
}

// pause reports false if ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
