package site

import (
	"net/http"
	"sync/atomic"
)

// An edition is the handler of one Site, and counts the requests that it answers: its applications
// may end with the last of them, unless another edition has them too.
type edition struct {
	handler http.Handler
	apps    []*running
	retire  *retirement  // of its Site, of which there may be editions before and after it
	users   atomic.Int64 // requests, and one while its Site is served
}

// A retirement calls [Site.Retire] when the last edition of a Site has ended.
type retirement struct {
	editions atomic.Int64
	retire   func() // nil does nothing
}

func (r *retirement) leave() {
	if r.editions.Add(-1) == 0 && r.retire != nil {
		r.retire()
	}
}

func newEdition(h http.Handler, apps []*running, retire *retirement) *edition {
	e := &edition{handler: h, apps: apps, retire: retire}
	e.users.Store(1)
	retire.editions.Add(1)
	for _, r := range apps {
		r.editions.Add(1)
	}
	return e
}

// serve answers a request, and reports false if it does not because it has ended.
func (e *edition) serve(w http.ResponseWriter, r *http.Request) bool {
	for {
		n := e.users.Load()
		if n == 0 {
			return false
		}
		if e.users.CompareAndSwap(n, n+1) {
			break
		}
	}
	defer e.leave()
	e.handler.ServeHTTP(w, r)
	return true
}

// leave ends a request, or the serving of the Site. The last to leave lets the applications go.
func (e *edition) leave() {
	if e.users.Add(-1) > 0 {
		return
	}
	for _, r := range e.apps {
		if r.editions.Add(-1) == 0 {
			r.close()
		}
	}
	e.retire.leave()
}
