package dev

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A record is what is known of one request. What stands before mu is set when it begins and not
// changed; the rest is written by the goroutine that serves the request and those that log for
// it, while the inspector may look.
type record struct {
	id      uint64
	replays uint64 // the record that it repeats; 0 for a request of a client
	began   time.Time
	session func() *starlark.Dict // that the request came with, once it is over; nil if nobody knows
	request *http.Request         // as the application got it; its header is not to be changed

	mu         sync.Mutex
	signed     *signIn  // what a worker says of the session; nil if none does
	answerer   *mounted // nil before the application is called
	run        host.Run // of its version; nil before, and once the request is over
	generation uint64   // of the application
	status     int      // 0: nothing is answered yet
	header     http.Header
	steps      uint64
	sent       int64  // bytes of the body
	received   int64  // bytes that the application has read
	input      []byte // the first of those
	output     []byte // the first bytes of a replay's answer
	marks      []mark
	logs       []logLine
	verdicts   []verdict
	work       []host.Work
	seen       int // how many of these a test is told of
	failure    *failure
	late       bool          // it failed after the response had begun
	took       time.Duration // once it is over
	over       bool
	broken     bool   // the response was broken off
	saved      string // the file that it was saved in
}

// Bounds of what is kept of one request.
const (
	maxBody  = 64 << 10 // bytes of a body
	maxLogs  = 200
	maxText  = 2 << 10 // bytes of a line of the log
	maxMarks = 50
	maxWork  = 1000
)

// A mark is something that happened at a moment of a request.
type mark struct {
	At   time.Duration // since its beginning
	What string
	Text string
}

// A logLine is a record of the log.
type logLine struct {
	At    time.Duration
	Level string
	Text  string
	Place string // FILE:LINE; empty if it has none
}

// A verdict is one of package push, and when it fell.
type verdict struct {
	push.Verdict
	at time.Duration // since the request began
}

// Note adds a verdict to the record of the page's request r. For one that has none it does
// nothing. It is a push.Policy's Observe.
func Note(r *http.Request, v push.Verdict) {
	if rec := recordOf(r.Context()); rec != nil {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		rec.verdicts = append(rec.verdicts, verdict{v, time.Since(rec.began)})
	}
}

// recordKey is the key of the record among a context's values.
type recordKey struct{}

func withRecord(ctx context.Context, rec *record) context.Context {
	return context.WithValue(ctx, recordKey{}, rec)
}

func recordOf(ctx context.Context) *record {
	rec, _ := ctx.Value(recordKey{}).(*record)
	return rec
}

// mark notes that something happened. The lock is held.
func (r *record) mark(what, text string) {
	if len(r.marks) < maxMarks {
		r.marks = append(r.marks, mark{time.Since(r.began), what, text})
	}
}

// answeredBy notes which application is called for the page. What is promised with it is called
// inside of that.
func (r *record) answeredBy(m *mounted, run host.Run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answerer == nil {
		r.answerer, r.generation, r.run = m, run.Generation(), run
	}
}

// source returns what stood in a script that runs for the request, nil if that is not known (any
// more).
func (r *record) source(file string) []byte {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run == nil {
		return nil
	}
	return host.SourceOf(r.run, file)
}

// Source returns what stood in a script when the version of it was loaded that answers the request
// of ctx, nil if there is none.
func Source(ctx context.Context, file string) []byte { return recordOf(ctx).source(file) }

// by returns the application that answers, nil if none was called.
func (r *record) by() *mounted {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answerer
}

// called notes the end of the application's call.
func (r *record) called(steps uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = steps
}

// blame notes why the request failed. The first to say knows most.
func (r *record) blame(f *failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure == nil {
		r.failure, r.late = f, r.status != 0
	}
}

// finish ends the record. It returns the failure that the response itself cannot show.
func (r *record) finish(whole bool) *failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took, r.over, r.broken = time.Since(r.began), true, !whole
	r.run = nil
	if r.failure == nil {
		return nil
	}
	if r.failure.Status == 0 {
		r.failure.Status = r.status
	}
	if !r.late {
		return nil
	}
	return r.failure
}

func (r *record) log(l logLine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.At = time.Since(r.began)
	if len(l.Text) > maxText {
		l.Text = l.Text[:maxText] + "…"
	}
	if len(r.logs) < maxLogs {
		r.logs = append(r.logs, l)
	}
}

// find returns the record with that id, nil if it is not kept any more.
func (s *Server) find(id string) *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rec := range s.records {
		if fmt.Sprint(rec.id) == id {
			return rec
		}
	}
	return nil
}
