package fetch

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxForm is how many bytes a form may have.
const maxForm = 16 << 20

// formOf writes names and values as a form of HTML does: a value may be a list of them. What is no
// string and no bytes is written as str does.
func formOf(v starlark.Value) (string, error) {
	var b strings.Builder
	err := pairs(v, func(name, value starlark.Value) error {
		key, err := plain(name)
		if err != nil {
			return err
		}
		text, err := plain(value)
		if err != nil {
			return err
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(key) + "=" + url.QueryEscape(text))
		if b.Len() > maxForm {
			return fmt.Errorf("it has more than %d bytes", maxForm)
		}
		return nil
	})
	return b.String(), err
}

func plain(v starlark.Value) (string, error) {
	if s, ok := host.Octets(v); ok {
		return s, nil
	}
	if err := host.Measure(v, maxForm); err != nil {
		return "", err
	}
	return v.String(), nil
}

// pairs calls f with each name and value of a dict, or of an iterable of pairs. A value that is a
// list or a tuple is several.
func pairs(v starlark.Value, f func(name, value starlark.Value) error) error {
	all, ok := v.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("got %s, want a dict, or pairs", v.Type())
	}
	if err := host.CheckElements(v); err != nil {
		return err
	}
	if m, ok := v.(starlark.IterableMapping); ok {
		for _, item := range m.Items() {
			if err := each(item[0], item[1], f); err != nil {
				return err
			}
		}
		return nil
	}
	iter := all.Iterate()
	defer iter.Done()
	var x starlark.Value
	for iter.Next(&x) {
		pair, ok := x.(starlark.Indexable)
		if _, text := host.Octets(x); !ok || text || pair.Len() != 2 {
			return fmt.Errorf("got %s, want a pair: (name, value)", host.Show(x))
		}
		if err := each(pair.Index(0), pair.Index(1), f); err != nil {
			return err
		}
	}
	return host.IterError(iter)
}

func each(name, value starlark.Value, f func(name, value starlark.Value) error) error {
	switch value.(type) {
	case *starlark.List, starlark.Tuple:
		for x := range starlark.Elements(value.(starlark.Iterable)) {
			if err := f(name, x); err != nil {
				return err
			}
		}
		return nil
	}
	return f(name, value)
}
