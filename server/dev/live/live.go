// Package live keeps the pages that are open in a browser up to date with the files that they are
// made of.
//
// # The model
//
// A [Hub] holds one [State]: how many changes there have been, which was the last that takes more
// than new style sheets, and what is wrong now. Browsers are sent the whole state whenever it
// changes, as server-sent events, and never a difference: one that was away has missed nothing that
// it needs.
//
// [Hub.Inject] puts one script into the HTML pages of an application. It names the state that the
// page was made in, so that a change that came between the page and the script's own connection is
// seen. The script asks for the page again, puts fresh style sheets in, or shows what is wrong over
// the page: that the program does not load, or that this page broke off after its beginning.
//
// Pages of one browser share a connection: HTTP/1.1 has six for each host, and tabs would use them
// up. The script's instances elect the one that connects, by a lock, and it passes on what it is
// sent.
package live

import (
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// The paths at which a browser finds what it needs. Whoever serves them guards them.
const (
	ScriptPath = "/_larkspur/live.js"
	EventsPath = "/_larkspur/events"
)

// A State is what browsers are told. It is immutable.
type State struct {
	// Boot names the process: a page of another one is out of date.
	Boot string `json:"boot"`
	// Change counts the changes.
	Change uint64 `json:"change"`
	// Reload is the last change that takes more than new style sheets.
	Reload uint64 `json:"reload"`
	// Overlay says what keeps the last change from being served; nil if nothing does.
	Overlay *Overlay `json:"overlay,omitempty"`
	// Failures are the last responses that failed after a page had begun, and Failed counts them.
	Failures []Failure `json:"failures,omitempty"`
	Failed   uint64    `json:"failed"`
	// Requests counts what the inspector lists.
	Requests uint64 `json:"requests"`
}

// A Failure is what broke off a page, which shows it.
type Failure struct {
	Page    uint64   `json:"page"` // its ID
	Overlay *Overlay `json:"overlay"`
}

// maxFailures is how many are kept: a page that asks for them has just begun.
const maxFailures = 20

// An Overlay is what is shown over the page.
type Overlay struct {
	Title string `json:"title"`
	Items []Item `json:"items"`
	Note  string `json:"note"`
}

// An Item of an Overlay is a diagnostic with the lines around its place.
type Item struct {
	Place   string      `json:"place"` // as the user would name it
	Message string      `json:"message"`
	Lines   []host.Line `json:"lines"`
}

// A Hub tells browsers what has changed. Use [NewHub]. It is safe for concurrent use.
type Hub struct {
	nonce string // of the script, where a policy knows nothing else

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed at the next change
	closed  bool
}

// NewHub returns a hub of which no state has been told yet.
func NewHub() *Hub {
	return &Hub{
		nonce:   rand.Text(),
		state:   State{Boot: rand.Text()[:8], Change: 1, Reload: 1},
		changed: make(chan struct{}),
	}
}

// State returns the present state.
func (h *Hub) State() State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}

// Close ends all connections: a server that drains waits for them.
func (h *Hub) Close() {
	h.update(func(*State) { h.closed = true })
}

func (h *Hub) update(change func(*State)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.state)
	close(h.changed)
	h.changed = make(chan struct{})
}

// Loaded tells that the program was loaded again. The pages are out of date if the overlay is nil.
func (h *Hub) Loaded(o *Overlay) {
	h.update(func(s *State) {
		s.Change++
		s.Overlay = o
		if o == nil {
			s.Reload = s.Change
		}
	})
}

// Failed tells the page that has the ID what has broken it off.
func (h *Hub) Failed(page uint64, o *Overlay) {
	h.update(func(s *State) {
		s.Failed++
		// A copy: a state is immutable.
		kept := s.Failures[max(len(s.Failures)-maxFailures+1, 0):]
		s.Failures = append(slices.Clone(kept), Failure{page, o})
	})
}

// Changed tells that other files have changed. If they are style sheets the pages stay.
func (h *Hub) Changed(files []string) {
	h.update(func(s *State) {
		s.Change++
		other := func(f string) bool { return !strings.HasSuffix(f, ".css") }
		if slices.ContainsFunc(files, other) {
			s.Reload = s.Change
		}
	})
}

// Requested tells that the inspector's list has changed.
func (h *Hub) Requested() { h.update(func(s *State) { s.Requests++ }) }

const (
	// keepAlive is how long nothing is sent before a comment is, by which a client that has gone is
	// noticed.
	keepAlive = 15 * time.Second
	gather    = 100 * time.Millisecond // requests are told of at most so often
)

// ServeEvents sends the state, and each that comes after it, until the client goes or the hub is
// closed. Only a client that says ?requests is told that nothing but the number of requests has
// changed.
func (h *Hub) ServeEvents(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // a writer without deadlines has none to lift
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	requests := r.URL.Query().Has("requests")
	var sent State
	for first := true; ; first = false {
		h.mu.Lock()
		state, changed, closed := h.state, h.changed, h.closed
		h.mu.Unlock()
		if closed {
			return
		}
		if first || !same(state, sent, requests) {
			text, err := json.Marshal(state)
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "retry: 250\ndata: %s\n\n", text); err != nil {
				return
			}
			if control.Flush() != nil {
				return
			}
			if sent.Requests != state.Requests && requests && host.Pause(r.Context(), gather) != nil {
				return
			}
			sent = state
		}
		if !await(w, r, control, changed) {
			return
		}
	}
}

// await waits for a change, and reports whether the client is still there.
func await(
	w http.ResponseWriter, r *http.Request, control *http.ResponseController, changed <-chan struct{},
) bool {
	for {
		silence := time.NewTimer(keepAlive)
		select {
		case <-changed:
			silence.Stop()
			return true
		case <-r.Context().Done():
			silence.Stop()
			return false
		case <-silence.C:
			if _, err := w.Write([]byte(":\n\n")); err != nil || control.Flush() != nil {
				return false
			}
		}
	}
}

func same(a, b State, requests bool) bool {
	return a.Change == b.Change && a.Failed == b.Failed && (!requests || a.Requests == b.Requests)
}

//go:embed live.js
var script []byte

// ServeScript sends the script that [Hub.Inject] puts into pages.
func (h *Hub) ServeScript(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(script) // nobody is left to tell
}
