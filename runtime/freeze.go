package runtime

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// maxFrozen is how many values freezing a file may visit. A tuple is visited as often as it stands
// somewhere, so that one which holds another twice, sixty times over, would take for ever.
const maxFrozen = 1 << 26

// freeze freezes the globals of a file. What it cannot freeze it returns as an error, and freezes
// nothing: a function that refers to itself from inside another one would exhaust the stack, which
// ends the process.
func freeze(tree *syntax.File, globals starlark.StringDict) error {
	f := freezing{left: maxFrozen, seen: make(map[starlark.Value]bool)}
	for _, name := range slices.Sorted(maps.Keys(globals)) {
		if err := f.value(globals[name]); err != nil {
			fault := diagnose(binding(tree, name), "%s cannot be kept: %v", name, err)
			return host.Diagnostics{fault}
		}
	}
	globals.Freeze()
	return nil
}

// binding is where a file binds a global.
func binding(tree *syntax.File, name string) syntax.Position {
	for _, b := range tree.Module.(*resolve.Module).Globals {
		if b.First.Name == name {
			return b.First.NamePos
		}
	}
	return syntax.MakePosition(&tree.Path, 0, 0)
}

// A freezing goes where the interpreter will go.
type freezing struct {
	left int
	seen map[starlark.Value]bool // what is visited once only, since it is marked as frozen
	path []*starlark.Function    // that are being visited, inside one another
}

func (f *freezing) value(v starlark.Value) error {
	if f.left--; f.left < 0 {
		return errors.New("it is too large")
	}
	switch v := v.(type) {
	case starlark.Tuple:
		return f.values(v)
	case *starlark.Builtin:
		if v.Receiver() != nil {
			return f.value(v.Receiver())
		}
	case *starlark.Function:
		return f.function(v)
	case *starlark.List, *starlark.Dict, *starlark.Set, *starlarkstruct.Struct:
		if f.seen[v] {
			return nil
		}
		f.seen[v] = true
		path := f.path
		f.path = nil // the mark ends a circle here
		defer func() { f.path = path }()
		return f.values(elements(v))
	}
	return nil
}

func (f *freezing) values(list []starlark.Value) error {
	for _, v := range list {
		if err := f.value(v); err != nil {
			return err
		}
	}
	return nil
}

// function visits what a function keeps: defaults of parameters, and variables of the functions
// around it.
func (f *freezing) function(fn *starlark.Function) error {
	if slices.Contains(f.path, fn) {
		return fmt.Errorf("the function %s refers to itself; define it at the top level", fn.Name())
	}
	f.path = append(f.path, fn)
	defer func() { f.path = f.path[:len(f.path)-1] }()
	for i := range fn.NumParams() {
		if v := fn.ParamDefault(i); v != nil {
			if err := f.value(v); err != nil {
				return err
			}
		}
	}
	for i := range fn.NumFreeVars() {
		if _, v := fn.FreeVar(i); v != nil {
			if err := f.value(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// elements returns what a container holds.
func elements(v starlark.Value) (list []starlark.Value) {
	switch v := v.(type) {
	case *starlark.Dict:
		for key, value := range v.Entries() {
			list = append(list, key, value)
		}
	case *starlarkstruct.Struct:
		for _, name := range v.AttrNames() {
			field, _ := v.Attr(name)
			list = append(list, field)
		}
	case starlark.Iterable:
		list = slices.Collect(starlark.Elements(v))
	}
	return list
}
