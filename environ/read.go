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

// NoteReads begins to note what [Environ.Read] returns. Most requests have no use for it.
func (e *Environ) NoteReads() { e.noting = true }

// Read returns what the application has asked for, since NoteReads, of what the client's request
// may have and another one for the same target may not: the names of header fields, whether they
// are there or not, the keys that were set before they were asked for, and those that are not
// there. all reports whether it may have seen every one of them, as who copies or lists the dict
// has. A field that Go code takes from the Request is not noted.
func (e *Environ) Read() (names []string, all bool) {
	if e.reading == nil {
		return nil, false
	}
	return e.reading.names, e.reading.all
}

// note notes that a name was asked for. Once all is noted nothing is written any more: a frozen
// environ may be read by several goroutines.
func (e *Environ) note(name string) {
	if r := e.noted(); r != nil && !r.all && !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
}

// noteAll notes that all may be seen.
func (e *Environ) noteAll() {
	if r := e.noted(); r != nil && !r.all {
		r.all = true
	}
}

// noted returns where to note, nil if nothing is.
func (e *Environ) noted() *reading {
	if e.noting && e.reading == nil {
		e.reading = new(reading)
	}
	return e.reading
}

// noteKey notes that a key of the dict was asked for.
func (e *Environ) noteKey(key string) {
	if !e.noting {
		return
	}
	e.note(key)
	if field, ok := strings.CutPrefix(key, "HTTP_"); ok {
		e.field(field)
	}
}
