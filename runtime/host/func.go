package host

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"go.starlark.net/starlark"
)

var (
	contextType = reflect.TypeFor[context.Context]()
	threadType  = reflect.TypeFor[*starlark.Thread]()
	errorType   = reflect.TypeFor[error]()
)

// Func returns a builtin that calls the Go function fn.
//
// fn may begin with a context.Context, which is that of the call, or with the *starlark.Thread. Its
// other parameters, and its results before an optional trailing error, may be of these types:
//
//	Go                            Starlark
//	string                        string
//	[]byte                        bytes (a string is accepted too)
//	bool                          bool
//	int, uint of every size       int, out of range is an error
//	float32, float64              float (an int is accepted too)
//	[]T                           list (any iterable is accepted)
//	map[string]T                  dict, a result in the order of its keys
//	any type that implements starlark.Value, starlark.Value itself
//
// No result is None, several are a tuple. An error, and a panic as a [PanicError], becomes an error
// of the script, with its position, the name of the builtin and the Go error wrapped. One with a
// code, one that skips a test, and that of a script which fn called are left as they are.
//
// Arguments are positional, and the last may be variadic. Given params, one name for each
// parameter that a script passes, they may also be passed by name; a name that ends in "?" is
// optional, and is the zero value (nil for an interface) if it is not passed.
//
// Func panics if fn is not a function of that kind: that is a mistake in the program, not in its
// input. The builtin is as safe for concurrent use as fn is.
func Func(name string, fn any, params ...string) *starlark.Builtin {
	a := &adapter{fn: reflect.ValueOf(fn), signature: new(signature)}
	for _, param := range params {
		bare, optional := strings.CutSuffix(param, "?")
		a.params = append(a.params, Param{Name: bare, Optional: optional})
	}
	if err := a.inspect(nil); err != nil {
		panic(fmt.Sprintf("host: Func(%q, %T): %v", name, fn, err))
	}
	return starlark.NewBuiltin(name, a.call)
}

// An adapter is a Go function and what is known of its type. It is immutable once inspected.
type adapter struct {
	*signature
	fn       reflect.Value
	first    bool           // the first argument is not the script's, but
	state    reflect.Value  // this or, if it is not valid, the receiver of the method
	in       []reflect.Type // what a script passes, a variadic one as its element
	out      []reflect.Type // without the error
	context  bool
	thread   bool
	variadic bool
	fails    bool
}

// inspect takes the type of fn apart. A first parameter of the type first is not the script's.
func (a *adapter) inspect(first reflect.Type) error {
	if a.fn.Kind() != reflect.Func {
		return errors.New("not a function")
	}
	if a.fn.IsNil() {
		return errors.New("nil function")
	}
	t := a.fn.Type()
	a.in, a.out = slices.Collect(t.Ins()), slices.Collect(t.Outs())
	if len(a.in) > 0 && a.in[0] == first { // which is nil if there is none
		a.first, a.in = true, a.in[1:]
	}
	if len(a.in) > 0 {
		a.context, a.thread = a.in[0] == contextType, a.in[0] == threadType
		if a.context || a.thread {
			a.in = a.in[1:]
		}
	}
	if n := len(a.out) - 1; n >= 0 && a.out[n] == errorType {
		a.fails, a.out = true, a.out[:n]
	}
	if a.variadic = t.IsVariadic(); a.variadic {
		a.in[len(a.in)-1] = a.in[len(a.in)-1].Elem()
	}
	for _, t := range slices.Concat(a.in, a.out) {
		if !convertible(t, 10) {
			return fmt.Errorf("%v has no counterpart in Starlark", t)
		}
	}
	return a.inspectParams()
}

// inspectParams compares the parameters with their description.
func (a *adapter) inspectParams() (err error) {
	if len(a.params) == 0 {
		if a.required = len(a.in); a.variadic {
			a.required--
		}
		return nil
	}
	if len(a.params) != len(a.in) {
		return fmt.Errorf("%d names for %d parameters", len(a.params), len(a.in))
	}
	if a.signature, err = newSignature(a.params, a.misuse); err != nil {
		return err
	}
	if a.rest != a.variadic {
		return errors.New("a variadic parameter is passed as Rest, and no other")
	}
	for i, p := range a.params {
		if got := typeName(a.in[i]); p.Type != "" && got != "any" && p.Type != got {
			return fmt.Errorf("parameter %s: its type is %s, not %s", p.Name, got, p.Type)
		}
		if p.Default != nil {
			if err := toGo(p.Default, reflect.New(a.in[i]).Elem()); err != nil {
				return fmt.Errorf("the default of parameter %s: %w", p.Name, err)
			}
		}
	}
	return nil
}

func (a *adapter) call(
	t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (v starlark.Value, err error) {
	in, err := a.arguments(t, b, args, kwargs)
	if err != nil {
		return nil, a.misused(err)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %w", b.Name(), &PanicError{Value: r, Stack: debug.Stack()})
		}
	}()
	out := a.fn.Call(in)
	if a.fails {
		last := len(out) - 1
		if err, _ := out[last].Interface().(error); err != nil {
			return nil, named(b.Name(), err)
		}
		out = out[:last]
	}
	return results(out)
}

// named puts the name of a builtin before its error, unless that says all by itself.
func named(name string, err error) error {
	if e, ok := err.(*argumentError); ok {
		return e.err
	}
	if CodeOf(err) != "" || Skipped(err) || Innermost(err) != nil {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// arguments returns what fn is called with.
func (a *adapter) arguments(
	t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) ([]reflect.Value, error) {
	values, err := a.values(b.Name(), args, kwargs)
	if err != nil {
		return nil, err
	}
	in := make([]reflect.Value, 0, len(values)+2)
	switch {
	case a.state.IsValid():
		in = append(in, a.state)
	case a.first:
		in = append(in, reflect.ValueOf(b.Receiver()))
	}
	switch {
	case a.context:
		in = append(in, reflect.ValueOf(CallOf(t).Context()))
	case a.thread:
		in = append(in, reflect.ValueOf(t))
	}
	for i, v := range values {
		arg := reflect.New(a.in[min(i, len(a.in)-1)]).Elem()
		if v != nil {
			if err := toGo(v, arg); err != nil {
				return nil, fmt.Errorf("%s: for parameter %s: %w", b.Name(), a.param(i), err)
			}
		}
		in = append(in, arg)
	}
	return in, nil
}

// values returns the arguments in the order of the parameters, nil for one that was not passed.
func (a *adapter) values(
	name string, args starlark.Tuple, kwargs []starlark.Tuple,
) ([]starlark.Value, error) {
	if len(a.params) > 0 && !a.rest {
		values := make([]starlark.Value, len(a.params))
		return values, a.bind(values, name, args, kwargs)
	}
	switch most := len(a.in); {
	case len(kwargs) > 0:
		return nil, fmt.Errorf("%s: unexpected keyword argument %s", name, kwargs[0][0])
	case a.variadic && len(args) < a.required:
		return nil, fmt.Errorf(
			"%s: got %d arguments, want at least %d", name, len(args), a.required,
		)
	case !a.variadic:
		return args, count(name, len(args), most, most)
	}
	return args, nil
}

// param is how a message names the parameter of an argument.
func (a *adapter) param(i int) string {
	if len(a.params) > 0 && !a.rest {
		return a.params[i].Name
	}
	return fmt.Sprint(i + 1)
}

func results(out []reflect.Value) (starlark.Value, error) {
	switch len(out) {
	case 0:
		return starlark.None, nil
	case 1:
		return fromGo(out[0]), nil
	}
	tuple := make(starlark.Tuple, len(out))
	for i, v := range out {
		tuple[i] = fromGo(v)
	}
	return tuple, nil
}
