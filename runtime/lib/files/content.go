package files

import (
	"fmt"
	"io"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// contentOf returns what gives the pieces of a value that is written, and what lets go of it. Each
// call of next runs on the thread, outside of the waits of its call: it may run the script, and may
// wait itself. It returns "" for a piece that is empty, and false at the end.
func contentOf(t *starlark.Thread, v starlark.Value) (
	next func() (piece string, ok bool, err error), done func(), err error,
) {
	done = func() {}
	if s, ok := host.Octets(v); ok {
		return func() (string, bool, error) {
			p := s[:min(piece, len(s))]
			s = s[len(p):]
			return p, p != "", nil
		}, done, nil
	}
	if readable(v) {
		r, buf := host.Reader(t, v), make([]byte, piece)
		return func() (string, bool, error) {
			n, err := r.Read(buf)
			switch {
			case n > 0:
				return string(buf[:n]), true, nil // an error comes again
			case err == io.EOF:
				return "", false, nil
			}
			return "", err == nil, err
		}, done, nil
	}
	blocks, ok := v.(starlark.Iterable)
	if _, mapping := v.(starlark.Mapping); !ok || mapping {
		return nil, nil, fmt.Errorf(
			"content is %s, neither a string, bytes, a file nor an iterable of blocks", v.Type())
	}
	steps := host.Each(blocks, nil)
	return func() (string, bool, error) {
		v, ok, err := steps.Next()
		if !ok || err != nil {
			return "", false, err
		}
		s, octets := host.Octets(v)
		if !octets {
			return "", false, fmt.Errorf("a block of content is %s, not a string or bytes", v.Type())
		}
		return s, true, nil
	}, steps.Done, nil
}

// readable reports whether a value is a file, or like one.
func readable(v starlark.Value) bool {
	if _, ok := v.(io.Reader); ok {
		return true
	}
	a, ok := v.(starlark.HasAttrs)
	if !ok {
		return false
	}
	read, err := a.Attr("read")
	return err == nil && read != nil
}
