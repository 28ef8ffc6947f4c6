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

// The types that a function may begin with, for what a script does not pass.
var (
	contextType = reflect.TypeFor[context.Context]()
	threadType  = reflect.TypeFor[*starlark.Thread]()
	callType    = reflect.TypeFor[Call]()
	errorType   = reflect.TypeFor[error]()
)

// Func returns a builtin that calls the Go function fn.
//
// fn may begin with the context.Context of the call, its *starlark.Thread and its [Call], or some
// of them, in any order. A function of the script that is an argument is called by starlark.Call
// with that thread, before fn returns: so it runs inside the limits of the call.
//
// The other parameters, and the results before an optional trailing error, may be of these types:
//
//	Go                            Starlark
//	string                        string
//	[]byte                        bytes (a string is accepted too)
//	bool                          bool
//	int, uint of every size       int, out of range is an error
//	*big.Int                      int
//	float32, float64              float (an int is accepted too)
//	time.Time, time.Duration      a time and a duration of @time
//	[]T                           list (any iterable is accepted)
//	map[string]T                  dict, a result in the order of its keys
//	a struct T                    a T, see below (a dict or a struct of its fields is accepted too)
//	*T                            None for nil, or else as T
//	any                           what the value is, see below
//	starlark.Callable             a function, or what else can be called
//	any type that implements starlark.Value, starlark.Value itself
//
// No result is None, several are a tuple. An error, and a panic as a [PanicError], becomes an error
// of the script, with its position, the name of the builtin and the Go error wrapped. One with a
// code, one that skips a test, and that of a script which fn called are left as they are.
//
// # Structs
//
// A script sees the exported fields and methods of a struct by name: UserID is user_id, HTTPServer
// is http_server, From is from_ because from is a word of the language. The tag `starlark:"name"`
// names a field otherwise, `starlark:"-"` hides it, and all that is promoted from it. Methods are
// called as fn is, by position. What has a type without a counterpart is said when a script asks
// for it.
//
// A script cannot change a field; a list or a dict in it is a copy that is frozen, with all that it
// holds. A struct is copied. What is behind a pointer is not: a script reads what the fields are
// then, and whoever changes them meanwhile needs methods that lock. Two pointers are equal if they
// are the same, and a pointer is a key of a dict. The value can be passed on to functions that take
// T or *T. type() is the name of the Go type, str() what its method String says.
//
// # Any
//
// An argument for any is a nil, bool, int64, *big.Int (of what is no int64), float64, string,
// []byte, time.Time, time.Duration, []any of a list, tuple, set or range, map[string]any of a dict
// or a struct of the language, or the struct or pointer that it was made of. What is none of these
// stays the starlark.Value that it is. For another interface it has to implement that.
//
// Values are converted up to 100 deep, and up to [MaxSize]; one that holds itself is an error.
//
// # Parameters
//
// Arguments are positional, and the last parameter may be variadic. Given params, one name for each
// parameter that a script passes, arguments may also be passed by name, but those that are variadic;
// a name that ends in "?" is optional, and is the zero value (nil for an interface) if it is not
// passed.
//
// Func panics if fn is not a function of that kind, and says which parameter or result is not: that
// is a mistake in the program, not in its input. The builtin is as safe for concurrent use as fn is.
func Func(name string, fn any, params ...string) *starlark.Builtin {
	a := &adapter{fn: reflect.ValueOf(fn), signature: new(signature)}
	for _, param := range params {
		bare, optional := strings.CutSuffix(param, "?")
		a.params = append(a.params, Param{Name: bare, Optional: optional})
	}
	if n := len(params); n > 0 && a.fn.Kind() == reflect.Func && a.fn.Type().IsVariadic() {
		a.params[n-1].Pass = Rest
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
	lead     []reflect.Type // of what the call is
	in       []reflect.Type // what a script passes, a variadic one as its element
	out      []reflect.Type // without the error
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
	for len(a.in) > 0 && slices.Contains([]reflect.Type{contextType, threadType, callType}, a.in[0]) {
		a.lead, a.in = append(a.lead, a.in[0]), a.in[1:]
	}
	if n := len(a.out) - 1; n >= 0 && a.out[n] == errorType {
		a.fails, a.out = true, a.out[:n]
	}
	if a.variadic = t.IsVariadic(); a.variadic {
		a.in[len(a.in)-1] = a.in[len(a.in)-1].Elem()
	}
	if err := inspectTypes("parameter", a.in); err != nil {
		return err
	}
	if err := inspectTypes("result", a.out); err != nil {
		return err
	}
	return a.inspectParams()
}

// inspectTypes returns an error that says which of the types has no counterpart.
func inspectTypes(what string, types []reflect.Type) error {
	for i, t := range types {
		if err := convertible(t); err != nil {
			return fmt.Errorf("%s %d: %w", what, i+1, err)
		}
	}
	return nil
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
	if v, err = results(out); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return v, nil
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
	in := make([]reflect.Value, 0, len(values)+4)
	switch {
	case a.state.IsValid():
		in = append(in, a.state)
	case a.first:
		in = append(in, receiver(b))
	}
	for _, lead := range a.lead {
		switch lead {
		case contextType:
			in = append(in, reflect.ValueOf(CallOf(t).Context()))
		case threadType:
			in = append(in, reflect.ValueOf(t))
		case callType:
			in = append(in, reflect.ValueOf(CallOf(t)))
		}
	}
	convert := newInward() // all arguments together are bounded
	for i, v := range values {
		arg := reflect.New(a.in[min(i, len(a.in)-1)]).Elem()
		if v != nil {
			if err := convert.store(v, arg); err != nil {
				return nil, fmt.Errorf("%s: for parameter %s: %w", b.Name(), a.param(i), err)
			}
		}
		in = append(in, arg)
	}
	return in, nil
}

// receiver is what a method is called on.
func receiver(b *starlark.Builtin) reflect.Value {
	if r, ok := b.Receiver().(*record); ok {
		return r.v
	}
	return reflect.ValueOf(b.Receiver())
}

// values returns the arguments in the order of the parameters, nil for one that was not passed.
func (a *adapter) values(
	name string, args starlark.Tuple, kwargs []starlark.Tuple,
) ([]starlark.Value, error) {
	if len(a.params) > 0 {
		// What is variadic comes after those that have a name of their own.
		var rest starlark.Tuple
		if a.rest && len(args) > a.positions {
			args, rest = args[:a.positions], args[a.positions:]
		}
		values := make([]starlark.Value, len(a.params))
		if a.rest {
			values = values[:len(a.params)-1]
		}
		err := a.bind(values, name, args, kwargs)
		return append(values, rest...), err
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
	switch last := len(a.params) - 1; {
	case last < 0:
		return fmt.Sprint(i + 1)
	case a.rest && i >= last:
		return fmt.Sprintf("%s[%d]", a.params[last].Name, i-last)
	}
	return a.params[i].Name
}

func results(out []reflect.Value) (starlark.Value, error) {
	switch len(out) {
	case 0:
		return starlark.None, nil
	case 1:
		return fromGo(out[0])
	}
	tuple := make(starlark.Tuple, len(out))
	for i, v := range out {
		var err error
		if tuple[i], err = fromGo(v); err != nil {
			return nil, fmt.Errorf("result %d: %w", i+1, err)
		}
	}
	return tuple, nil
}
