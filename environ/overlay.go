package environ

import "go.starlark.net/starlark"

// An overlay has the keys that were set before anything needed the dict, in the order in which they
// were set first. It is small: whoever sets many keys needs a dict.
type overlay []binding

type binding struct {
	name  string
	key   starlark.Value // the name, as a value
	value starlark.Value
}

// maxOverlay is how many keys an overlay may have: it is searched from the first to the last.
const maxOverlay = 8

// get returns what a key was set to, nil if it was not.
func (o overlay) get(name string) starlark.Value {
	for i := range o {
		if o[i].name == name {
			return o[i].value
		}
	}
	return nil
}

// put sets a key, and reports whether there was room for it.
func (o *overlay) put(name string, key, value starlark.Value) bool {
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
		*o = make(overlay, 0, maxOverlay/2)
	}
	*o = append(*o, binding{name, key, value})
	return true
}
