package xml

import (
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An element is what elementType describes. It is immutable once it is parsed.
type element struct {
	host.Object
	tag        string
	attrib     *starlark.Dict // frozen
	text, tail string
	children   []*element
}

var (
	_ starlark.Indexable = (*element)(nil)
	_ starlark.Sequence  = (*element)(nil)
	_ starlark.HasAttrs  = (*element)(nil)
)

func (e *element) String() string { return "<xml.element " + host.Cut(e.tag) + ">" }

// Len counts the elements in it.
func (e *element) Len() int { return len(e.children) }

// Index returns one of them.
func (e *element) Index(i int) starlark.Value { return e.children[i] }

// Iterate goes through them.
func (e *element) Iterate() starlark.Iterator { return &iterator{e.children} }

type iterator struct{ rest []*element }

func (i *iterator) Next(p *starlark.Value) bool {
	if len(i.rest) == 0 {
		return false
	}
	*p, i.rest = i.rest[0], i.rest[1:]
	return true
}

func (i *iterator) Done() {}

// AttrNames are those of the type.
func (e *element) AttrNames() []string { return elementType.AttrNames() }

// Attr returns a field or a method.
func (e *element) Attr(name string) (starlark.Value, error) {
	switch name {
	case "tag":
		return starlark.String(e.tag), nil
	case "attrib":
		return e.attrib, nil
	case "text":
		return textOf(e.text), nil
	case "tail":
		return textOf(e.tail), nil
	}
	return elementType.Method(e, name), nil
}

func textOf(s string) starlark.Value {
	if s == "" {
		return starlark.None
	}
	return starlark.String(s)
}

func list(elements []*element) *starlark.List {
	all := make([]starlark.Value, len(elements))
	for i, e := range elements {
		all[i] = e
	}
	return starlark.NewList(all)
}

// descendants appends e and what is below it, as far as want wants it.
func (e *element) descendants(to []*element, want func(*element) bool) []*element {
	if want(e) {
		to = append(to, e)
	}
	for _, child := range e.children {
		to = child.descendants(to, want)
	}
	return to
}

// texts appends what the element says.
func (e *element) texts(to *[]string) {
	if e.text != "" {
		*to = append(*to, e.text)
	}
	for _, child := range e.children {
		child.texts(to)
		if child.tail != "" {
			*to = append(*to, child.tail)
		}
	}
}

// says reports whether all texts in the element, joined, are what is wanted. It stops at the first
// that is not.
func (e *element) says(want string) bool {
	rest, ok := e.consume(want)
	return ok && rest == ""
}

// consume takes what the element says off the beginning of want.
func (e *element) consume(want string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(want, e.text); !ok {
		return "", false
	}
	for _, child := range e.children {
		if rest, ok = child.consume(rest); !ok {
			return "", false
		}
		if rest, ok = strings.CutPrefix(rest, child.tail); !ok {
			return "", false
		}
	}
	return rest, true
}
