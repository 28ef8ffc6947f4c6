package deploy_test

import (
	"context"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/deploy"
)

// TestForgedTree has a node load no tree but that which was deployed, whatever the store has in its place.
func TestForgedTree(t *testing.T) {
	r := newRoom(t)
	r.deploy(script("one"))
	m := r.join("a", nil)
	r.here(1)
	forgery := archive(t, "app.star", "def app():\n    return 'forged'\n")
	for _, c := range []struct {
		name, want string
		forge      func(ctx context.Context, app string, t *deploy.Tree, data []byte) error
		data       []byte
	}{
		{"another tree", "the tree is not the one that was deployed", r.store.Forge, forgery},
		{"no archive", "zip: not a valid zip file", r.store.Forge, []byte("no archive")},
		{"another chunk", "digests do not match", r.store.ForgeChunk, forgery},
	} {
		tree := script(c.name)
		err := r.store.Put(r.ctx, "shop", tree)
		if err == nil {
			err = c.forge(r.ctx, "shop", tree, c.data)
		}
		if err != nil {
			t.Fatal(err)
		}
		o := r.deploy(tree)
		if o.State != deploy.Stopped || !strings.Contains(o.Error, c.want) {
			t.Errorf("%s: it is %s: %s, want %s", c.name, o.State, o.Error, c.want)
		}
	}
	r.all("one", m)
}

// TestCollect has what no record names be deleted: trees of deployments that are no longer kept, and what is left
// of an upload whose client was killed.
func TestCollect(t *testing.T) {
	r := newRoom(t)
	r.store.Grace(0)
	if err := r.store.Broken(r.ctx); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"one", "two", "three"} {
		if o := r.roll(script(word), deploy.Rollout{Keep: 2}, false); o.State != deploy.Serving {
			t.Fatalf("%s is %s", word, o.State)
		}
	}
	record, _, err := r.store.Look(r.ctx, "shop")
	if err != nil || len(record.Deployments) != 2 || record.Find(2) == nil || record.Find(3) == nil {
		t.Errorf("the record is %+v (%v)", record, err)
	}
	if trees, uploads, err := r.store.Kept(r.ctx); trees != 2 || uploads != 2 {
		t.Errorf("the store has %d trees, of %d uploads, want 2 (%v)", trees, uploads, err)
	}
	if o := r.deploy(script("two")); o.State != deploy.Serving {
		t.Errorf("a tree that is there already: %+v", o.Deployment)
	}
	r.all("two", r.join("a", nil))
}

// TestPutBack has a node that trusts keys refuse what is older than what it has served, though a key has signed it,
// and go back by a rollback that is signed; also when it has begun anew, with its memory.
func TestPutBack(t *testing.T) {
	r := newRoom(t)
	public, private, _ := ed25519.GenerateKey(nil)
	file := filepath.Join(t.TempDir(), "new", "deployed")
	node := func() *deploy.Node {
		return &deploy.Node{App: "shop", Name: "a", Trust: []ed25519.PublicKey{public}, Memory: file}
	}
	signed := deploy.Rollout{Key: private}
	r.roll(script("one"), signed, false)
	old, err := r.store.Raw(r.ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	m := r.enter(node(), nil)
	r.here(1)
	r.roll(script("two"), signed, false)
	r.all("two", m)
	r.until(func() bool { data, _ := os.ReadFile(file); return len(data) > 0 })

	if _, err := r.store.Rollback(r.ctx, "shop", 0, nil); err == nil || !strings.Contains(err.Error(), "needs a key") {
		t.Errorf("a rollback without a key: %v", err)
	}
	now, err := r.store.Raw(r.ctx, "shop")
	if err == nil {
		err = r.store.SetRaw(r.ctx, "shop", old)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.until(func() bool {
		_, nodes, err := r.store.Look(r.ctx, "shop")
		return err == nil && nodes[0].Failed == 1 && strings.Contains(nodes[0].Error, "has put an old version back")
	})
	r.all("two", m)
	if _, err := node().First(r.ctx, r.grant); err == nil || !strings.Contains(err.Error(), "old version back") {
		t.Errorf("a node begins with what is older: %v", err)
	}

	if err := r.store.SetRaw(r.ctx, "shop", now); err != nil {
		t.Fatal(err)
	}
	back, err := r.store.Rollback(r.ctx, "shop", 0, private)
	if err != nil {
		t.Fatal(err)
	}
	if o := r.wait(back.Number, false); o.State != deploy.Serving || o.Again != 1 {
		t.Errorf("a signed rollback is %+v", o.Deployment)
	}
	r.all("one", m)
}

// until waits until something is so, of which no event tells.
func (r *room) until(so func() bool) {
	r.t.Helper()
	for !so() {
		if r.ctx.Err() != nil {
			r.t.Fatal("it has not come")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestSecret has all nodes of an application share the secret that one has offered first.
func TestSecret(t *testing.T) {
	r := newRoom(t)
	for _, c := range []struct{ app, offered, want string }{
		{"shop", "first", "first"}, {"shop", "second", "first"}, {"blog", "third", "third"},
	} {
		if got, err := r.store.Secret(r.ctx, c.app, c.offered); got != c.want || err != nil {
			t.Errorf("%s has %q (%v), want %q", c.app, got, err, c.want)
		}
	}
}
