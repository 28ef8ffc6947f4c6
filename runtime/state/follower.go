package state

import (
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A follower is who reads a feed, for a call of a script: from when it begins until a loop ends, or the
// request.
type follower struct {
	thread *starlark.Thread
	feed   *feed  // nil while it does not follow
	at     uint64 // what was given last
	left   func() // leaves the feed, once
	forget func() // has the end of the request be nothing to it
}

// iterable is what a script loops over. Each iteration begins where the last one has ended.
func (f *follower) iterable(
	object host.Object, poll func() (starlark.Value, bool, <-chan struct{}, error),
) *host.Iterable {
	return &host.Iterable{Object: object, Thread: f.thread, Start: func() host.Steps {
		return host.Steps{Poll: poll, Done: f.leave}
	}}
}

// follow has it follow a feed, which it is a user of already.
func (f *follower) follow(to *feed) {
	f.leave() // if it is asked again
	call := host.CallOf(f.thread)
	f.feed, f.left = to, sync.OnceFunc(func() { to.leave(call) })
	f.forget = call.OnEnd(f.left)
}

// next returns the next message, or a channel that is closed when there may be one.
func (f *follower) next() (*message, <-chan struct{}, error) {
	m, later, err := f.feed.poll(f.thread, f.at)
	if m != nil {
		f.at = m.sequence
	}
	return m, later, err
}

// renew gives the call the limits of a new request, as something is given.
func (f *follower) renew() {
	if c, ok := host.CallOf(f.thread).(host.Renewer); ok {
		c.Renew()
	}
}

func (f *follower) leave() {
	if f.feed != nil {
		f.forget()
		f.left()
		f.feed = nil
	}
}
