package runtime

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/larkspur-web/larkspur/runtime/frames"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// What values take besides what they hold, in Go's sizes.
const (
	word      = unsafe.Sizeof(starlark.Value(nil))
	boxSize   = unsafe.Sizeof("")
	listSize  = 3 * word
	entrySize = 9 * word / 2 // of a dict or set that is as full as it becomes
	tableSize = 32 * word    // of one that has only its first bucket
	smallSize = 2 * word     // of what is of no other kind
)

// A holding is what a call holds: the values that its functions refer to, each counted once. It
// is counted on the goroutine of the call, between two of its steps.
type holding struct {
	bytes uint64
	most  uint64 // where counting ends
	// frozen counts what is frozen, too: it is the program's, else, and not the call's.
	frozen bool
	marks  marks
	later  []starlark.Value // what is nested too deep to recur
	depth  int
	frozenAt
}

// deep is how deep a holding recurs.
const deep = 1000

// call counts what the functions of a call refer to.
func (h *holding) call(t *starlark.Thread) {
	for depth := range t.CallStackDepth() {
		f := t.DebugFrame(depth)
		values := frames.Values(f)
		h.bytes += uint64(len(values)) * uint64(word)
		for _, v := range values {
			h.root(v)
		}
		h.root(f.Callable())
	}
}

// root counts v, and what was left for later.
func (h *holding) root(v starlark.Value) {
	h.value(v)
	for len(h.later) > 0 && h.bytes <= h.most {
		last := len(h.later) - 1
		v, h.later = h.later[last], h.later[:last]
		h.value(v)
	}
}

func (h *holding) globals(globals starlark.StringDict) {
	for _, v := range globals {
		h.root(v)
	}
}

// mark counts n bytes from where the data of v is, and reports whether they had not been counted.
func (h *holding) mark(v starlark.Value, n uintptr) bool {
	fresh := h.marks.add((*[2]uintptr)(unsafe.Pointer(&v))[1], n)
	h.bytes += fresh
	return fresh > 0
}

// text counts the bytes of a string.
func (h *holding) text(p *byte, n int) {
	h.bytes += h.marks.add(uintptr(unsafe.Pointer(p)), uintptr(n))
}

func (h *holding) value(v starlark.Value) {
	if h.bytes > h.most {
		return
	}
	switch x := v.(type) { // v is what it is marked by: x may be a copy
	case nil, starlark.NoneType, starlark.Bool:
	case starlark.String:
		if h.mark(v, boxSize) {
			h.text(unsafe.StringData(string(x)), len(x))
		}
	case starlark.Int:
		i, small := x.Int64()
		if (!small || int64(int32(i)) != i) && h.mark(v, smallSize) && !small {
			h.bytes += uint64(x.BigInt().BitLen() / 8)
		}
	case starlark.Float:
		h.mark(v, 8)
	case starlark.Bytes:
		if h.mark(v, boxSize) {
			h.text(unsafe.StringData(string(x)), len(x))
		}
	default:
		h.container(v)
	}
}

// container counts a value that may hold others.
func (h *holding) container(v starlark.Value) {
	if h.depth == deep {
		h.later = append(h.later, v)
		return
	}
	h.depth++
	defer func() { h.depth-- }()
	switch x := v.(type) {
	case starlark.Tuple:
		if h.mark(v, boxSize+8) {
			h.tuple(x)
		}
	case *starlark.List:
		if h.owns(v, h.list) && h.mark(v, listSize) {
			h.bytes += uint64(x.Len()) * uint64(word)
			for i := 0; i < x.Len() && h.bytes <= h.most; i++ {
				h.value(x.Index(i))
			}
		}
	case *starlark.Dict:
		if h.owns(v, h.dict) && h.mark(v, tableSize) {
			h.table(x.Len())
			for key, e := range x.Entries() {
				h.value(key)
				h.value(e)
			}
		}
	case *starlark.Set:
		if h.owns(v, h.set) && h.mark(v, tableSize) {
			h.table(x.Len())
			for e := range x.Elements() {
				h.value(e)
			}
		}
	case *starlarkstruct.Struct:
		if h.mark(v, smallSize) {
			h.structure(x)
		}
	case *starlark.Function:
		if h.mark(v, 2*smallSize) {
			h.function(x)
		}
	case *starlark.Builtin:
		if x.Receiver() != nil && h.mark(v, smallSize) {
			h.value(x.Receiver())
		}
	default:
		h.other(v)
	}
}

func (h *holding) tuple(v starlark.Tuple) {
	h.bytes += h.marks.add(uintptr(unsafe.Pointer(unsafe.SliceData(v))), uintptr(len(v))*word)
	for _, x := range v {
		h.value(x)
	}
}

// table counts the entries of a dict or set for which its first bucket has no place.
func (h *holding) table(n int) {
	const bucket = 8
	h.bytes += uint64(max(n-bucket, 0)) * uint64(entrySize)
}

func (h *holding) structure(v *starlarkstruct.Struct) {
	names := v.AttrNames()
	h.bytes += uint64(len(names)) * 2 * uint64(word)
	for _, name := range names {
		x, _ := v.Attr(name)
		h.value(x)
	}
}

// function counts what a function keeps: see [freezing.function].
func (h *holding) function(fn *starlark.Function) {
	for i := range fn.NumParams() {
		h.value(fn.ParamDefault(i))
	}
	for i := range fn.NumFreeVars() {
		_, v := fn.FreeVar(i)
		h.value(v)
	}
}

// other counts a value of the interpreter's or the host's own.
func (h *holding) other(v starlark.Value) {
	if x, ok := frames.Cell(v); ok {
		h.value(x)
		return
	}
	if s, ok := v.(host.Sizer); ok && h.mark(v, smallSize) {
		h.bytes += uint64(max(s.Size(), 0))
	}
}

// owns reports whether v is to be counted: what is frozen is the program's.
func (h *holding) owns(v starlark.Value, at uintptr) bool {
	if h.frozen || at == 0 {
		return true
	}
	p := (*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1]
	return !*(*bool)(unsafe.Add(p, at))
}

// frozenAt says where a value notes that it is frozen; 0 if that is not known, and all counts.
type frozenAt struct{ list, dict, set uintptr }

// frozenOffsets finds those of the interpreter, by the names of fields.
var frozenOffsets = sync.OnceValue(func() frozenAt {
	return frozenAt{
		list: offset(reflect.TypeFor[starlark.List](), "frozen"),
		dict: offset(reflect.TypeFor[starlark.Dict](), "ht", "frozen"),
		set:  offset(reflect.TypeFor[starlark.Set](), "ht", "frozen"),
	}
})

// offset returns where in a struct a bool is, 0 if there is none.
func offset(t reflect.Type, path ...string) (at uintptr) {
	for _, name := range path {
		if t.Kind() != reflect.Struct {
			return 0
		}
		f, ok := t.FieldByName(name)
		if !ok {
			return 0
		}
		at, t = at+f.Offset, f.Type
	}
	if t.Kind() != reflect.Bool {
		return 0
	}
	return at
}
