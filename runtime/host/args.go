package host

import (
	"errors"
	"fmt"
	"reflect"

	"go.starlark.net/starlark"
)

// Args are the arguments of one call of a function that a [Member] describes.
type Args struct {
	// Thread is the one that the call runs on.
	Thread *starlark.Thread
	// Of is what [Module.Open] returned, or the *[Load], or the value whose method is called.
	Of any

	signature *signature
	name      string
	args      starlark.Tuple
	kwargs    []starlark.Tuple
	verify    bool
}

// few is how many arguments are bound without an allocation.
const few = 10

// Unpack puts the arguments into variables, a pointer for each parameter. Their types are those of
// starlark.UnpackArgs; nil stands for an optional argument that was not passed.
func (a Args) Unpack(vars ...any) error {
	if a.verify {
		return a.signature.verify(vars)
	}
	var array [few]starlark.Value
	values, n := array[:], len(a.signature.params)
	if n > few {
		values = make([]starlark.Value, n)
	}
	values = values[:n]
	if err := a.signature.bind(values, a.name, a.args, a.kwargs); err != nil {
		return &argumentError{a.signature.misused(err)}
	}
	for i, v := range values {
		if v == nil {
			continue
		}
		if err := unpackArg(v, vars[i]); err != nil {
			err = fmt.Errorf("%s: for parameter %s: %w", a.name, a.signature.params[i].Name, err)
			return &argumentError{a.signature.misused(err)}
		}
	}
	return nil
}

// An argumentError is the error of wrong arguments, which has the name of the function already.
type argumentError struct{ err error }

func (e *argumentError) Error() string { return e.err.Error() }
func (e *argumentError) Unwrap() error { return e.err }

// At returns the argument that is passed at a position, nil if none is: for who knows of one that is
// wrong more than its type.
func (a Args) At(i int) starlark.Value {
	if i >= len(a.args) {
		return nil
	}
	return a.args[i]
}

// unpackArg is starlark.UnpackArg, which calls an interface by its Go name.
func unpackArg(v starlark.Value, p any) (err error) {
	ok := true
	switch p := p.(type) {
	case *starlark.HasSetKey:
		*p, ok = v.(starlark.HasSetKey)
	case *starlark.IterableMapping:
		*p, ok = v.(starlark.IterableMapping)
	default:
		return starlark.UnpackArg(v, p)
	}
	if !ok {
		err = fmt.Errorf("got %s, want dict", v.Type())
	}
	return err
}

// errVerified is the error of an Unpack that only verifies.
var errVerified = errors.New("the variables fit the parameters")

// Verify returns an error if the function of m and its parameters do not fit, which else shows in
// a call: it is for tests. A function of [Args] is to call Unpack before anything else.
func (m *Member) Verify() error {
	fn, ok := m.Fn.(func(Args) (starlark.Value, error))
	if !ok {
		return nil // it cannot be made if they do not
	}
	s, err := newSignature(m.Params, nil)
	if err != nil {
		return err
	}
	switch _, err = fn(Args{signature: s, verify: true}); err {
	case errVerified:
		return nil
	case nil:
		return errors.New("it does not unpack its arguments")
	}
	return err
}

// verify compares variables with the description of the parameters.
func (s *signature) verify(vars []any) error {
	if len(vars) != len(s.params) {
		return fmt.Errorf("%d variables for %d parameters", len(vars), len(s.params))
	}
	for i, p := range s.params {
		t := reflect.TypeOf(vars[i]).Elem()
		if got := typeName(t); got != "any" && got != p.Type {
			return fmt.Errorf(
				"the variable of parameter %s has the type %s, not %s", p.Name, got, p.Type,
			)
		}
		if p.Default != nil {
			if err := starlark.UnpackArg(p.Default, reflect.New(t).Interface()); err != nil {
				return fmt.Errorf("the default of parameter %s: %w", p.Name, err)
			}
		}
	}
	return errVerified
}
