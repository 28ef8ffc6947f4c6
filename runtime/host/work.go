package host

import (
	"time"

	"go.starlark.net/starlark"
)

// A Work is something that a call had done outside of the program: a statement of a database, a
// request to another server, a mail.
type Work struct {
	// Kind is the name of the module that did it, as "sql".
	Kind string
	// Text says what was done, without the values that were sent along: "SELECT title FROM notes
	// WHERE id = ?", or "GET https://example.com/feed". It has no secret in it.
	Text string
	// Began is when it began, and Took how long it lasted.
	Began time.Time
	Took  time.Duration
	// Count is how many it gave or changed: rows, bytes. Unit says of what.
	Count int64
	Unit  string
	// Err is why it failed, nil if it did not.
	Err error
	// Seen is what a test has to know to have the same happen: an *[Exchange], a *[Letter], or nil.
	// It may have secrets in it.
	Seen any
}

// An Observer is a Call, or a Waiter, that is told of what is done outside of the program.
type Observer interface {
	// Observe is told of one piece of work, once it has ended. It is called on the goroutine of the
	// call and must be short.
	Observe(w Work)
}

// Observe tells whoever observes the call of t, if anybody does.
func Observe(t *starlark.Thread, w Work) {
	if o, ok := CallOf(t).(Observer); ok {
		o.Observe(w)
	}
}
