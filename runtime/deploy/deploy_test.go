package deploy_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/deploy"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
)

// A room is a store and the nodes that serve the application "shop" from it.
type room struct {
	t     *testing.T
	ctx   context.Context
	grant *state.Grant
	store *deploy.Store
}

func newRoom(t *testing.T) *room {
	t.Helper()
	g := &state.Grant{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(func() { cancel(); g.Close() })
	s, err := deploy.Open(ctx, g)
	if err != nil {
		t.Fatal(err)
	}
	return &room{t, ctx, g, s}
}

// script is the tree of an application that says a word.
func script(word string) *deploy.Tree {
	return tree(fstest.MapFS{
		"app.star":      {Data: []byte("load('lib/word.star', 'WORD')\ndef app():\n    return WORD\n")},
		"lib/word.star": {Data: []byte("WORD = '" + word + "'\n")},
	})
}

func tree(files fstest.MapFS) *deploy.Tree {
	t, err := deploy.Pack(files)
	if err != nil {
		panic(err)
	}
	return t
}

// broken is one that does not load, for its second line.
var broken = tree(fstest.MapFS{"app.star": {Data: []byte("def app():\n    return )\n")}})

func (r *room) deploy(t *deploy.Tree) *deploy.Outcome {
	r.t.Helper()
	return r.roll(t, deploy.Rollout{}, false)
}

// roll deploys a tree, and waits for what becomes of it.
func (r *room) roll(t *deploy.Tree, how deploy.Rollout, tried bool) *deploy.Outcome {
	r.t.Helper()
	d, err := r.store.Deploy(r.ctx, "shop", t, how)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.wait(d.Number, tried)
}

func (r *room) wait(number int, tried bool) *deploy.Outcome {
	r.t.Helper()
	o, err := r.store.Wait(r.ctx, "shop", number, tried)
	if err != nil {
		r.t.Fatal(err)
	}
	return o
}

// A member is a node with its program.
type member struct {
	name string
	node *deploy.Node
	live *runtime.Live
	stop func()
}

// join has a node serve, whose modules do what is configured.
func (r *room) join(name string, configure func(*runtime.Config)) *member {
	r.t.Helper()
	return r.enter(&deploy.Node{App: "shop", Name: name}, configure)
}

// enter has the node serve.
func (r *room) enter(n *deploy.Node, configure func(*runtime.Config)) *member {
	r.t.Helper()
	first, err := n.First(r.ctx, r.grant)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &runtime.Config{FS: first, Logger: slog.New(slog.DiscardHandler)}
	if configure != nil {
		configure(c)
	}
	live, err := runtime.NewLive(c, "app.star")
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.ctx)
	var follows sync.WaitGroup
	follows.Go(func() { n.Follow(ctx, live, c.Logger) })
	m := &member{n.Name, n, live, sync.OnceFunc(func() { cancel(); follows.Wait(); live.Close() })}
	r.t.Cleanup(m.stop)
	return m
}

// here waits until so many nodes are known.
func (r *room) here(count int) {
	r.t.Helper()
	for {
		_, nodes, err := r.store.Look(r.ctx, "shop")
		if err != nil {
			r.t.Fatal(err)
		}
		if len(nodes) == count {
			return
		}
	}
}

func (m *member) says() (word string, err error) {
	v, err := m.live.Do(context.Background())
	if err == nil {
		err = host.Unpack(v, &word)
	}
	return word, err
}

func (r *room) all(want string, all ...*member) {
	r.t.Helper()
	for i, m := range all {
		if got, err := m.says(); got != want || err != nil {
			r.t.Errorf("node %d says %q (%v), want %q", i, got, err, want)
		}
	}
}

// TestRollOut has three nodes take versions up together, while they are called without an end: no call fails.
func TestRollOut(t *testing.T) {
	r := newRoom(t)
	if d := r.deploy(script("one")); d.State != deploy.Serving {
		t.Fatalf("without nodes the first deployment is %s, want it to serve", d.State)
	}
	nodes := []*member{r.join("a", nil), r.join("b", nil), r.join("c", nil)}
	r.here(3)
	r.all("one", nodes...)

	var calls atomic.Int64
	done := make(chan struct{})
	var load sync.WaitGroup
	for _, m := range nodes {
		load.Go(func() {
			for tick := time.NewTicker(time.Millisecond); ; calls.Add(1) {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				if _, err := m.says(); err != nil {
					t.Errorf("a call failed: %v", err)
				}
			}
		})
	}
	if d := r.deploy(script("two")); d.State != deploy.Serving {
		t.Errorf("the second deployment is %s: %s", d.State, d.Error)
	}
	r.all("two", nodes...)

	d := r.deploy(broken)
	if d.State != deploy.Stopped || d.Node == "" || !strings.HasPrefix(d.Error, "app.star:2:12: ") {
		t.Errorf("a broken deployment is %s, of node %q: %q", d.State, d.Node, d.Error)
	}
	r.all("two", nodes...)

	began := time.Now()
	back, err := r.store.Rollback(r.ctx, "shop", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o := r.wait(back.Number, false); o.State != deploy.Serving || o.Number != 4 || o.Again != 1 {
		t.Errorf("rolled back to %+v", o.Deployment)
	}
	t.Logf("rollback took %v; calls: %d", time.Since(began), calls.Load())
	r.all("one", nodes...)
	if _, err = r.store.Rollback(r.ctx, "shop", 3, nil); err == nil ||
		!strings.Contains(err.Error(), "has never served") {
		t.Errorf("rollback to what never served: %v", err)
	}
	close(done)
	load.Wait()
	if calls.Load() == 0 {
		t.Error("nothing was called")
	}
}

// TestOneCannot has one of three nodes not be ready for a version, which then serves on none.
func TestOneCannot(t *testing.T) {
	r := newRoom(t)
	r.deploy(script("one"))
	nodes := []*member{r.join("a", nil), r.join("b", nil), r.join("c", func(c *runtime.Config) {
		c.Limits.Steps = 100
	})}
	r.here(3)
	d := r.deploy(tree(fstest.MapFS{"app.star": {Data: []byte(
		"N = [i for i in range(1000)]\ndef app():\n    return 'two'\n")}}))
	if d.State != deploy.Stopped || d.Node != "c" || !strings.HasPrefix(d.Error, "app.star:1:") {
		t.Errorf("a deployment that one cannot load is %s, of node %q: %q", d.State, d.Node, d.Error)
	}
	r.all("one", nodes...)
	if d := r.deploy(script("three")); d.State != deploy.Serving || d.Number != 3 {
		t.Errorf("the next deployment is %+v", d)
	}
	r.all("three", nodes...)
}

// TestBrokenUpload has an upload end early: nothing has changed.
func TestBrokenUpload(t *testing.T) {
	r := newRoom(t)
	r.deploy(script("one"))
	ended, cancel := context.WithCancel(r.ctx)
	cancel()
	if _, err := r.store.Deploy(ended, "shop", script("two"), deploy.Rollout{}); !errors.Is(err, context.Canceled) {
		t.Errorf("an upload that is cancelled: %v", err)
	}
	record, _, err := r.store.Look(r.ctx, "shop")
	if err != nil || len(record.Deployments) != 1 || record.Serving != 1 || record.Waiting != 0 {
		t.Errorf("the record is %+v (%v)", record, err)
	}
}

// TestTogether has several deploy at once: each gets a number of its own, and one serves.
func TestTogether(t *testing.T) {
	r := newRoom(t)
	var deploys sync.WaitGroup
	for i := range 4 {
		deploys.Go(func() {
			if _, err := r.store.Deploy(r.ctx, "shop", script(fmt.Sprint(i)), deploy.Rollout{}); err != nil {
				t.Error(err)
			}
		})
	}
	deploys.Wait()
	record, _, err := r.store.Look(r.ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range record.Deployments {
		if d.Number != i+1 || (d.State == deploy.Serving) != (d.Number == record.Serving) {
			t.Errorf("deployment %d of the record is %+v", i, d)
		}
	}
	if len(record.Deployments) != 4 || record.Serving != 4 {
		t.Errorf("the record is %+v", record)
	}
}

// TestDeadNode has a node that says nothing any more hold a deployment up until its lease has ended.
func TestDeadNode(t *testing.T) {
	if os.Getenv("LARKSPUR_LONG") == "" {
		t.Skip("it waits for the end of a lease: LARKSPUR_LONG=1")
	}
	r := newRoom(t)
	r.deploy(script("one"))
	m := r.join("a", nil)
	r.here(1)
	if err := r.store.Ghost(r.ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if d := r.deploy(script("two")); d.State != deploy.Serving {
		t.Errorf("the deployment is %+v", d)
	}
	if took := time.Since(began); took < deploy.Lease/2 {
		t.Errorf("nobody has waited for the other node: %v", took)
	}
	r.all("two", m)
}

// TestLeft has a node that ends in good order be waited for no longer, and one that comes late load what serves.
func TestLeft(t *testing.T) {
	r := newRoom(t)
	r.deploy(script("one"))
	a, b := r.join("a", nil), r.join("b", nil)
	r.here(2)
	b.stop()
	r.deploy(script("two"))
	r.all("two", a, r.join("c", nil))
}

// TestTrust has nodes load only what a key that they trust has signed, for this application.
func TestTrust(t *testing.T) {
	r := newRoom(t)
	public, private, _ := ed25519.GenerateKey(nil)
	_, foreign, _ := ed25519.GenerateKey(nil)
	node := &deploy.Node{App: "shop", Trust: []ed25519.PublicKey{public}}
	for _, c := range []struct {
		key  ed25519.PrivateKey
		want string
	}{
		{nil, "it is not signed"},
		{foreign, "it is not signed by a key that this node trusts"},
		{private, ""},
	} {
		if _, err := r.store.Deploy(r.ctx, "shop", script("one"), deploy.Rollout{Key: c.key}); err != nil {
			t.Fatal(err)
		}
		_, err := node.First(r.ctx, r.grant)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
