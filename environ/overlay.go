package environ

import "go.starlark.net/starlark"

// An overlay has the keys that were set before anything needed the dict, in the order in which they
// were set first. It is small: whoever sets many keys needs a dict.
type overlay []binding

type binding struct {
	name  string
	value starlark.Value
}

// maxOverlay is how many keys an overlay may have: it is searched from the first to the last.
const maxOverlay = 8

// get returns what a key was set to, nil if it was not.
func (o overlay) get(name string) starlark.Value {
	for i := range o {
		if b := &o[i]; b.name == name {
			b.value = made(b.value) // it stays the same from now on
			return b.value
		}
	}
	return nil
}

// put sets a key, and reports whether there was room for it.
func (o *overlay) put(name string, value starlark.Value) bool {
	for i := range *o {
		if b := &(*o)[i]; b.name == name {
			b.value = value
			return true
		}
	}
	if len(*o) == maxOverlay {
		return false
	}
	if *o == nil {
		*o = make(overlay, 0, 2) // a mount sets two keys, and so does a router
	}
	*o = append(*o, binding{name, value})
	return true
}

// A Later is a value that is made when an application asks for it: what most requests do not look at
// costs them nothing. It stands in an [Environ] only, and no application sees it.
type Later interface {
	starlark.Value
	// Later makes the value.
	Later() starlark.Value
}

// SetLater sets a key of env to what v makes, when that is asked for if env is an Environ, and now
// if it is any other dict.
func SetLater(env starlark.HasSetKey, key starlark.Value, v Later) error {
	if e, ok := env.(*Environ); ok && e.dict == nil {
		if name, ok := key.(starlark.String); ok && e.set.put(string(name), v) {
			return nil
		}
	}
	return env.SetKey(key, v.Later())
}

// Made reports whether env has a key whose value has been asked for, or was never one that is made
// when it is.
func Made(env starlark.Mapping, key string) bool {
	if e, ok := env.(*Environ); ok && e.dict == nil {
		for _, b := range e.set {
			if b.name == key {
				_, later := b.value.(Later)
				return !later
			}
		}
	}
	_, ok, err := env.Get(starlark.String(key))
	return ok && err == nil
}

// made returns a value that was set, made if it has not been yet.
func made(v starlark.Value) starlark.Value {
	if l, ok := v.(Later); ok {
		return l.Later()
	}
	return v
}
