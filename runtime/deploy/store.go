package deploy

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
	"github.com/nats-io/nats.go/jetstream"
)

// The names of what a store is in.
const (
	treeBucket   = "larkspur_trees"
	recordBucket = "larkspur_deployments"
	nodeBucket   = "larkspur_nodes"
	secretBucket = "larkspur_secrets"
)

// asking is how long one request may take.
const asking = 10 * time.Second

// DefaultKeep is how many deployments of an application are kept, if nothing else is said.
const DefaultKeep = 20

// A Store is where deployments are kept. It is safe for concurrent use, and ends with its grant.
type Store struct {
	js       jetstream.JetStream
	replicas int

	trees   jetstream.ObjectStore
	records jetstream.KeyValue
	nodes   jetstream.KeyValue

	grace time.Duration // [graceTime], but for tests
}

// Open opens the store that is where state is kept, and makes it if there is none.
func Open(ctx context.Context, g *state.Grant) (*Store, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*asking)
	defer cancel()
	s := &Store{grace: graceTime}
	var err error
	if s.js, s.replicas, err = g.JetStream(ctx); err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	if s.records, err = s.bucket(ctx, recordBucket, 0); err == nil {
		s.nodes, err = s.bucket(ctx, nodeBucket, Lease)
	}
	if err == nil {
		s.trees, err = s.objects(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("deploy: open the store: %w", err)
	}
	return s, nil
}

// bucket opens a bucket, or makes it. What is in it ends after a time, unless that is 0.
func (s *Store) bucket(ctx context.Context, name string, ttl time.Duration) (jetstream.KeyValue, error) {
	kv, err := s.js.KeyValue(ctx, name)
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return kv, err
	}
	err = s.replicated(func(n int) error {
		kv, err = s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: name, TTL: ttl, Replicas: n})
		return err
	})
	return kv, err
}

// objects is bucket for the trees.
func (s *Store) objects(ctx context.Context) (jetstream.ObjectStore, error) {
	o, err := s.js.ObjectStore(ctx, treeBucket)
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return o, err
	}
	err = s.replicated(func(n int) error {
		o, err = s.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: treeBucket, Replicas: n})
		return err
	})
	return o, err
}

// replicated makes something with as many replicas as there are to be, or with one where there are too few
// servers.
func (s *Store) replicated(make func(replicas int) error) error {
	err := make(s.replicas)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && s.replicas > 1 {
		err = make(1)
	}
	return err
}

// get reads the record: an empty one if there is none.
func (s *Store) get(ctx context.Context, app string) (*Record, error) {
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

// change changes the record by compare-and-set. change may be called again, and says by an error that
// nothing is to be changed.
func (s *Store) change(ctx context.Context, app string, change func(*Record) error) (*Record, error) {
	if err := CheckName(app); err != nil {
		return nil, err
	}
	for try := time.Millisecond; ; try = min(2*try, 100*time.Millisecond) {
		r, err := s.get(ctx, app)
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
		if err := host.Pause(ctx, try); err != nil {
			return nil, err
		}
	}
}

// A Rollout is how a tree is deployed. The zero value has all nodes serve it together.
type Rollout struct {
	// Key signs it. Nil means that nothing does.
	Key ed25519.PrivateKey
	// Canary has some nodes try it first.
	Canary Canary
	// Keep is how many deployments of the application are kept, with this one. Zero means [DefaultKeep].
	// The one that serves is kept in any case.
	Keep int
}

// Deploy puts a tree into the store, and has it be the one that waits. If no node runs there is nobody
// to try it: then it serves.
func (s *Store) Deploy(ctx context.Context, app string, t *Tree, how Rollout) (*Deployment, error) {
	if err := CheckName(app); err != nil {
		return nil, err
	}
	if how.Keep <= 0 {
		how.Keep = DefaultKeep
	}
	if err := s.put(ctx, app, t); err != nil {
		return nil, fmt.Errorf("deploy: write the tree: %w", err)
	}
	_, nodes, err := s.Look(ctx, app)
	if err != nil {
		return nil, err
	}
	var number int
	r, err := s.change(ctx, app, func(r *Record) error {
		number = r.add(Deployment{Digest: t.digest, Files: t.Files(), Size: t.size, Canary: how.Canary},
			app, how.Key, how.Keep)
		if len(nodes) == 0 {
			r.serve()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.collect(ctx, app, r)
	return r.Find(number), nil
}

// Rollback ends a deployment that waits or is tried, and what serves goes on: it is returned. If there is none,
// or number is not 0, it deploys the tree of an earlier deployment that has served: that of the number, or else
// the last one before that which serves. The new deployment, which is returned, waits until one node has loaded
// it. What was signed is rolled back by a key only.
func (s *Store) Rollback(ctx context.Context, app string, number int, key ed25519.PrivateKey) (*Deployment, error) {
	_, nodes, err := s.Look(ctx, app)
	if err != nil {
		return nil, err
	}
	var result int
	r, err := s.change(ctx, app, func(r *Record) error {
		if r.abandon() && (number == 0 || number == r.Serving) {
			result = r.Serving
			return nil
		}
		earlier, err := r.earlier(number)
		if err != nil {
			return fmt.Errorf("deploy: %s: %w", app, err)
		}
		if len(r.Find(r.Serving).Signature) > 0 && key == nil {
			return errUnsigned
		}
		d := Deployment{Digest: earlier.Digest, Files: earlier.Files, Size: earlier.Size,
			Again: cmp.Or(earlier.Again, earlier.Number)}
		result = r.add(d, app, key, max(DefaultKeep, len(r.Deployments)))
		if len(nodes) == 0 {
			r.serve()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.Find(result), nil
}

var errUnsigned = errors.New("deploy: what serves is signed, and nodes that want that would not go back: " +
	"the rollback needs a key, too")

// Continue has a deployment that is tried serve on all nodes.
func (s *Store) Continue(ctx context.Context, app string) (*Deployment, error) {
	r, err := s.change(ctx, app, func(r *Record) error {
		if w := r.Find(r.Waiting); w == nil || w.State != Trying {
			return fmt.Errorf("deploy: no deployment of %s is tried now", app)
		}
		r.serve()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.Find(r.Serving), nil
}
