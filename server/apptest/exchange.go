package apptest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/tee"
)

// An exchange is one request and its response, while the application runs and after. The
// application runs in a coroutine, between two calls of next and at no other time.
type exchange struct {
	session *Session
	request *http.Request
	cancel  context.CancelFunc
	journal journal
	expect  expectation
	lint    string // the file whose frames are not shown

	header http.Header // as the server sets it
	status int         // zero until it is sent
	sent   http.Header
	hints  []http.Header // of each 103

	connection *sync.Map   // what package push knows of the client; nil if it takes no promises
	promises   []*exchange // that it has got
	pending    strings.Builder
	blocks     []string // of the body, as they were flushed

	line *line // of a WebSocket; nil if none is asked for

	next   func() (string, bool)
	stop   func()
	yield  func(string) bool
	gone   bool // the client went away: nobody takes a block any more
	broken bool // the server broke the response off
	panics string
	over   bool
}

// begin makes the exchange. Nothing runs until the first step.
func (s *Session) begin(h http.Handler, r *http.Request) *exchange {
	x := &exchange{session: s, header: make(http.Header)}
	ctx, cancel := context.WithCancel(tee.With(r.Context(), x.journal.record))
	x.request, x.cancel = r.WithContext(ctx), cancel
	x.next, x.stop = iter.Pull(func(yield func(string) bool) {
		x.yield = yield
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				x.broken = true
			default:
				x.panics = fmt.Sprintf("the server panicked: %v", v)
			}
		}()
		var w http.ResponseWriter = x
		if x.line != nil {
			w = hijacker{x}
		}
		h.ServeHTTP(w, x.request)
		x.commit()
		x.flush()
	})
	s.open = append(s.open, x)
	return x
}

// step runs the application until it has sent a block, or only the headers, and returns that block.
// It reports false at the end.
func (x *exchange) step() (string, bool) {
	if x.over {
		return "", false
	}
	block, ok := x.next()
	if !ok {
		x.end()
	}
	return block, ok
}

// rest runs the application to its end and returns what it sends until then.
func (x *exchange) rest() string {
	var all strings.Builder
	for {
		block, ok := x.step()
		if !ok {
			return all.String()
		}
		all.WriteString(block)
	}
}

// close ends the exchange as a client does that goes away. The error is that of an application that
// failed.
func (x *exchange) close() error {
	if x.over {
		return nil
	}
	x.gone = true
	x.cancel()
	x.stop()
	x.end()
	x.broken = false // the client did it
	if d := x.diagnostic(); d != nil && !x.expect.fails {
		return x.failed(d)
	}
	return nil
}

func (x *exchange) end() {
	x.over = true
	x.cancel()
	if i := slices.Index(x.session.open, x); i >= 0 {
		x.session.open = slices.Delete(x.session.open, i, i+1)
	}
	for i := range x.journal.found {
		x.journal.found[i].without(x.lint)
	}
}

// diagnostic returns the first thing that the application is to answer for so far, nil if there is
// none.
func (x *exchange) diagnostic() *diagnostic {
	for i := range x.journal.found {
		if d := &x.journal.found[i]; !d.theirs {
			return d
		}
	}
	switch {
	case x.panics != "":
		return &diagnostic{Diagnostic: host.Diagnostic{Message: x.panics}}
	case x.broken:
		return &diagnostic{Diagnostic: host.Diagnostic{Message: "the response was broken off"}}
	}
	return nil
}

// Header, WriteHeader, Write and Flush are what the server sends.
func (x *exchange) Header() http.Header { return x.header }

func (x *exchange) WriteHeader(status int) {
	switch {
	case x.status != 0:
	case status == http.StatusSwitchingProtocols:
		x.status, x.sent = status, x.fields()
	case status >= 100 && status < 200:
		if status == http.StatusEarlyHints {
			x.hints = append(x.hints, x.fields())
		}
	default:
		x.status, x.sent = status, x.fields()
	}
}

// fields is a copy of the header as it is now, without the names that the server has set to
// nothing.
func (x *exchange) fields() http.Header {
	h := x.header.Clone()
	maps.DeleteFunc(h, func(_ string, values []string) bool { return len(values) == 0 })
	return h
}

func (x *exchange) commit() {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
}

func (x *exchange) Write(b []byte) (int, error) { return x.WriteString(string(b)) }

func (x *exchange) WriteString(s string) (int, error) {
	if x.gone {
		return 0, context.Canceled
	}
	x.commit()
	return x.pending.WriteString(s)
}

// Flush hands over what was written, and waits until the test wants more.
func (x *exchange) Flush() {
	x.commit()
	x.flush()
}

func (x *exchange) flush() {
	if x.gone {
		return
	}
	block := x.pending.String()
	x.pending.Reset()
	if block != "" {
		x.blocks = append(x.blocks, block)
	}
	x.gone = !x.yield(block)
}

// The deadlines of the server are those of a connection, of which there is none.
func (x *exchange) SetReadDeadline(time.Time) error  { return nil }
func (x *exchange) SetWriteDeadline(time.Time) error { return nil }

// EnableFullDuplex is so already.
func (x *exchange) EnableFullDuplex() error { return nil }
