package host

import "fmt"

// An Outage is the error of something that was to be done outside of the program and was not: a
// request, a mail. It wraps nothing: what package net says of its own errors, a time-out say, would
// be taken for something about the call. It is immutable.
type Outage struct{ kind, msg string }

var (
	_ Kinder   = (*Outage)(nil)
	_ Statuser = (*Outage)(nil)
)

// NewOutage returns one of a kind, by which a script tells it from others. Those of the kinds
// "refused", "invalid" and "limit" are a fault of whoever wrote or runs the program; of the others,
// "timeout" among them, the program is a gateway that failed.
func NewOutage(kind, format string, args ...any) *Outage {
	return &Outage{kind, fmt.Sprintf(format, args...)}
}

func (o *Outage) Error() string { return o.msg }

// Kind is [Kinder]'s.
func (o *Outage) Kind() string { return o.kind }

// HTTPStatus is [Statuser]'s.
func (o *Outage) HTTPStatus() int {
	switch o.kind {
	case "refused", "invalid", "limit":
		return 500
	case "timeout":
		return 504
	}
	return 502
}

// Of returns the outage with what was to be done before it, if that is not "".
func (o *Outage) Of(what string) *Outage {
	if what == "" {
		return o
	}
	return &Outage{o.kind, what + ": " + o.msg}
}
