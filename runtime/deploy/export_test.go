package deploy

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Ghost has the store know a node that says nothing any more.
func (s *Store) Ghost(ctx context.Context, app string) error {
	_, err := s.nodes.Put(ctx, app+".ghost", []byte(`{"node": "ghost", "serving": 1}`))
	return err
}

// Grace sets how old is what is deleted.
func (s *Store) Grace(d time.Duration) { s.grace = d }

// Put writes a tree, as Deploy does first.
func (s *Store) Put(ctx context.Context, app string, t *Tree) error { return s.put(ctx, app, t) }

// Forge has something else be in the place of a tree.
func (s *Store) Forge(ctx context.Context, app string, t *Tree, data []byte) error {
	_, err := s.trees.PutBytes(ctx, objectOf(app, t.digest), data)
	return err
}

// ForgeChunk has something else be in the place of what a tree consists of.
func (s *Store) ForgeChunk(ctx context.Context, app string, t *Tree, data []byte) error {
	info, err := s.trees.GetInfo(ctx, objectOf(app, t.digest))
	if err != nil {
		return err
	}
	stream, err := s.js.Stream(ctx, "OBJ_"+treeBucket)
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSubject(chunks+info.NUID))
	}
	if err == nil {
		_, err = s.js.Publish(ctx, chunks+info.NUID, data)
	}
	return err
}

// Broken leaves what an upload leaves whose client is killed.
func (s *Store) Broken(ctx context.Context) error {
	_, err := s.js.Publish(ctx, chunks+"broken", []byte("half"))
	return err
}

// Kept is how many trees there are, and of how many uploads.
func (s *Store) Kept(ctx context.Context) (trees, uploads int, err error) {
	all, err := s.trees.List(ctx)
	if err != nil {
		return 0, 0, err
	}
	stream, err := s.js.Stream(ctx, "OBJ_"+treeBucket)
	if err != nil {
		return 0, 0, err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(chunks+">"))
	if err != nil {
		return 0, 0, err
	}
	return len(all), len(info.State.Subjects), nil
}

// Raw is the record as it is kept.
func (s *Store) Raw(ctx context.Context, app string) ([]byte, error) {
	e, err := s.records.Get(ctx, app)
	if err != nil {
		return nil, err
	}
	return e.Value(), nil
}

// SetRaw writes a record as somebody may who has no key.
func (s *Store) SetRaw(ctx context.Context, app string, data []byte) error {
	_, err := s.records.Put(ctx, app, data)
	return err
}
