package host

import (
	"context"
	"time"
)

// A Store keeps texts by key, outside of the program: a module that has something to remember is passed
// one by the script. A bucket of @kv is one, and so is any value of an embedder's own module that has
// these methods. It is safe for concurrent use. What fails since the store cannot be reached is, as a
// rule, a [Statuser] that says 503.
type Store interface {
	// Fetch returns the text that is kept under a key, and its version, which is not 0. It is 0 if there
	// is none.
	Fetch(ctx context.Context, key string) (text string, version uint64, err error)
	// Store keeps a text under a key, for so long at most, if the key has that version; 0 stands for a key
	// under which nothing is, and never was. It returns the version that the key has then, 0 if it had
	// another one and nothing was done.
	Store(ctx context.Context, key, text string, version uint64, ttl time.Duration) (uint64, error)
	// Remove lets go of a key, if it has that version. done is false if it has another one, or is gone.
	Remove(ctx context.Context, key string, version uint64) (done bool, err error)
	// RemoveAll lets go of all keys that begin with a prefix, which ends with a dot.
	RemoveAll(ctx context.Context, prefix string) error
}
