package upstream

import (
	"net/http"
	"sync"

	"github.com/larkspur-web/larkspur/push"
)

// An interim is where a response is written to: its 103s are acted upon beside it, one after the
// other, and the response waits for that.
//
// net/http tells of a 103 on the goroutine that reads the connection, which over HTTP/2 all requests
// share. A promise waits for an answer that may be on its way on that very connection, so that
// nothing may be waited for there.
type interim struct {
	http.ResponseWriter
	plan   *push.Plan
	header http.Header // until it is sent: that of the ResponseWriter is the plan's as long
	sent   bool

	acting sync.WaitGroup
	mu     sync.Mutex
	hints  []http.Header // the first is being acted upon
}

// maxHints is how many 103s may wait. A server that sends more at once has those after them left out.
const maxHints = 64

// Unwrap is http.ResponseController's.
func (i *interim) Unwrap() http.ResponseWriter { return i.ResponseWriter }

// Header is http.ResponseWriter's.
func (i *interim) Header() http.Header {
	if i.sent {
		return i.ResponseWriter.Header()
	}
	return i.header
}

// WriteHeader sends a header, or has a 103 acted upon. Other interim responses say nothing to a client.
func (i *interim) WriteHeader(status int) {
	switch {
	case status == http.StatusEarlyHints:
		i.hint(i.header.Clone())
	case status >= 200 && !i.sent:
		i.acting.Wait()
		h := i.ResponseWriter.Header()
		for name, values := range i.header {
			h[name] = append(h[name], values...)
		}
		i.sent = true
		i.ResponseWriter.WriteHeader(status)
	}
}

// Write is io.Writer's.
func (i *interim) Write(p []byte) (int, error) {
	if !i.sent {
		i.WriteHeader(http.StatusOK)
	}
	return i.ResponseWriter.Write(p)
}

func (i *interim) hint(h http.Header) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.hints) == maxHints {
		return
	}
	if i.hints = append(i.hints, h); len(i.hints) == 1 {
		i.acting.Go(i.act)
	}
}

// act acts upon what waits.
func (i *interim) act() {
	for h := i.first(); h != nil; h = i.following() {
		i.plan.Hint(h)
	}
}

func (i *interim) first() http.Header {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hints[0]
}

// following takes out the first, and returns the one after it, nil if there is none.
func (i *interim) following() http.Header {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.hints = i.hints[1:]; len(i.hints) == 0 {
		return nil
	}
	return i.hints[0]
}
