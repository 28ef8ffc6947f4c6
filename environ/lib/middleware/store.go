package middleware

import (
	"container/list"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"go.starlark.net/starlark"
)

// Bounds of what is kept.
const (
	maxKept      = 1 << 20  // bytes of a body
	maxStore     = 32 << 20 // bytes of all together, with keys and fields
	maxVariants  = 16       // of a URL, by Vary
	maxCacheKey  = 8 << 10  // bytes of a URL
	keptOverhead = 512      // bytes that a response costs besides
)

// A store keeps responses. It is safe for concurrent use.
type store struct {
	lasts time.Duration

	mu      sync.Mutex
	kept    map[string][]*list.Element // the variants of a key
	recent  list.List                  // of *kept, the one used last first
	size    int
	flights map[string]*flight
}

// A kept response is immutable, and so are its fields.
type kept struct {
	key    string
	vary   []string // keys of the environ
	values []string // of vary, in the request that it was made for
	head   *environ.Head
	body   starlark.Tuple
	made   time.Time
	ends   time.Time
	size   int
}

// A flight is a response that is being made.
type flight struct {
	thread *starlark.Thread
	done   chan struct{}
}

func newStore(d time.Duration) *store {
	return &store{
		lasts: d, kept: make(map[string][]*list.Element), flights: make(map[string]*flight),
	}
}

// find returns what is kept for a request, nil if there is nothing.
func (s *store) find(key string, q *request) *kept {
	now := time.Now()
	s.mu.Lock()
	variants := append([]*list.Element(nil), s.kept[key]...)
	s.mu.Unlock()
	for _, e := range variants {
		k := e.Value.(*kept)
		if !now.Before(k.ends) || !k.fits(q) {
			continue
		}
		s.mu.Lock()
		s.recent.MoveToFront(e) // which does nothing if it has gone meanwhile
		s.mu.Unlock()
		return k
	}
	return nil
}

// fits reports whether the request has the fields that the response varies by. RFC 9111,
// section 4.1.
func (k *kept) fits(q *request) bool {
	for i, name := range k.vary {
		if q.get(starlark.String(name)) != k.values[i] {
			return false
		}
	}
	return true
}

// begin returns the flight that makes a response, and whether it is the caller's to end. It is nil
// if the thread that makes it asks again: it cannot wait for itself.
func (s *store) begin(key string, t *starlark.Thread) (f *flight, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f = s.flights[key]; f == nil {
		f = &flight{t, make(chan struct{})}
		s.flights[key] = f
		return f, true
	}
	if f.thread == t {
		return nil, false
	}
	return f, false
}

func (s *store) end(key string, f *flight) {
	s.mu.Lock()
	delete(s.flights, key)
	s.mu.Unlock()
	close(f.done)
}

// keep keeps a response, if it may be given to others.
func (s *store) keep(key string, q *request, h *environ.Head, body starlark.Value) {
	lasts := lasting(h, s.lasts)
	if lasts <= 0 || environ.Made(q.env, "larkspur.nonce") {
		return // a nonce is for one response: CSP 3, section 7.1
	}
	blocks, size, ok := blocksOf(body, maxKept)
	if !ok {
		return
	}
	now := time.Now()
	k := &kept{key: key, head: h, made: now, ends: now.Add(lasts)}
	if size > 0 {
		k.body = starlark.Tuple{starlark.Bytes(strings.Join(blocks, ""))}
	}
	k.size = keptOverhead + len(key) + size
	for _, f := range h.Fields {
		k.size += len(f.Name) + len(f.Value)
		if !strings.EqualFold(f.Name, "Vary") {
			continue
		}
		for name := range wire.Elements(f.Value) {
			k.vary = append(k.vary, variable(name))
		}
	}
	for _, name := range k.vary {
		value := q.get(starlark.String(name))
		k.values = append(k.values, value)
		k.size += len(value)
	}
	s.put(k, q)
}

// variable is the key of the environ that has a field of the request.
func variable(field string) string {
	name := strings.ToUpper(strings.ReplaceAll(http.CanonicalHeaderKey(field), "-", "_"))
	if name == "CONTENT_TYPE" || name == "CONTENT_LENGTH" {
		return name
	}
	return "HTTP_" + name
}

// put keeps k, in the place of those that a request of its kind would be given, and lets go of what
// is too much.
func (s *store) put(k *kept, q *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range append([]*list.Element(nil), s.kept[k.key]...) {
		if old := e.Value.(*kept); old.fits(q) || !k.made.Before(old.ends) ||
			len(s.kept[k.key]) >= maxVariants {
			s.drop(e)
		}
	}
	s.kept[k.key] = append(s.kept[k.key], s.recent.PushFront(k))
	s.size += k.size
	for s.size > maxStore {
		s.drop(s.recent.Back())
	}
}

// drop forgets a response.
func (s *store) drop(e *list.Element) {
	k := s.recent.Remove(e).(*kept)
	s.size -= k.size
	var rest []*list.Element
	for _, other := range s.kept[k.key] {
		if other != e {
			rest = append(rest, other)
		}
	}
	if s.kept[k.key] = rest; rest == nil {
		delete(s.kept, k.key)
	}
}
