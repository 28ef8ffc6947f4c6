package html

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// harmless is what stands where a value was not safe: html/template's word, which can be searched
// for.
const harmless = "ZgotmplZ"

// attributes are those of one element, as they are written.
type attributes struct {
	thread  *starlark.Thread
	element string
	b       strings.Builder
	names   map[string]bool
}

// String is what stands in the tag behind its name.
func (a *attributes) String() string { return a.b.String() }

// attributeName is the attribute for the name of an argument: class_ is class, hx_get is hx-get.
func attributeName(arg string) string {
	name := strings.TrimSuffix(arg, "_")
	if name == "" {
		return arg
	}
	return strings.ReplaceAll(name, "_", "-")
}

// addAll adds the attributes of a dict, whose names stand as they are.
func (a *attributes) addAll(d starlark.IterableMapping) error {
	for _, item := range d.Items() {
		name, ok := starlark.AsString(item[0])
		if !ok {
			return fmt.Errorf("a dict of attributes has the key %s", item[0].Type())
		}
		if err := a.add(name, item[1]); err != nil {
			return err
		}
	}
	return nil
}

// add adds one attribute.
func (a *attributes) add(name string, v starlark.Value) error {
	if !isAttribute(name) {
		return fmt.Errorf("%q is not the name of an attribute", host.Cut(name))
	}
	lower := strings.ToLower(name)
	if a.names[lower] {
		return fmt.Errorf("the attribute %s is given twice", name)
	}
	if a.names == nil {
		a.names = make(map[string]bool)
	}
	a.names[lower] = true
	if on, ok := v.(starlark.Bool); ok && isEnumerated(lower) {
		v = starlark.String(strings.ToLower(on.String()))
	}
	switch v {
	case starlark.None, starlark.False:
		return nil
	case starlark.True:
		a.b.WriteString(" " + name)
		return nil
	}
	s, err := a.value(lower, v)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if a.b.Len()+len(s) > maxSize {
		return errLarge
	}
	a.b.WriteString(" " + name + `="` + escapeText(s) + `"`)
	return nil
}

// value returns the text of an attribute, made harmless for what the attribute does with it.
func (a *attributes) value(name string, v starlark.Value) (string, error) {
	if m, ok := v.(host.Markup); ok {
		return m.HTML(), nil // it is trusted, or the page of srcdoc
	}
	if d, ok := v.(starlark.IterableMapping); ok {
		return a.mapping(name, d)
	}
	s, err := valueText(v)
	if err != nil {
		return "", err
	}
	safe, err := a.safe(name, s)
	if safe != s && strings.Contains(safe, harmless) && !strings.Contains(s, harmless) {
		a.warn(name, s, safe)
	}
	return safe, err
}

// warn tells whoever runs the program that a value was not safe: what a client sent may be, so that it
// is no error.
func (a *attributes) warn(name, was, safe string) {
	if a.thread == nil || a.thread.Print == nil {
		return
	}
	const most = 100
	if len(was) > most {
		was = was[:most] + "..."
	}
	a.thread.Print(a.thread, fmt.Sprintf("html.%s: %s = %q can load or run something, and is written as %q; "+
		"write html.raw(...) around what is yours and trusted", a.element, name, was, safe))
}

// safe makes the text of an attribute harmless.
func (a *attributes) safe(name, s string) (string, error) {
	switch use := useOf(a.element, name); use {
	case handler:
		return "", errors.New("it is a program, which is trusted: write html.raw(...), without " +
			"anything that a client sent; pass data as data_x, and read it by " +
			"this.dataset")
	case address:
		if isPicture(a.element, name) && isImage(s) {
			return s, nil
		}
		return safeURL(s), nil
	case addresses:
		return safeList(s), nil
	case refresh:
		return safeRefresh(s), nil
	case css:
		return safeStyle(s), nil
	case document_:
		return escapeText(s), nil
	}
	return s, nil
}

// mapping is class = {"name": condition}, or style = {"property": value}.
func (a *attributes) mapping(name string, d starlark.IterableMapping) (string, error) {
	var all []string
	for _, item := range d.Items() {
		key, ok := starlark.AsString(item[0])
		if !ok {
			return "", fmt.Errorf("the dict has the key %s, not a string", item[0].Type())
		}
		switch {
		case name == "class":
			if item[1].Truth() {
				all = append(all, key)
			}
		case name != "style":
			return "", errors.New("only class and style take a dict")
		case item[1] != starlark.None && item[1] != starlark.False:
			s, err := valueText(item[1])
			if err != nil {
				return "", err
			}
			if strings.ContainsAny(s, ";") || strings.ContainsAny(key, ";:") {
				s = harmless
			}
			all = append(all, safeStyle(key+": "+s))
		}
	}
	if name == "style" {
		return strings.Join(all, "; "), nil
	}
	return strings.Join(all, " "), nil
}

// valueText returns the text of a string, a number, or a list of them, joined by blanks.
func valueText(v starlark.Value) (string, error) {
	if s, ok := host.Octets(v); ok {
		return s, nil
	}
	switch v := v.(type) {
	case starlark.Int, starlark.Float:
		return v.String(), nil
	case starlark.Bool:
		return strings.ToLower(v.String()), nil
	case *starlark.List, starlark.Tuple:
		var all []string
		size := 0
		for x := range starlark.Elements(v.(starlark.Iterable)) {
			if x == starlark.None || x == starlark.False {
				continue
			}
			if _, ok := x.(starlark.Sequence); ok {
				return "", fmt.Errorf("a list of values has %s in it", x.Type())
			}
			s, err := valueText(x)
			if err != nil {
				return "", err
			}
			if size += len(s); size > maxSize {
				return "", errLarge
			}
			all = append(all, s)
		}
		return strings.Join(all, " "), nil
	}
	return "", fmt.Errorf("the value is %s, not a string, a number, a bool or a list", v.Type())
}

// isAttribute reports whether a name can be one of an attribute. HTML takes nearly anything; these
// are what libraries and SVG use, and none of them ends the tag.
func isAttribute(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("_:@", c) >= 0
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '-' && c != '.') {
			return false
		}
	}
	return name != ""
}

// isEnumerated reports whether an attribute says true and false in words.
func isEnumerated(name string) bool {
	return strings.HasPrefix(name, "aria-") || name == "draggable" || name == "contenteditable" ||
		name == "spellcheck"
}
