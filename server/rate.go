package server

import (
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Rate bounds how many requests are taken in a second, of all clients together or of each. One too many is answered
// at once, by 429 or 503, with a Retry-After. A nil one bounds nothing. It must not be copied, or changed after its
// first use, and is safe for concurrent use.
type Rate struct {
	// PerSecond is how many there may be in a second, in the long run. It must not be 0.
	PerSecond float64
	// Burst is how many there may be at once. Zero means those of a second, one at least.
	Burst int

	mu      sync.Mutex
	all     *rate.Limiter
	clients map[netip.Prefix]*list.Element
	recent  list.List // of *rated; who came last is last
}

// A rated client is one whose requests are counted.
type rated struct {
	client netip.Prefix
	limit  *rate.Limiter
}

// maxRated is how many clients are known. Whoever came longest ago is forgotten for one more.
const maxRated = 1 << 16

func (r *Rate) limiter() *rate.Limiter {
	burst := r.Burst
	if burst <= 0 {
		burst = max(1, int(math.Ceil(r.PerSecond)))
	}
	return rate.NewLimiter(rate.Limit(r.PerSecond), burst)
}

// take takes a request of any client. If there are too many, it returns how long that will be so.
func (r *Rate) take() time.Duration {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	if r.all == nil {
		r.all = r.limiter()
	}
	l := r.all
	r.mu.Unlock()
	return takeOf(l)
}

// takeFor takes a request of a client.
func (r *Rate) takeFor(client netip.Prefix) time.Duration {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	e := r.clients[client]
	switch {
	case e != nil:
		r.recent.MoveToBack(e)
	default:
		if r.clients == nil {
			r.clients = make(map[netip.Prefix]*list.Element)
		}
		if len(r.clients) >= maxRated {
			oldest := r.recent.Remove(r.recent.Front()).(*rated)
			delete(r.clients, oldest.client)
		}
		e = r.recent.PushBack(&rated{client, r.limiter()})
		r.clients[client] = e
	}
	l := e.Value.(*rated).limit
	r.mu.Unlock()
	return takeOf(l)
}

func takeOf(l *rate.Limiter) time.Duration {
	reservation := l.Reserve()
	wait := reservation.Delay()
	if wait > 0 {
		reservation.Cancel() // nobody waits for it
	}
	return wait
}

// retryAfter says when to come again, in whole seconds.
func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}
