package template

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/starlark"
)

// attribute returns the item of a mapping, or the attribute of another value; nil if there is none.
// A mapping has its methods too, behind its items.
func attribute(of starlark.Value, name starlark.String) (starlark.Value, error) {
	if m, ok := of.(starlark.Mapping); ok {
		v, ok, err := m.Get(name)
		if err == nil && ok {
			return v, nil
		}
		if err != nil {
			if v := method(of, name); v != nil {
				return v, nil
			}
			return nil, err
		}
	}
	v, err := attr(of, string(name))
	var none starlark.NoSuchAttrError
	if errors.As(err, &none) {
		return nil, nil
	}
	return v, err
}

func attr(of starlark.Value, name string) (starlark.Value, error) {
	if a, ok := of.(starlark.HasAttrs); ok {
		return a.Attr(name)
	}
	return nil, nil
}

// method returns a method of a mapping that says of a missing name more than that it is missing.
func method(of starlark.Value, name starlark.String) starlark.Value {
	v, err := attr(of, string(name))
	if err != nil {
		return nil
	}
	return v
}

// few is how many names a message lists.
const few = 12

// missing says that a value has no such name, and what was meant.
func (e *field) missing(of starlark.Value) error {
	name := string(e.name.(starlark.String))
	what, names := "attribute", []string(nil)
	switch of := of.(type) {
	case starlark.NoneType:
		return fmt.Errorf("%s is None, which has no %s", e.of, name)
	case starlark.IterableMapping:
		what = "item"
		for _, item := range of.Items() {
			if s, ok := item[0].(starlark.String); ok {
				names = append(names, string(s))
			}
		}
	case starlark.HasAttrs:
		names = of.AttrNames()
	}
	subject := e.of.String() + " (" + of.Type() + ")"
	if _, ok := e.of.(dot); ok {
		subject = "the " + of.Type()
	}
	message := fmt.Sprintf("%s has no %s %s", subject, what, name)
	if near := spell.Nearest(name, names, 3); near != "" {
		return fmt.Errorf("%s; did you mean %s?", message, near)
	}
	if n := len(names); n > 0 && n <= few && what == "item" {
		return fmt.Errorf("%s; it has %s", message, strings.Join(names, ", "))
	}
	return errors.New(message)
}
