// Package json is the host module @json: the functions and the results of the stock json module
// of go.starlark.net, on input that a stranger wrote.
//
//	load("@json", "json")
//
//	json.encode(x)                                  the JSON of x
//	json.encode_indent(x, *, prefix="", indent="\t")
//	json.decode(x[, default])                       the value that the string (or bytes) x denotes
//	json.indent(x, *, prefix="", indent="\t")
//
// The stock decoder recurs once for each bracket (1.3 MB of "[" end the process), works on the
// digits of a number in quadratic time (a million digits take two seconds, ten million minutes),
// and fills dicts whose hash of a short key is public (40,000 keys that collide, in 625 KB, take
// two seconds); its encoder writes out a list that holds itself forty times over. None of these
// can be interrupted. Here each is an error, at a bound that [Limits] sets.
package json

import (
	"io/fs"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// Limits bound one call of each function. The zero value holds on an open network; a field that
// is zero has the value that is said of it.
type Limits struct {
	// Bytes is the length of what is decoded, encoded or indented. Zero means 16 MiB.
	Bytes int
	// Depth is how deep arrays and objects may be nested. Zero means 1,000.
	Depth int
	// Digits is the length of one number as written. Zero means 4,300, as in Python.
	Digits int
	// Keys is how many keys one object may have. Zero means 100,000.
	Keys int
	// Values is how many values a decoded text may have in all; "[],[],[]," is 25 times its length
	// in memory. Zero means 1,000,000.
	Values int
}

// Module makes the values of @json with the default limits; it is a runtime.Module.
func Module(tree fs.FS) (starlark.StringDict, error) { return Limits{}.Module(tree) }

// Module makes the values of @json with these limits. An embedder who needs others than the
// default sets runtime.Config.Modules["json"] to it.
func (l Limits) Module(fs.FS) (starlark.StringDict, error) {
	l = l.withDefaults()
	members := make(starlark.StringDict)
	for name, fn := range map[string]func(*Limits, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error){
		"json.encode": encode, "json.encode_indent": encodeIndent, "json.decode": decode, "json.indent": indent,
	} {
		members[name[len("json."):]] = starlark.NewBuiltin(name, func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			return fn(&l, b, args, kwargs)
		})
	}
	return starlark.StringDict{"json": &starlarkstruct.Module{Name: "json", Members: members}}, nil
}

func (l Limits) withDefaults() Limits {
	for _, field := range []struct {
		n    *int
		zero int
	}{
		{&l.Bytes, 16 << 20}, {&l.Depth, 1000}, {&l.Digits, 4300}, {&l.Keys, 100_000}, {&l.Values, 1_000_000},
	} {
		if *field.n == 0 {
			*field.n = field.zero
		}
	}
	return l
}
