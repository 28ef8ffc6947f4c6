package host

import "go.starlark.net/starlark"

// A Markup is a value that is HTML: what writes HTML takes it as it is, and escapes everything
// else.
type Markup interface{ HTML() string }

// An HTML is a text that is HTML, and trusted: a [Markup].
type HTML string

var (
	_ Markup         = HTML("")
	_ starlark.Value = HTML("")
)

// HTML returns the text.
func (h HTML) HTML() string { return string(h) }

// String returns the text, for str().
func (h HTML) String() string { return string(h) }

// Type returns "html".
func (HTML) Type() string { return "html" }

// Freeze does nothing.
func (HTML) Freeze() {}

// Truth is that of the text.
func (h HTML) Truth() starlark.Bool { return h != "" }

// Hash is that of the text.
func (h HTML) Hash() (uint32, error) { return starlark.String(h).Hash() }
