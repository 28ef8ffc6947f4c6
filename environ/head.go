package environ

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
	"go.starlark.net/starlark"
)

// A Head is what an application has said to start_response: the status, and the header fields in
// order.
type Head struct {
	Status int
	Fields []Field
}

// Get returns the value of the first field of a name, in any case; "" if there is none.
func (h *Head) Get(name string) string {
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Has reports whether there is a field of a name, in any case.
func (h *Head) Has(name string) bool {
	return slices.ContainsFunc(h.Fields, func(f Field) bool {
		return strings.EqualFold(f.Name, name)
	})
}

// Set makes value the only one of a field.
func (h *Head) Set(name, value string) {
	h.Drop(name)
	h.Fields = append(h.Fields, Field{Name: name, Value: value})
}

// Default sets a field that is not there.
func (h *Head) Default(name, value string) {
	if !h.Has(name) {
		h.Fields = append(h.Fields, Field{Name: name, Value: value})
	}
}

// Drop takes all fields of a name away.
func (h *Head) Drop(name string) {
	h.Fields = slices.DeleteFunc(h.Fields, func(f Field) bool {
		return strings.EqualFold(f.Name, name)
	})
}

// Vary adds a name to the Vary field, unless it is there. RFC 9110, section 12.5.5.
func (h *Head) Vary(name string) {
	var all []string
	for _, f := range h.Fields {
		if !strings.EqualFold(f.Name, "Vary") {
			continue
		}
		for element := range wire.Elements(f.Value) {
			if element == "*" || strings.EqualFold(element, name) {
				return
			}
			all = append(all, element)
		}
	}
	h.Set("Vary", strings.Join(append(all, name), ", "))
}

// parseHead reads the arguments of start_response. It reports false if they are not as PEP 3333
// wants them, as far as that shows here: the server says what is wrong.
func parseHead(status, headers starlark.Value) (h Head, ok bool) {
	line, ok := starlark.AsString(status)
	if !ok || len(line) < len("200 O") || line[3] != ' ' || !wire.Digits(line[:3]) {
		return h, false
	}
	if h.Status, _ = strconv.Atoi(line[:3]); h.Status < 200 || h.Status > 599 {
		return h, false
	}
	list, ok := headers.(*starlark.List)
	if !ok {
		return h, false
	}
	h.Fields = make([]Field, list.Len())
	for i := range h.Fields {
		pair, ok := list.Index(i).(starlark.Tuple)
		if !ok || len(pair) != 2 {
			return h, false
		}
		name, isName := starlark.AsString(pair[0])
		value, isValue := starlark.AsString(pair[1])
		if !isName || !isValue {
			return h, false
		}
		if h.Fields[i] = (Field{Name: name, Value: value}); CheckField(h.Fields[i], "", i) != nil {
			return h, false
		}
	}
	return h, true
}

// arguments are what a script calls start_response with for h.
func (h *Head) arguments() starlark.Tuple {
	headers := make([]starlark.Value, len(h.Fields))
	for i, f := range h.Fields {
		headers[i] = starlark.Tuple{starlark.String(f.Name), starlark.String(f.Value)}
	}
	reason := cmp.Or(http.StatusText(h.Status), "Unknown") // there must be one
	line := starlark.String(strconv.Itoa(h.Status) + " " + reason)
	return starlark.Tuple{line, starlark.NewList(headers)}
}
