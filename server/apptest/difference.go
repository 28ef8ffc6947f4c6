package apptest

import (
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// difference says where two values that are not equal begin to differ, where that is not plain to
// see, and hints at the usual mistakes. It is "" if there is nothing to say.
func difference(got, want starlark.Value) string {
	if g, ok := host.Octets(got); ok && got.Type() != want.Type() {
		if w, ok := host.Octets(want); ok && g == w {
			return fmt.Sprintf("the octets are the same, but %s is not %s: .text is a string, "+
				".body is bytes", got.Type(), want.Type())
		}
	}
	path, g, w := descend("", got, want, 0)
	if gs, ok := host.Octets(g); ok {
		if ws, ok := host.Octets(w); ok && strings.Contains(gs+ws, "\n") {
			return prefixed(path, lineDifference(gs, ws))
		}
	}
	if path == "" {
		return ""
	}
	return fmt.Sprintf("at %s: got %s, want %s", path, showMissing(g), showMissing(w))
}

func prefixed(path, text string) string {
	if path == "" {
		return text
	}
	return "at " + path + ", " + text
}

func showMissing(v starlark.Value) string {
	if v == nil {
		return "nothing"
	}
	return show(v)
}

// maxDescent bounds how deep a difference is looked for.
const maxDescent = 20

// descend returns the innermost pair of values that differ first, and the path to it. One of them
// is nil if it is missing.
func descend(path string, got, want starlark.Value,
	depth int) (string, starlark.Value, starlark.Value) {
	if depth == maxDescent {
		return path, got, want
	}
	switch g := got.(type) {
	case starlark.IterableMapping:
		if w, ok := want.(starlark.IterableMapping); ok {
			return descendMapping(path, g, w, depth)
		}
	case starlark.Indexable:
		w, ok := want.(starlark.Indexable)
		if _, text := host.Octets(got); !ok || text || got.Type() != want.Type() {
			break
		}
		for i := range max(g.Len(), w.Len()) {
			at := fmt.Sprintf("%s[%d]", path, i)
			switch {
			case i >= g.Len():
				return at, nil, w.Index(i)
			case i >= w.Len():
				return at, g.Index(i), nil
			case differ(g.Index(i), w.Index(i)):
				return descend(at, g.Index(i), w.Index(i), depth+1)
			}
		}
	}
	return path, got, want
}

func descendMapping(path string, got, want starlark.IterableMapping,
	depth int) (string, starlark.Value, starlark.Value) {
	for _, item := range want.Items() {
		at := fmt.Sprintf("%s[%s]", path, item[0])
		v, found, err := got.Get(item[0])
		switch {
		case err != nil || !found:
			return at, nil, item[1]
		case differ(v, item[1]):
			return descend(at, v, item[1], depth+1)
		}
	}
	for _, item := range got.Items() {
		if _, found, err := want.Get(item[0]); err != nil || !found {
			return fmt.Sprintf("%s[%s]", path, item[0]), item[1], nil
		}
	}
	return path, got, want
}

func differ(a, b starlark.Value) bool {
	same, err := starlark.Equal(a, b)
	return err != nil || !same
}

// lineDifference names the first line in which two texts differ.
func lineDifference(got, want string) string {
	g, w := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	n := 0
	for n < len(g) && n < len(w) && g[n] == w[n] {
		n++
	}
	line := func(lines []string) string {
		if n >= len(lines) || lines[n] == "" {
			return "nothing"
		}
		return show(starlark.String(lines[n]))
	}
	return fmt.Sprintf("line %d: got %s, want %s", n+1, line(g), line(w))
}
