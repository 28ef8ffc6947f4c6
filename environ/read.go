package environ

import (
	"slices"
	"strings"
)

// A reading is what an application has asked its environ for, besides what the table has for all
// requests alike: header fields, and keys that were set.
type reading struct {
	names []string
	all   bool
}

// note notes that a name was asked for, whether there is such a field or not.
func (r *reading) note(name string) {
	if r.all || slices.Contains(r.names, name) {
		return
	}
	if r.names == nil {
		r.names = make([]string, 0, 4)
	}
	r.names = append(r.names, name)
}

// asked notes that a key of the dict was asked for.
func (e *Environ) asked(key string) {
	if e.reading.all {
		return
	}
	e.reading.note(key)
	if field, ok := strings.CutPrefix(key, "HTTP_"); ok {
		e.field(field)
	}
}

// Read returns what the application has asked for up to now of what the client's request may have
// and another one for the same target may not: the names of header fields, and the keys that were
// set before they were asked for. all reports whether it may have seen every one of them, as who
// copies or lists the dict has. A field that Go code takes from the Request is not noted.
func (e *Environ) Read() (names []string, all bool) { return e.reading.names, e.reading.all }
