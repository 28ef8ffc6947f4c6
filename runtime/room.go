package runtime

import (
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A room is how many bytes one step of a call may make: [Limits.Memory]. Its methods refuse a step
// that would make more, before it is taken.
type room uint64

// A refusal is why a step has not been taken. The script may catch it and go on.
type refusal struct {
	what string
	size uint64
	room room
}

var (
	_ host.Kinder    = (*refusal)(nil)
	_ host.Timeouter = (*refusal)(nil)
)

func (e *refusal) Error() string {
	return fmt.Sprintf("%s of %d bytes would be larger than %d, the limit of a call's memory",
		e.what, e.size, e.room)
}

// Kind is what a script sees.
func (e *refusal) Kind() string { return "memory" }

// Timeout reports true, as for any other limit.
func (e *refusal) Timeout() bool { return true }

// Unwrap returns the limit.
func (e *refusal) Unwrap() error { return &LimitError{Kind: "memory", Limit: uint64(e.room)} }

// fits returns an error if n things of the size are too many.
func (r room) fits(what string, n, size uint64) error {
	over, all := bits.Mul64(n, size)
	if over > 0 {
		all = math.MaxUint64
	}
	if all > uint64(r) {
		return &refusal{what, all, r}
	}
	return nil
}

// element is what an element of a list or tuple takes, and piece what one does that is a string of
// its own.
const (
	element = uint64(word)
	piece   = uint64(word + boxSize)
)

// extent returns how many bytes a sequence has that can be multiplied, and whether v is one.
func extent(v starlark.Value) (n uint64, ok bool) {
	switch v := v.(type) {
	case starlark.String:
		return uint64(len(v)), true
	case starlark.Bytes:
		return uint64(len(v)), true
	case *starlark.List:
		return uint64(v.Len()) * element, true
	case starlark.Tuple:
		return uint64(len(v)) * element, true
	}
	return 0, false
}

// times returns an error if x*y is too large.
func (r room) times(x, y starlark.Value) error {
	n, ok := y.(starlark.Int)
	size, sequence := extent(x)
	if !ok || !sequence {
		n, ok = x.(starlark.Int)
		size, sequence = extent(y)
		x = y
	}
	if !ok || !sequence || size == 0 || n.Sign() <= 0 {
		return nil
	}
	count, small := n.Uint64()
	if !small {
		return nil // the interpreter says so
	}
	return r.fits(x.Type(), count, size)
}

// An operation is an operand that stands for a value until its operator has looked at both.
type operation struct {
	starlark.Value
	room room
}

var _ starlark.HasBinary = operation{}

// Binary is what the value does, if it does not make too much.
func (o operation) Binary(
	op syntax.Token, other starlark.Value, side starlark.Side,
) (starlark.Value, error) {
	if twin, ok := other.(operation); ok {
		other = twin.Value
	}
	x, y := o.Value, other
	if side == starlark.Right {
		x, y = y, x
	}
	var err error
	switch op {
	case syntax.STAR:
		for _, v := range []starlark.Value{x, y} {
			if err == nil {
				err = multiply(v)
			}
		}
		if err == nil {
			err = o.room.times(x, y)
		}
	case syntax.PLUS:
		n, sequence := extent(x)
		m, _ := extent(y)
		if sequence {
			err = o.room.fits(x.Type(), n+m, 1)
		}
	case syntax.PERCENT:
		if s, ok := x.(starlark.String); ok {
			err = o.room.interpolated(string(s), y)
		}
	}
	if err != nil {
		return nil, err
	}
	return starlark.Binary(op, x, y)
}

// multiplied is the proxy of an operand of *.
func (r room) multiplied(v starlark.Value) (starlark.Value, error) {
	switch v.(type) {
	case starlark.Int:
		return v, multiply(v)
	case starlark.String, starlark.Bytes, *starlark.List, starlark.Tuple:
		return operation{v, r}, nil
	}
	return v, nil
}

// brief is how large something is, at most, that is small as it stands in a script.
const brief = 4096

// repeated is the proxy of what multiplies something brief.
func (r room) repeated(v starlark.Value) (starlark.Value, error) {
	if n, ok := v.(starlark.Int); ok {
		if count, small := n.Uint64(); small && count <= uint64(r)/brief || n.Sign() < 0 {
			return v, nil
		}
		return operation{v, r}, multiply(v)
	}
	return v, nil
}

// scaled is the proxy of what is on the right of *=: what is on the left is not to be had.
func (r room) scaled(v starlark.Value) (starlark.Value, error) { return operation{v, r}, nil }

// added is the proxy of what is on the left of +, if a sum with it may be too large.
func (r room) added(v starlark.Value) (starlark.Value, error) {
	if n, ok := extent(v); ok && n > uint64(r)/4 {
		return operation{v, r}, nil
	}
	return v, nil
}

// appended returns an error for what is on the right of += if a sum may be too large: what is on the
// left, as large in a script that doubles it, is not to be had.
func (r room) appended(v starlark.Value) (starlark.Value, error) {
	if n, ok := extent(v); ok && n > uint64(r)/2 {
		return nil, r.fits(v.Type(), n, 2)
	}
	return v, nil
}

// template is the proxy of what is on the left of %.
func (r room) template(v starlark.Value) (starlark.Value, error) {
	if _, ok := v.(starlark.String); ok {
		return operation{v, r}, nil
	}
	return v, nil
}

// written returns an error if v is too large to be written at once. What is in it is quoted.
func (r room) written(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.Int:
		return nil
	case starlark.String:
		return r.fits("string", uint64(len(v)), 1)
	case starlark.Tuple:
		// What a format is given, as a rule: its strings are written as they are.
		var all uint64
		for _, x := range v {
			s, ok := x.(starlark.String)
			if ok {
				all += uint64(len(s))
			} else if contains(x) {
				return host.Measure(v, r.quoted())
			}
		}
		return r.fits("string", all, 1)
	}
	return host.Measure(v, r.quoted())
}

// quoted is how many bytes something may have whose octets may be written as four.
func (r room) quoted() int { return int(min(uint64(r)/4, host.MaxSize)) }

// contains reports whether v is no number and no string.
func contains(v starlark.Value) bool {
	switch v.(type) {
	case starlark.String, starlark.Int, starlark.Float, starlark.Bool, starlark.NoneType:
		return false
	}
	return true
}

// interpolated returns an error if format % args is too large: a name may stand in it often.
func (r room) interpolated(format string, args starlark.Value) error {
	if err := r.written(args); err != nil {
		return err
	}
	d, ok := args.(*starlark.Dict)
	if !ok {
		return r.fits("string", uint64(len(format))+size(args), 1)
	}
	all := uint64(len(format))
	for rest := format; ; {
		at := strings.Index(rest, "%(")
		if at < 0 {
			return r.fits("string", all, 1)
		}
		name, after, ok := strings.Cut(rest[at+2:], ")")
		if !ok {
			return nil // the interpreter says so
		}
		if v, found, _ := d.Get(starlark.String(name)); found {
			all += size(v)
		}
		rest = after
	}
}

// size returns how many bytes v has when it is written, about: it has been measured.
func size(v starlark.Value) uint64 {
	switch v := v.(type) {
	case starlark.String:
		return uint64(len(v))
	case starlark.Int:
		if _, small := v.Int64(); small {
			return element
		}
	}
	return uint64(host.SizeOf(v))
}

// formatted returns an error if format.format(args, kwargs) is too large: each may stand in it
// often.
func (r room) formatted(format string, args starlark.Tuple, kwargs []starlark.Tuple) error {
	all, most := uint64(len(format)), uint64(0)
	for _, v := range args {
		if err := r.written(v); err != nil {
			return err
		}
		most = max(most, size(v))
	}
	for _, kv := range kwargs {
		if err := r.written(kv[1]); err != nil {
			return err
		}
		most = max(most, size(kv[1]))
	}
	if r.fits("string", uint64(strings.Count(format, "{"))+1, most+all) == nil {
		return nil
	}
	next := 0
	for rest := format; ; {
		_, field, ok := strings.Cut(rest, "{")
		if !ok {
			return r.fits("string", all, 1)
		}
		name, after, ok := strings.Cut(field, "}")
		if strings.HasPrefix(field, "{") || !ok {
			rest = field[min(1, len(field)):]
			continue
		}
		name, _, _ = strings.Cut(name, "!")
		i, numbered := index(name)
		switch {
		case name == "" && next < len(args):
			all += size(args[next])
			next++
		case numbered && i < len(args):
			all += size(args[i])
		default:
			for _, kv := range kwargs {
				if kv[0] == starlark.String(name) {
					all += size(kv[1])
				}
			}
		}
		rest = after
	}
}

// index returns the number that a name is.
func index(name string) (i int, ok bool) {
	if name == "" || len(name) > 9 {
		return 0, false
	}
	for _, c := range []byte(name) {
		if c < '0' || c > '9' {
			return 0, false
		}
		i = i*10 + int(c-'0')
	}
	return i, true
}
