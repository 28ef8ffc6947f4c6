package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// graceTime is how old a tree is at least that is deleted because no record names it: one that is younger
// may be of a deployment that is under way.
const graceTime = time.Hour

// chunks are the subjects of what an object store keeps: ADR-20 of NATS.
const chunks = "$O." + treeBucket + ".C."

// slowest is how many bytes a second a tree is written with at least.
const slowest = 256 << 10

// objectOf is the name of a tree in the store.
func objectOf(app, digest string) string { return app + "/" + digest }

// put writes the tree, unless it is there, and will be for long enough to be named by a record. The store
// shows an object when it is whole.
func (s *Store) put(ctx context.Context, app string, t *Tree) error {
	name := objectOf(app, t.digest)
	asks, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	info, err := s.trees.GetInfo(asks, name)
	switch {
	case err == nil && time.Since(info.ModTime) < s.grace/2:
		return nil
	case err != nil && !errors.Is(err, jetstream.ErrObjectNotFound):
		return err
	}
	data, err := t.pack()
	if err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(ctx, asking+time.Duration(len(data)/slowest)*time.Second)
	defer cancel()
	_, err = s.trees.PutBytes(ctx, name, data)
	return err
}

// errAway is of a tree that may be read later.
var errAway = errors.New("deploy: read the tree")

// tree reads the tree of a deployment, and verifies that it is that: who can write to the store may have put
// another one there.
func (s *Store) tree(ctx context.Context, app string, d *Deployment) (*Tree, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	object, err := s.trees.Get(ctx, objectOf(app, d.Digest))
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

// collect deletes trees of the application that its record does not name, and what is left of uploads, of any
// application, that were broken off. Both take room, and do no harm, so the next one tries again.
func (s *Store) collect(ctx context.Context, app string, r *Record) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	all, err := s.trees.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return
	}
	whole := make(map[string]bool) // subjects of chunks that are of an object
	for _, o := range all {
		whole[chunks+o.NUID] = true
		digest, own := strings.CutPrefix(o.Name, objectOf(app, ""))
		named := func(d Deployment) bool { return d.Digest == digest }
		if own && time.Since(o.ModTime) > s.grace && !slices.ContainsFunc(r.Deployments, named) {
			_ = s.trees.Delete(ctx, o.Name)
		}
	}
	stream, err := s.js.Stream(ctx, "OBJ_"+treeBucket)
	if err != nil {
		return
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(chunks+">"))
	if err != nil {
		return
	}
	for subject := range info.State.Subjects {
		if whole[subject] {
			continue
		}
		last, err := stream.GetLastMsgForSubject(ctx, subject)
		if err == nil && time.Since(last.Time) > s.grace {
			_ = stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
		}
	}
}

// Secret returns what the nodes of an application share, and keep to themselves: what was offered first.
// Who can read the store can read it.
func (s *Store) Secret(ctx context.Context, app, offered string) (string, error) {
	if err := CheckName(app); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	kv, err := s.bucket(ctx, secretBucket, 0)
	if err == nil {
		_, err = kv.Create(ctx, app, []byte(offered))
	}
	if !errors.Is(err, jetstream.ErrKeyExists) {
		if err != nil {
			return "", fmt.Errorf("deploy: keep the secret of %s: %w", app, err)
		}
		return offered, nil
	}
	e, err := kv.Get(ctx, app)
	if err != nil {
		return "", fmt.Errorf("deploy: read the secret of %s: %w", app, err)
	}
	return string(e.Value()), nil
}
