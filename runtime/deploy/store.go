package deploy

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/state"
	"github.com/nats-io/nats.go/jetstream"
)

// The names of what a store is in.
const (
	treeBucket   = "larkspur_trees"
	recordBucket = "larkspur_deployments"
	nodeBucket   = "larkspur_nodes"
)

// Lease is how long a node counts that says nothing.
const Lease = 6 * time.Second

// asking is how long one request may take.
const asking = 10 * time.Second

// A Store is where deployments are kept. It is safe for concurrent use, and ends with its grant.
type Store struct {
	trees   jetstream.ObjectStore
	records jetstream.KeyValue
	nodes   jetstream.KeyValue
}

// Open opens the store that is where state is kept, and makes it if there is none.
func Open(ctx context.Context, g *state.Grant) (*Store, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*asking)
	defer cancel()
	js, replicas, err := g.JetStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	s := new(Store)
	s.records, err = bucket(ctx, js, jetstream.KeyValueConfig{Bucket: recordBucket, Replicas: replicas})
	if err == nil {
		s.nodes, err = bucket(ctx, js, jetstream.KeyValueConfig{Bucket: nodeBucket, Replicas: replicas,
			TTL: Lease, Storage: jetstream.MemoryStorage})
	}
	if err == nil {
		s.trees, err = objects(ctx, js, replicas)
	}
	if err != nil {
		return nil, fmt.Errorf("deploy: open the store: %w", err)
	}
	return s, nil
}

// bucket opens a bucket, or makes it, with one replica where there are too few servers.
func bucket(ctx context.Context, js jetstream.JetStream, c jetstream.KeyValueConfig) (jetstream.KeyValue, error) {
	kv, err := js.KeyValue(ctx, c.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateOrUpdateKeyValue(ctx, c)
	}
	if refused(err) && c.Replicas > 1 {
		c.Replicas = 1
		kv, err = js.CreateOrUpdateKeyValue(ctx, c)
	}
	return kv, err
}

// objects is bucket for the trees.
func objects(ctx context.Context, js jetstream.JetStream, replicas int) (jetstream.ObjectStore, error) {
	c := jetstream.ObjectStoreConfig{Bucket: treeBucket, Replicas: replicas}
	o, err := js.ObjectStore(ctx, treeBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		o, err = js.CreateOrUpdateObjectStore(ctx, c)
	}
	if refused(err) && replicas > 1 {
		c.Replicas = 1
		o, err = js.CreateOrUpdateObjectStore(ctx, c)
	}
	return o, err
}

// refused reports whether the servers have answered, and not as was asked.
func refused(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api)
}

// Record returns what is known of an application: an empty one if nothing is.
func (s *Store) Record(ctx context.Context, app string) (*Record, error) {
	if err := CheckName(app); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	e, err := s.records.Get(ctx, app)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return new(Record), nil
	}
	if err != nil {
		return nil, fmt.Errorf("deploy: read the deployments of %s: %w", app, err)
	}
	return read(app, e)
}

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

// change changes the record by compare-and-set. change may be called again, and says by an error that
// nothing is to be changed.
func (s *Store) change(ctx context.Context, app string, change func(*Record) error) (*Record, error) {
	for try := time.Millisecond; ; try = min(2*try, 100*time.Millisecond) {
		r, err := s.Record(ctx, app)
		if err == nil {
			err = change(r)
		}
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		asks, cancel := context.WithTimeout(ctx, asking)
		if r.revision == 0 {
			_, err = s.records.Create(asks, app, data)
		} else {
			_, err = s.records.Update(asks, app, data, r.revision)
		}
		cancel()
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return nil, fmt.Errorf("deploy: write the deployments of %s: %w", app, err)
		}
		select {
		case <-time.After(try):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Deploy puts a tree into the store, and has it be the one that waits. If no node runs there is nobody
// to try it: then it serves. A key signs it; nil does not.
func (s *Store) Deploy(ctx context.Context, app string, t *Tree, key ed25519.PrivateKey) (*Deployment, error) {
	if err := CheckName(app); err != nil {
		return nil, err
	}
	d := Deployment{Digest: t.digest, Files: t.Files(), Size: t.size, Time: time.Now().UTC().Truncate(time.Second)}
	if key != nil {
		d.Signature = ed25519.Sign(key, signed(app, t.digest))
	}
	if err := s.put(ctx, app, t); err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	nodes, err := s.Nodes(ctx, app)
	if err != nil {
		return nil, err
	}
	var number int
	var dropped []Deployment
	r, err := s.change(ctx, app, func(r *Record) error {
		number, dropped = r.add(d)
		if len(nodes) == 0 {
			r.serve()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, old := range dropped {
		if !slices.ContainsFunc(r.Deployments, func(d Deployment) bool { return d.Digest == old.Digest }) {
			_ = s.trees.Delete(ctx, app+"/"+old.Digest) // it takes room, and does no harm
		}
	}
	return r.Find(number), nil
}

// put writes the tree, unless it is there. The store shows an object when it is whole.
func (s *Store) put(ctx context.Context, app string, t *Tree) error {
	name := app + "/" + t.digest
	_, err := s.trees.GetInfo(ctx, name)
	if !errors.Is(err, jetstream.ErrObjectNotFound) {
		return err
	}
	data, err := t.pack()
	if err == nil {
		_, err = s.trees.PutBytes(ctx, name, data)
	}
	return err
}

// errAway is of a tree that may be read later.
var errAway = errors.New("deploy: read the tree")

// tree reads the tree of a deployment.
func (s *Store) tree(ctx context.Context, app string, d *Deployment) (*Tree, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	object, err := s.trees.Get(ctx, app+"/"+d.Digest)
	var data []byte
	if err == nil {
		defer object.Close()
		data, err = io.ReadAll(io.LimitReader(object, MaxArchive+1))
	}
	switch {
	case errors.Is(err, jetstream.ErrObjectNotFound), errors.Is(err, jetstream.ErrDigestMismatch):
		return nil, fmt.Errorf("deploy: read the tree: %w", err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	t, err := Unpack(data)
	if err == nil && t.digest != d.Digest {
		err = errors.New("deploy: the tree is not the one that was deployed: its digest differs")
	}
	return t, err
}

// Rollback has an earlier deployment serve that has done so before: number, or if that is 0 the last
// one before that which does.
func (s *Store) Rollback(ctx context.Context, app string, number int) (*Deployment, error) {
	r, err := s.change(ctx, app, func(r *Record) error {
		if err := r.back(number); err != nil {
			return fmt.Errorf("deploy: %s: %w", app, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.Find(r.Serving), nil
}

// Wait waits until a deployment waits no more, and returns what became of it; if it serves, until all
// nodes serve it, or have said why they cannot.
func (s *Store) Wait(ctx context.Context, app string, number int) (*Deployment, []Status, error) {
	for ; ; pause(ctx, 20*time.Millisecond) {
		r, err := s.Record(ctx, app)
		if err != nil {
			return nil, nil, err
		}
		d := r.Find(number)
		if d == nil {
			return nil, nil, fmt.Errorf("deploy: deployment %d is no longer kept", number)
		}
		nodes, err := s.Nodes(ctx, app)
		if err != nil {
			return d, nil, err
		}
		late := slices.ContainsFunc(nodes, func(n Status) bool { return n.Serving != number && n.Failed != number })
		if d.State != Waiting && (d.State != Serving || !late) {
			return d, nodes, nil
		}
		if ctx.Err() != nil {
			return d, nodes, ctx.Err()
		}
	}
}

// A Status is how far a node is.
type Status struct {
	Node    string `json:"node"`
	Loaded  int    `json:"loaded"`          // the deployment that it could serve; 0 if none waits
	Serving int    `json:"serving"`         // the one that it serves
	Failed  int    `json:"failed"`          // the last one that it could not load; 0 if there is none
	Error   string `json:"error,omitempty"` // why not
}

// Nodes returns those that serve an application, by their names.
func (s *Store) Nodes(ctx context.Context, app string) ([]Status, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	w, err := s.nodes.Watch(ctx, app+".*", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("deploy: list nodes: %w", err)
	}
	defer w.Stop()
	var all []Status
	for {
		select {
		case e, ok := <-w.Updates():
			if !ok || e == nil { // that was all
				slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Node, b.Node) })
				return all, nil
			}
			var n Status
			if json.Unmarshal(e.Value(), &n) == nil {
				all = append(all, n)
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("deploy: list nodes: %w", ctx.Err())
		}
	}
}
