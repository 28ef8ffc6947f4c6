package trace

import (
	"strconv"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// Show writes a value as Starlark would, in at most limit bytes and a little: what is over, too
// deep or a cycle is an ellipsis. A value of the host is shown by its type, because its String
// may have no bound.
func Show(v starlark.Value, limit int) string {
	w := writer{limit: limit}
	w.value(v, 0)
	return w.b.String()
}

const (
	maxDepth  = 5
	maxDigits = 4096 // bits of a number: to write it takes the square of them
)

// A writer writes until it has written its limit.
type writer struct {
	b     strings.Builder
	limit int
}

func (w *writer) left() int { return w.limit - w.b.Len() }

// put writes s, and reports whether all of it had room.
func (w *writer) put(s string) bool {
	if w.left() >= len(s) {
		w.b.WriteString(s)
		return true
	}
	if !strings.HasSuffix(w.b.String(), "…") {
		w.b.WriteString("…")
	}
	return false
}

func (w *writer) value(v starlark.Value, depth int) {
	switch v := v.(type) {
	case nil:
		w.put("unassigned")
	case starlark.String:
		w.text(string(v), starlark.Value.String)
	case starlark.Bytes:
		w.text(string(v), func(s starlark.Value) string {
			return starlark.Bytes(s.(starlark.String)).String()
		})
	case starlark.Int:
		if big, ok := v.Int64(); ok {
			w.put(strconv.FormatInt(big, 10))
		} else if n := v.BigInt().BitLen(); n > maxDigits {
			w.put("an int of " + strconv.Itoa(n) + " bits")
		} else {
			w.put(v.String())
		}
	case starlark.NoneType, starlark.Bool, starlark.Float, *starlark.Function, *starlark.Builtin:
		w.put(v.String())
	case starlark.Tuple:
		w.sequence("(", v, ")", depth)
	case *starlark.List:
		w.sequence("[", v, "]", depth)
	case *starlark.Set:
		w.sequence("set([", v, "])", depth)
	case *starlark.Dict:
		w.mapping("{", v, "}", depth)
	case *starlarkstruct.Struct:
		w.attrs(v, depth)
	case starlark.IterableMapping: // the environ, say, which is shown elsewhere
		w.put("{…}")
	default:
		if err, ok := v.(error); ok { // of catch
			w.put("error(")
			w.text(err.Error(), starlark.Value.String)
			w.put(")")
			return
		}
		w.put("<" + v.Type() + ">")
	}
}

// text quotes as much of s as there is room for.
func (w *writer) text(s string, quote func(starlark.Value) string) {
	whole := len(s)
	if room := max(w.left()-2, 0); whole > room {
		s = s[:room]
	}
	quoted := quote(starlark.String(s))
	if len(s) < whole {
		quoted += "… (" + strconv.Itoa(whole) + " bytes)"
	}
	w.b.WriteString(quoted)
}

func (w *writer) sequence(open string, v starlark.Iterable, end string, depth int) {
	w.put(open)
	if depth == maxDepth {
		w.put("…" + end)
		return
	}
	i := 0
	for x := range starlark.Elements(v) {
		if i > 0 && !w.put(", ") {
			break
		}
		if w.left() <= 0 {
			w.put("…")
			break
		}
		w.value(x, depth+1)
		i++
	}
	if _, ok := v.(starlark.Tuple); ok && i == 1 {
		w.put(",")
	}
	w.b.WriteString(end)
}

func (w *writer) mapping(open string, v *starlark.Dict, end string, depth int) {
	w.put(open)
	if depth == maxDepth {
		w.put("…" + end)
		return
	}
	first := true
	for k, x := range starlark.Entries(v) {
		if !first && !w.put(", ") {
			break
		}
		if w.left() <= 0 {
			w.put("…")
			break
		}
		w.value(k, depth+1)
		w.put(": ")
		w.value(x, depth+1)
		first = false
	}
	w.b.WriteString(end)
}

func (w *writer) attrs(v *starlarkstruct.Struct, depth int) {
	w.put("struct(")
	for i, name := range v.AttrNames() {
		if i > 0 && !w.put(", ") {
			break
		}
		if depth == maxDepth || w.left() <= 0 {
			w.put("…")
			break
		}
		w.put(name + " = ")
		if x, err := v.Attr(name); err == nil {
			w.value(x, depth+1)
		}
	}
	w.b.WriteString(")")
}
