package server

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// A trail is the gateways and backends that requests for a mount have come to, through a handler that
// does not show what it stands around: http.StripPrefix, a mux, another Front. A generation of all of
// them together is that of whatever answers there. The zero value has none.
type trail struct {
	mu       sync.Mutex
	gateways atomic.Pointer[[]http.Handler] // which is not changed any more; nil if none are known
	crowded  atomic.Bool                    // there are more than are known
	serial   atomic.Uint64
}

// maxTrail is how many gateways and backends of a mount are known: each is looked at for each page of a client
// that takes promises.
const maxTrail = 16

func (t *trail) known() []http.Handler {
	if all := t.gateways.Load(); all != nil {
		return *all
	}
	return nil
}

// note notes that a request has come to g.
func (t *trail) note(g http.Handler) {
	if t.crowded.Load() || slices.Contains(t.known(), g) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.known()
	switch {
	case slices.Contains(known, g): // by now
	case len(known) == maxTrail:
		t.crowded.Store(true)
	default:
		all := append(slices.Clone(known), g)
		t.gateways.Store(&all)
	}
}

// generation is that of what answers for h: another one once a gateway has become known, and each
// time if not all are, so that nothing is taken for what it was.
func (t *trail) generation(h *hold) (n uint64) {
	if t.crowded.Load() {
		return 1<<63 | t.serial.Add(1)
	}
	for _, g := range t.known() {
		n = n*1_000_003 + h.generation(g) // a prime
	}
	return n
}

// A place is where the Front has found the mount of a promised request. The page's exchange says
// that of the page.
type place struct {
	scriptName string
	trail      *trail
}

// placeKey is the key of the place in the context of a promised request.
type placeKey struct{}

// placeOf returns the place of a promised request. There is none if that is zero.
func placeOf(r *http.Request) (at place, ok bool) {
	at, ok = r.Context().Value(placeKey{}).(place)
	return at, ok
}
