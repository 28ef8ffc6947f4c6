package deploy

import "context"

// Ghost has the store know a node that says nothing any more.
func (s *Store) Ghost(ctx context.Context, app string) error {
	_, err := s.nodes.Put(ctx, app+".ghost", []byte(`{"node": "ghost", "serving": 1}`))
	return err
}
