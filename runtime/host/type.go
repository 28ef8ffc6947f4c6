package host

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	"go.starlark.net/starlark"
)

// A Type describes the values of a Go type that scripts see: methods, each a function of Go whose
// first parameter is the value, and other attributes. It must not be copied or changed once it is
// in use, and is then safe for concurrent use.
type Type struct {
	Name string
	Doc  string
	// Members are the attributes. One without a Fn is made by the Go type itself.
	Members []Member
	// Misuse is [Module.Misuse] for the methods.
	Misuse func(error) error

	once    sync.Once
	methods map[string]*starlark.Builtin
}

// AttrNames returns the names of the attributes, in order, for the method of that name of the Go
// type.
func (t *Type) AttrNames() []string {
	names := make([]string, 0, len(t.Members))
	for _, m := range t.Members {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}

// Method returns a method bound to v, nil if there is none of that name. It panics if a method is
// no function of the Go type of v, which is a mistake in the program.
func (t *Type) Method(v starlark.Value, name string) starlark.Value {
	t.once.Do(func() { t.make(reflect.TypeOf(v)) })
	if m := t.methods[name]; m != nil {
		return m.BindReceiver(v)
	}
	return nil
}

// make makes the methods of values of the Go type receiver.
func (t *Type) make(receiver reflect.Type) {
	t.methods = make(map[string]*starlark.Builtin)
	b := builder{receiver: receiver, misuse: t.Misuse}
	for i := range t.Members {
		m := &t.Members[i]
		if m.Fn == nil {
			continue
		}
		call, err := b.function(m)
		if err != nil {
			panic(fmt.Sprintf("host: type %s: %s: %v", t.Name, m.Name, err))
		}
		t.methods[m.Name] = starlark.NewBuiltin(m.Name, call)
	}
}
