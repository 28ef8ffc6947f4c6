package environ

import (
	"errors"
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

var (
	_ starlark.IterableMapping = (*Environ)(nil)
	_ starlark.Sequence        = (*Environ)(nil)
	_ starlark.HasSetKey       = (*Environ)(nil)
	_ starlark.HasAttrs        = (*Environ)(nil)
	_ starlark.HasBinary       = (*Environ)(nil)
)

// Dict returns the environ as a dict, which from now on is where it lives. Whoever has it may read
// all of it.
func (e *Environ) Dict() *starlark.Dict {
	e.noteAll()
	return e.whole()
}

// whole returns the dict, of which nothing is shown.
func (e *Environ) whole() *starlark.Dict {
	if e.dict != nil {
		return e.dict
	}
	d := starlark.NewDict(len(table) + len(e.request.Message.Header) + len(e.config.Vars) +
		len(e.set))
	for i := range table {
		switch row := &table[i]; {
		case row.get != nil:
			if v := row.get(e); v != nil {
				put(d, rowKeys[i], v)
			}
		case row.Name == fieldsRow:
			e.setFields(d)
		}
	}
	for k, v := range e.config.Vars {
		put(d, starlark.String(k), e.value(v))
	}
	for _, b := range e.set {
		put(d, starlark.String(b.name), made(b.value))
	}
	e.dict, e.set = d, nil
	return d
}

// fieldsRow is the row of the table that stands for all header fields.
const fieldsRow = "HTTP_*"

// rowKeys are the names of the table as values: boxing a string costs an allocation.
var rowKeys = func() []starlark.Value {
	keys := make([]starlark.Value, len(table))
	for i := range table {
		keys[i] = starlark.String(table[i].Name)
	}
	return keys
}()

// put cannot fail: d is fresh, and strings can be hashed.
func put(d *starlark.Dict, k, v starlark.Value) { _ = d.SetKey(k, v) }

// Get returns the value of a key, from what was set and from the request itself for as long as
// nothing has needed the dict.
//
// Three things tell an Environ from a dict: environ == d is False, whatever d is; environ |= d
// binds the name to a new dict, as environ = environ | d does; and a Go function that asks for a
// *starlark.Dict is not given one. dict(environ) is a copy for those.
func (e *Environ) Get(k starlark.Value) (v starlark.Value, found bool, err error) {
	if e.dict == nil {
		if name, ok := k.(starlark.String); ok {
			set := e.set.get(string(name))
			if v = set; v == nil {
				v = e.lookup(string(name))
			}
			if set != nil || v == nil {
				e.note(string(name)) // what is not there now may be for another request
			}
			return v, v != nil, nil
		}
	} else if name, ok := k.(starlark.String); ok {
		e.noteKey(string(name))
	}
	return e.whole().Get(k)
}

// SetKey sets a key. A few need no dict: a mount sets two, and what it calls reads a few more.
func (e *Environ) SetKey(k, v starlark.Value) error {
	if e.dict == nil {
		if name, ok := k.(starlark.String); ok && e.set.put(string(name), v) {
			return nil
		}
	}
	return e.whole().SetKey(k, v)
}

// Items are those of the dict.
func (e *Environ) Items() []starlark.Tuple { return e.Dict().Items() }

// Iterate gives the keys of the dict.
func (e *Environ) Iterate() starlark.Iterator { return e.Dict().Iterate() }

// Len counts the keys of the dict.
func (e *Environ) Len() int { return e.Dict().Len() }

// Binary is the union with another dict, on either side.
func (e *Environ) Binary(op syntax.Token, y starlark.Value, side starlark.Side) (
	starlark.Value, error,
) {
	other, ok := y.(*starlark.Dict)
	if o, same := y.(*Environ); same {
		other, ok = o.Dict(), true
	}
	switch {
	case op != syntax.PIPE || !ok:
		return nil, nil
	case side == starlark.Left:
		return e.Dict().Union(other), nil
	}
	return other.Union(e.Dict()), nil
}

// AttrNames are the methods of a dict.
func (e *Environ) AttrNames() []string { return (*starlark.Dict)(nil).AttrNames() }

// Attr returns a method of a dict.
func (e *Environ) Attr(name string) (starlark.Value, error) {
	switch name {
	case "get":
		return getMethod.BindReceiver(e), nil
	case "setdefault":
		return setDefaultMethod.BindReceiver(e), nil
	case "pop":
		return popMethod.BindReceiver(e), nil
	case "clear", "update": // they tell nothing
		return e.whole().Attr(name)
	}
	return e.Dict().Attr(name)
}

// getMethod is get(key, default = None).
var getMethod = starlark.NewBuiltin("get", func(_ *starlark.Thread, b *starlark.Builtin,
	args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key, other starlark.Value
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &key, &other); err != nil {
		return nil, err
	}
	v, found, err := b.Receiver().(*Environ).Get(key)
	switch {
	case err != nil:
		return nil, err
	case found:
		return v, nil
	case other != nil:
		return other, nil
	}
	return starlark.None, nil
})

// setDefaultMethod is setdefault(key, default = None).
var setDefaultMethod = starlark.NewBuiltin("setdefault", func(_ *starlark.Thread,
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var key, other starlark.Value = nil, starlark.None
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 1, &key, &other); err != nil {
		return nil, err
	}
	e := b.Receiver().(*Environ)
	v, found, err := e.Get(key)
	if err == nil && !found {
		v, err = other, e.SetKey(key, other)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err) // as that of a dict
	}
	return v, nil
})

// popMethod is pop(key, default): that of the dict, which shows the one key.
var popMethod = starlark.NewBuiltin("pop", func(t *starlark.Thread, b *starlark.Builtin,
	args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	e := b.Receiver().(*Environ)
	if len(args) > 0 {
		if key, ok := args[0].(starlark.String); ok {
			e.noteKey(string(key))
		}
	}
	pop, err := e.whole().Attr(b.Name())
	if err != nil {
		return nil, err
	}
	return pop.(*starlark.Builtin).CallInternal(t, args, kwargs)
})

func (e *Environ) String() string        { return e.Dict().String() }
func (e *Environ) Freeze()               { e.Dict().Freeze() }
func (e *Environ) Truth() starlark.Bool  { return e.dict == nil || e.dict.Len() > 0 }
func (e *Environ) Hash() (uint32, error) { return 0, errors.New("unhashable type: dict") }

// Type is not "dict": the interpreter takes a value of that type for its own. The type() that
// scripts of package runtime see asks for StandsFor.
func (e *Environ) Type() string { return "environ" }

var _ host.StandIn = (*Environ)(nil)

// StandsFor is what type() says.
func (e *Environ) StandsFor() string { return "dict" }
