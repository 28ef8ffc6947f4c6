package server

import (
	"container/heap"
	"container/list"
	"net/netip"
	"sync"
	"unsafe"

	"github.com/larkspur-web/larkspur/environ"
)

// A waiting is the calls that wait and have no slot, by client: see [Slots.Waiting].
type waiting struct {
	mu      sync.Mutex
	max     int
	units   int
	clients map[netip.Prefix]*client
	most    clients
	blocks  map[*byte]int // large blocks, by where they are, with the number of their waiters
}

// A client is the calls of one address that wait.
type client struct {
	address netip.Prefix
	units   int
	index   int       // in clients
	waiters list.List // of *waiter, in the order in which they began to wait
}

// A waiter is a call that waits, or will. Its owner is the call; while it waits, all but evict
// belongs to the waiting.
type waiter struct {
	evict   func() // ends the wait; it is called at most once for each, and must not block
	address netip.Prefix

	client  *client // nil while it does not wait
	place   *list.Element
	units   int
	block   *byte // its large block, nil for none
	evicted bool  // it may not wait again
}

// unit is how much of a block counts as one more call.
const unit = 64 << 10

// errEvicted ends a call that waits, where too many do.
var errEvicted = &environ.Error{Code: environ.CodeFull, Status: 503,
	Msg: "too many calls wait; this one's client has the most of them, and it has waited longest"}

// enter adds w, which has block in hand, or fails, if there are too many and it is the one to go.
func (a *waiting) enter(w *waiter, block string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w.evicted {
		return errEvicted
	}
	w.units = 1
	if len(block) >= unit {
		w.block = unsafe.StringData(block) // two calls that send one constant have it once
		if a.blocks == nil {
			a.blocks = make(map[*byte]int)
		}
		if a.blocks[w.block]++; a.blocks[w.block] == 1 {
			w.units += len(block) / unit
		}
	}
	c := a.clients[w.address]
	if c == nil {
		c = &client{address: w.address}
		if a.clients == nil {
			a.clients = make(map[netip.Prefix]*client)
		}
		a.clients[w.address] = c
		heap.Push(&a.most, c)
	}
	w.client, w.place = c, c.waiters.PushBack(w)
	a.add(c, w.units)
	for a.units > a.max {
		most := a.most[0]
		if most.units <= c.units {
			most = c
		}
		oldest := most.waiters.Front().Value.(*waiter)
		a.remove(oldest)
		oldest.evicted = true
		if oldest == w {
			return errEvicted
		}
		oldest.evict()
	}
	return nil
}

// leave removes w, and fails if it has been evicted.
func (a *waiting) leave(w *waiter) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w.evicted {
		return errEvicted
	}
	a.remove(w)
	return nil
}

// remove removes w. a.mu is held.
func (a *waiting) remove(w *waiter) {
	if w.block != nil {
		if a.blocks[w.block]--; a.blocks[w.block] == 0 {
			delete(a.blocks, w.block)
		}
	}
	c := w.client
	c.waiters.Remove(w.place)
	a.add(c, -w.units)
	if c.units == 0 {
		heap.Remove(&a.most, c.index)
		delete(a.clients, c.address)
	}
	w.client, w.place, w.block = nil, nil, nil
}

func (a *waiting) add(c *client, units int) {
	a.units += units
	c.units += units
	heap.Fix(&a.most, c.index)
}

// clients is a heap of those that have calls which wait; the first has the most.
type clients []*client

func (h clients) Len() int           { return len(h) }
func (h clients) Less(i, j int) bool { return h[i].units > h[j].units }
func (h clients) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is heap.Interface's.
func (h *clients) Push(c any) {
	c.(*client).index = len(*h)
	*h = append(*h, c.(*client))
}

// Pop is heap.Interface's.
func (h *clients) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return c
}

// addressOf is what the calls of a client are counted by: its address, or the /64 that an IPv6 host
// has for itself. Where the peer has none, as on a unix socket, all are one.
func addressOf(peer string) netip.Prefix {
	port, err := netip.ParseAddrPort(peer)
	if err != nil {
		return netip.Prefix{}
	}
	return environ.Network(port.Addr())
}
