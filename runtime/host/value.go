package host

import (
	"errors"
	"io/fs"

	"go.starlark.net/starlark"
)

// An Object is embedded by a Go type that is a value for scripts, and whose inside no script
// sees. It is the name of the type, and has the five methods that every value has; a type that
// differs in one declares that itself.
type Object string

// String returns the name in angle brackets.
func (o Object) String() string { return "<" + string(o) + ">" }

// Type returns the name.
func (o Object) Type() string { return string(o) }

// Freeze does nothing.
func (Object) Freeze() {}

// Truth returns True.
func (Object) Truth() starlark.Bool { return starlark.True }

// Hash fails: a value that is one of its kind makes no key.
func (o Object) Hash() (uint32, error) { return 0, errors.New("unhashable: " + string(o)) }

// What a value may say of itself.
type (
	// A StandIn stands for a value of the language: type() says what StandsFor returns.
	StandIn interface{ StandsFor() string }
	// A Remainder knows how many bytes it still has to give.
	Remainder interface{ Remaining() (n int64, ok bool) }
	// A Sizer knows how many bytes of memory it holds besides what the interpreter can see.
	Sizer interface{ Size() int64 }
	// A Wrapper is an application that stands around another one, as middleware makes it: tools
	// find in it what it wraps.
	Wrapper interface{ Wrapped() starlark.Callable }
	// A Treed is a directory: what answers with files finds them in its tree, where each look is one
	// at what is there then. The tree of one directory equals that of another value of the same.
	Treed interface{ Tree() fs.FS }
	// An Event is a value that may be sent as an event of a stream, to many at once.
	Event interface {
		starlark.Value
		// Event returns what is sent.
		Event() (id string, data starlark.Value)
		// Once returns what write returns, which is called for the first of all who ask, and depends on
		// nothing but the event.
		Once(write func() (starlark.String, error)) (starlark.Value, error)
	}
	// An Answer is an application that is made to answer single requests: where a function that
	// returns one is wanted, it may stand itself.
	Answer interface {
		starlark.Callable
		Answers()
	}
)

// An Iterator is one that can fail: after Next has returned false, Err says why, or nil at the end.
type Iterator interface {
	starlark.Iterator
	Err() error
}

// A Poller is an Iterator that can say that its next element is still to come.
type Poller interface {
	Iterator
	// Polls reports whether it can. Else Poll waits, as Next does.
	Polls() bool
	// Poll is as Next, but if the next element is still to come it returns a channel, which is closed when
	// it is to be asked again.
	Poll(p *starlark.Value) (ok bool, later <-chan struct{})
}

// IterError returns what ended an iteration early. An iterator that is not an [Iterator] cannot
// fail.
func IterError(i starlark.Iterator) error {
	if i, ok := i.(Iterator); ok {
		return i.Err()
	}
	return nil
}
