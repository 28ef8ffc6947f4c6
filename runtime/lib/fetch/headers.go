package fetch

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxFields is how many fields the head of a request may have.
const maxFields = 100

// written are the fields that a script does not write: those of the connection, which is not its own,
// and Host, which would ask for another host than the one that is granted.
var written = map[string]bool{
	"Host": true, "Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Te": true,
	"Keep-Alive": true, "Upgrade": true, "Trailer": true, "Expect": true, "Proxy-Connection": true,
	"Proxy-Authorization": true, "Http2-Settings": true,
}

// fieldsOf returns the fields of a head, None being none: nil.
func fieldsOf(v starlark.Value) (http.Header, error) {
	if v == starlark.None {
		return nil, nil
	}
	h := make(http.Header)
	n, size := 0, 0
	err := pairs(v, func(name, value starlark.Value) error {
		key, ok := starlark.AsString(name)
		if !ok || !token(key) {
			return fmt.Errorf("%s is no name of a field", host.Show(name))
		}
		if canonical := http.CanonicalHeaderKey(key); written[canonical] {
			return fmt.Errorf("the field %s is written by fetch, not by a script", canonical)
		}
		text, ok := starlark.AsString(value)
		switch {
		case !ok:
			return fmt.Errorf("the field %s is %s: want a string", key, value.Type())
		case !fieldValue(text):
			return fmt.Errorf("the field %s has a character that no field may have", key)
		}
		n, size = n+1, size+len(key)+len(text)
		if n > maxFields || size > maxHead {
			return fmt.Errorf("there are more than %d fields, or they have more than %d bytes", maxFields,
				maxHead)
		}
		h.Add(key, strings.Trim(text, " \t"))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("for parameter headers: %w", err)
	}
	return h, nil
}

// token reports whether a text is one, RFC 9110, section 5.6.2.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// fieldValue reports whether a text may be the value of a field, RFC 9110, section 5.5: nothing in it
// ends the line.
func fieldValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// headers are what headersType describes. They are immutable.
type headers struct {
	host.Object
	header http.Header
}

func newHeaders(h http.Header) *headers { return &headers{"fetch.headers", h} }

var (
	_ starlark.IterableMapping = (*headers)(nil)
	_ starlark.Sequence        = (*headers)(nil)
	_ starlark.HasAttrs        = (*headers)(nil)
)

func (h *headers) String() string {
	return "<fetch.headers, " + strconv.Itoa(len(h.header)) + ">"
}

// Truth reports whether there is any.
func (h *headers) Truth() starlark.Bool { return len(h.header) > 0 }

// Len counts the names.
func (h *headers) Len() int { return len(h.header) }

func (h *headers) names() []string { return slices.Sorted(maps.Keys(h.header)) }

// Iterate gives each name once.
func (h *headers) Iterate() starlark.Iterator {
	var all starlark.Tuple
	for _, name := range h.names() {
		all = append(all, starlark.String(name))
	}
	return all.Iterate()
}

// Items gives each field, repeated ones too.
func (h *headers) Items() []starlark.Tuple {
	var all []starlark.Tuple
	for _, name := range h.names() {
		for _, value := range h.header[name] {
			all = append(all, starlark.Tuple{starlark.String(name), starlark.String(value)})
		}
	}
	return all
}

// Get returns the first field of a name.
func (h *headers) Get(name starlark.Value) (starlark.Value, bool, error) {
	s, ok := starlark.AsString(name)
	if !ok || len(h.header.Values(s)) == 0 {
		return nil, false, nil
	}
	return starlark.String(h.header.Get(s)), true, nil
}

func (h *headers) AttrNames() []string { return headersType.AttrNames() }

// Attr returns a method.
func (h *headers) Attr(name string) (starlark.Value, error) { return headersType.Method(h, name), nil }

var headersType = &host.Type{
	Name: "fetch.headers",
	Doc: "The fields of a head: a mapping from names, in which small and capital letters are the same, " +
		"to the first field of the name. A name may have several.",
	Members: []host.Member{
		{
			Name: "get",
			Doc:  "Returns the first field of a name.",
			Params: []host.Param{
				{Name: "name", Doc: "the name", Type: "string"},
				{
					Name: "default", Type: "any", Default: starlark.None,
					Doc: "what is returned if there is none",
				},
			},
			Result:  "a string",
			Example: `q.headers.get("accept")  # "text/plain"`,
			Fn: func(h *headers, name string, other starlark.Value) starlark.Value {
				if all := h.header.Values(name); len(all) > 0 {
					return starlark.String(all[0])
				}
				return other
			},
		},
		{
			Name:    "getall",
			Doc:     "Returns all fields of a name.",
			Params:  []host.Param{{Name: "name", Doc: "the name", Type: "string"}},
			Result:  "a list of strings",
			Example: `q.headers.getall("Accept")  # ["text/plain"]`,
			Fn:      func(h *headers, name string) []string { return h.header.Values(name) },
		},
		{
			Name: "keys", Doc: "Returns the names, each once.", Result: "a list of strings",
			Example: `q.headers.keys()  # ["Accept"]`,
			Fn:      func(h *headers) []string { return h.names() },
		},
		{
			Name: "items", Doc: "Returns each field with its name, repeated names too.",
			Result:  "a list of tuples",
			Example: `q.headers.items()  # [("Accept", "text/plain")]`,
			Fn: func(h *headers) starlark.Value {
				var all []starlark.Value
				for _, item := range h.Items() {
					all = append(all, item)
				}
				return starlark.NewList(all)
			},
		},
	},
}
