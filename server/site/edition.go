package site

import (
	"net/http"
	"sync/atomic"
)

// An edition is the handler of one Site, and counts the requests that it answers: what only it
// needs may end with the last of them.
type edition struct {
	handler http.Handler
	users   atomic.Int64 // requests, and one until it is retired
	end     func()
}

func newEdition(h http.Handler) *edition {
	e := &edition{handler: h, end: func() {}}
	e.users.Store(1)
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

func (e *edition) leave() {
	if e.users.Add(-1) == 0 {
		e.end()
	}
}

// retire has end called once the last request has ended. No new one comes by now.
func (e *edition) retire(end func()) {
	e.end = end
	e.leave()
}
