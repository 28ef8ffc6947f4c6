// Package json is the host module @json: the functions and the results of the stock json module
// of go.starlark.net, within the bounds of package runtime/host/json.
//
//	load("@json", "json")
//
//	json.encode(x)                                  the JSON of x
//	json.encode_indent(x, *, prefix="", indent="\t")
//	json.decode(x[, default])                       the value that the string (or bytes) x denotes
//	json.indent(x, *, prefix="", indent="\t")
package json

import (
	"fmt"
	"io/fs"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// Module makes the values of @json with the default limits; it is a runtime.Module.
func Module(tree fs.FS) (starlark.StringDict, error) { return Bounded(json.Limits{})(tree) }

// Bounded makes the values of @json with other limits.
func Bounded(l json.Limits) func(fs.FS) (starlark.StringDict, error) {
	c := codec{l}
	members := make(starlark.StringDict)
	for name, fn := range map[string]func(*starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error){
		"json.encode": c.encode, "json.encode_indent": c.encodeIndent, "json.decode": c.decode, "json.indent": c.indent,
	} {
		members[name[len("json."):]] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			return fn(b, args, kwargs)
		})
	}
	return func(fs.FS) (starlark.StringDict, error) {
		return starlark.StringDict{"json": &starlarkstruct.Module{Name: "json", Members: members}}, nil
	}
}

type codec struct{ limits json.Limits }

// decode(x[, default]) returns the value that x, a string or bytes, denotes. If it denotes none,
// or one that the limits do not allow, it returns default, or fails if none is given.
func (c codec) decode(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x, other starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &x, "default?", &other); err != nil {
		return nil, err
	}
	if len(args) < 1 {
		return nil, fmt.Errorf("%s: unexpected keyword argument x", b.Name())
	}
	text, ok := host.Octets(x)
	if !ok {
		return nil, fmt.Errorf("%s: for parameter x: got %s, want string or bytes", b.Name(), x.Type())
	}
	v, err := c.limits.Decode(text)
	if err != nil && other != nil {
		return other, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return v, nil
}

// encode(x) returns the JSON of x.
func (c codec) encode(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &x); err != nil {
		return nil, err
	}
	text, err := c.limits.Encode(x)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.String(text), nil
}

// indent(x, *, prefix="", indent="\t") returns the JSON text x with each element on a line of its
// own.
func (c codec) indent(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text string
	if err := starlark.UnpackPositionalArgs(b.Name(), args, nil, 1, &text); err != nil {
		return nil, err
	}
	prefix, tab := "", "\t"
	if err := starlark.UnpackArgs(b.Name(), nil, kwargs, "prefix?", &prefix, "indent?", &tab); err != nil {
		return nil, err
	}
	out, err := c.limits.Indent(text, prefix, tab)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return starlark.String(out), nil
}

// encodeIndent is indent(encode(x), prefix=prefix, indent=indent).
func (c codec) encodeIndent(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	text, err := c.encode(b, args, nil)
	if err != nil {
		return nil, err
	}
	return c.indent(b, starlark.Tuple{text}, kwargs)
}
