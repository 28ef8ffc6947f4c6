package runtime

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

// growing are the methods of the language that may make much of little.
var growing = []string{
	"codepoint_ords", "codepoints", "elem_ords", "elems", "extend", "format", "join", "replace",
	"rsplit", "split", "splitlines",
}

// cutting are those of them that make no more than a piece for each byte of the string.
var cutting = []string{
	"codepoint_ords", "codepoints", "elem_ords", "elems", "rsplit", "split", "splitlines",
}

// A method is one of the language that looks at its arguments first.
type method struct {
	*starlark.Builtin
	check func(of starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error
}

var _ starlark.Callable = method{}

// CallInternal calls the method, if the check passes.
func (m method) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if err := m.check(m.Receiver(), args, kwargs); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name(), err)
	}
	return m.Builtin.CallInternal(t, args, kwargs)
}

// careful returns v, which looks at its arguments first if it is a method that hashes, compares or
// writes them, or makes much of them.
func (r room) careful(v starlark.Value) starlark.Value {
	m, ok := v.(*starlark.Builtin)
	if !ok || m.Receiver() == nil {
		return v
	}
	switch name := m.Name(); {
	case slices.Contains(growing, name):
		return method{m, r.checkOf(name)}
	case slices.Contains(methods, name):
		return method{m, searchable}
	}
	return v
}

// growingMethod is the proxy of a method that is called.
func (r room) growingMethod(v starlark.Value) (starlark.Value, error) {
	if m, ok := v.(*starlark.Builtin); ok && m.Receiver() != nil {
		if check := r.checkOf(m.Name()); check != nil {
			return method{m, check}, nil
		}
	}
	return v, nil
}

// A check is that of a [method].
type check = func(starlark.Value, starlark.Tuple, []starlark.Tuple) error

// checkOf returns that of a growing method; nil for another.
func (r room) checkOf(name string) check {
	switch name {
	case "extend":
		return r.extend
	case "format":
		return r.format
	case "join":
		return r.join
	case "replace":
		return r.replace
	}
	if slices.Contains(cutting, name) {
		return func(of starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
			return r.cut(name, of, args)
		}
	}
	return nil
}

// searchable is the check of a method that hashes or compares its arguments.
func searchable(of starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error {
	all := slices.Clone(args)
	for _, kv := range kwargs {
		all = append(all, kv[1])
	}
	for _, arg := range all {
		if err := comparable(arg); err != nil {
			return err
		}
		if err := search(of, arg); err != nil {
			return err
		}
	}
	return nil
}

// extend adds up the list and what it gets.
func (r room) extend(of starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	if len(args) != 1 || starlark.Len(args[0]) < 0 {
		return nil
	}
	return r.fits("list", uint64(max(starlark.Len(of), 0)+starlark.Len(args[0])), element)
}

func (r room) format(of starlark.Value, args starlark.Tuple, kwargs []starlark.Tuple) error {
	s, _ := of.(starlark.String)
	return r.formatted(string(s), args, kwargs)
}

// join adds up the strings that are joined. Those of a value of the host's are its own.
func (r room) join(of starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	sep, ok := of.(starlark.String)
	if !ok || len(args) != 1 {
		return nil
	}
	all, n := uint64(0), uint64(0)
	add := func(v starlark.Value) {
		s, _ := v.(starlark.String)
		all += uint64(len(s))
		n++
	}
	switch list := args[0].(type) {
	case *starlark.List:
		for i := range list.Len() {
			add(list.Index(i))
		}
	case starlark.Tuple:
		for _, v := range list {
			add(v)
		}
	case *starlark.Dict:
		for key := range list.Entries() {
			add(key)
		}
	case *starlark.Set:
		for v := range list.Elements() {
			add(v)
		}
	default:
		n = uint64(max(starlark.Len(list), 0))
	}
	return r.fits("string", all+n*uint64(len(sep)), 1)
}

func (r room) replace(of starlark.Value, args starlark.Tuple, _ []starlark.Tuple) error {
	s, ok := of.(starlark.String)
	if !ok || len(args) < 2 {
		return nil
	}
	old, ok1 := args[0].(starlark.String)
	replacement, ok2 := args[1].(starlark.String)
	if !ok1 || !ok2 || len(replacement) <= len(old) {
		return nil
	}
	most := uint64(math.MaxUint64)
	if len(args) > 2 {
		if n, ok := args[2].(starlark.Int); ok && n.Sign() >= 0 {
			most, _ = n.Uint64()
		}
	}
	n := min(uint64(len(s)/max(len(old), 1)+1), most)
	if r.fits("string", n, uint64(len(replacement))) == nil &&
		n*uint64(len(replacement))+uint64(len(s)) <= uint64(r) {
		return nil
	}
	n = min(uint64(strings.Count(string(s), string(old))), most)
	if err := r.fits("string", n, uint64(len(replacement))); err != nil {
		return err
	}
	return r.fits("string", uint64(len(s))+n*uint64(len(replacement)-len(old)), 1)
}

// cut is the check of a method that cuts a string into pieces.
func (r room) cut(name string, of starlark.Value, args starlark.Tuple) error {
	s, ok := of.(starlark.String)
	if !ok {
		b, _ := of.(starlark.Bytes)
		s = starlark.String(b)
	}
	n := uint64(len(s))
	if r.fits("list", n+1, piece) == nil {
		return nil
	}
	switch name {
	case "splitlines":
		n = uint64(strings.Count(string(s), "\n"))
	case "rsplit", "split":
		if sep, ok := argument(args, 0).(starlark.String); ok {
			n = uint64(strings.Count(string(s), string(sep)))
		} else {
			n = words(string(s))
		}
		if most, ok := argument(args, 1).(starlark.Int); ok && most.Sign() >= 0 {
			if m, small := most.Uint64(); small {
				n = min(n, m)
			}
		}
	}
	return r.fits("list", n+1, piece)
}

// argument returns one, nil if it is not there.
func argument(args starlark.Tuple, i int) starlark.Value {
	if i < len(args) {
		return args[i]
	}
	return nil
}

// words counts about as many as strings.Fields returns.
func words(s string) (n uint64) {
	inside := false
	for i := range len(s) {
		space := s[i] == ' ' || '\t' <= s[i] && s[i] <= '\r'
		if !space && !inside {
			n++
		}
		inside = !space
	}
	return n
}

// text is the proxy of a string whose method makes at most so many bytes of each of its own.
func (r room) text(v starlark.Value) (starlark.Value, error) {
	const most = 64
	n, ok := 0, true
	switch v := v.(type) {
	case starlark.String:
		n = len(v)
	case starlark.Bytes:
		n = len(v)
	default:
		ok = false
	}
	if !ok || uint64(n) <= uint64(r)/most {
		return v, nil
	}
	return receiver{v, r}, nil
}

// received is the proxy of what a method is taken of, to be called elsewhere.
func (r room) received(v starlark.Value) (starlark.Value, error) {
	switch v.(type) {
	case *starlark.List, *starlark.Dict, *starlark.Set, starlark.String, starlark.Bytes:
		return receiver{v, r}, nil
	}
	return v, nil
}

// getattr is the stock one, which may give a method.
func (r room) getattr(
	t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	v, err := starlark.Universe["getattr"].(*starlark.Builtin).CallInternal(t, args, kwargs)
	if err != nil {
		return nil, err
	}
	return r.careful(v), nil
}
