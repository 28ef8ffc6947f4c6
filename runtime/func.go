package runtime

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// Func returns a builtin that calls the Go function fn, for Config.Predeclared or the values of a
// [Module].
//
// The parameters of fn, after an optional leading context.Context which is that of the call, and
// its results, before an optional trailing error, may be of these types:
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
// No result is None, several are a tuple. An error becomes an error of the script, with its
// position and the Go error wrapped. So does a panic, as a [PanicError].
//
// Arguments are positional, and the last may be variadic. Given params, one name for each
// parameter of fn but the context, they may also be passed by name; a name that ends in "?" is
// optional, and is the zero value (nil for an interface) if it is not passed.
//
// Func panics if fn is not a function of that kind: that is a mistake in the program, not in its
// input. The builtin is as safe for concurrent use as fn is.
func Func(name string, fn any, params ...string) *starlark.Builtin {
	a := &adapter{fn: reflect.ValueOf(fn), params: params}
	if err := a.inspect(); err != nil {
		panic(fmt.Sprintf("runtime: Func(%q, %T): %v", name, fn, err))
	}
	return starlark.NewBuiltin(name, a.call)
}

// An adapter is a Go function and what is known of its type. It is immutable.
type adapter struct {
	fn       reflect.Value
	params   []string
	in       []reflect.Type // without the context, and a variadic one as its element
	out      []reflect.Type // without the error
	context  bool
	variadic bool
	fails    bool
}

func (a *adapter) inspect() error {
	if a.fn.Kind() != reflect.Func {
		return fmt.Errorf("not a function")
	}
	if a.fn.IsNil() {
		return fmt.Errorf("nil function")
	}
	t := a.fn.Type()
	a.in, a.out = slices.Collect(t.Ins()), slices.Collect(t.Outs())
	if len(a.in) > 0 && a.in[0] == contextType {
		a.context, a.in = true, a.in[1:]
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
	if len(a.params) > 0 && (len(a.params) != len(a.in) || a.variadic) {
		return fmt.Errorf("%d names for %d parameters", len(a.params), len(a.in))
	}
	return nil
}

func (a *adapter) call(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (v starlark.Value, err error) {
	values, err := a.bind(b.Name(), args, kwargs)
	if err != nil {
		return nil, err
	}
	in := make([]reflect.Value, 0, len(values)+1)
	if a.context {
		in = append(in, reflect.ValueOf(host.CallOf(t).Context()))
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
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %w", b.Name(), &PanicError{Value: r, Stack: debug.Stack()})
		}
	}()
	out := a.fn.Call(in)
	if a.fails {
		last := len(out) - 1
		if err, _ := out[last].Interface().(error); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		out = out[:last]
	}
	return results(out)
}

// bind returns the arguments in the order of the parameters, nil for one that was not passed.
func (a *adapter) bind(name string, args starlark.Tuple, kwargs []starlark.Tuple) ([]starlark.Value, error) {
	if len(a.params) > 0 {
		values := make([]starlark.Value, len(a.in))
		pairs := make([]any, 0, 2*len(a.in))
		for i, param := range a.params {
			pairs = append(pairs, param, &values[i])
		}
		return values, starlark.UnpackArgs(name, args, kwargs, pairs...)
	}
	switch least := len(a.in); {
	case len(kwargs) > 0:
		return nil, fmt.Errorf("%s: unexpected keyword argument %s", name, kwargs[0][0])
	case a.variadic && len(args) < least-1:
		return nil, fmt.Errorf("%s: got %d arguments, want at least %d", name, len(args), least-1)
	case !a.variadic && len(args) != least:
		return nil, fmt.Errorf("%s: got %d arguments, want %d", name, len(args), least)
	}
	return args, nil
}

func (a *adapter) param(i int) string {
	if i < len(a.params) {
		return strings.TrimRight(a.params[i], "?")
	}
	return fmt.Sprint(i + 1)
}

func results(out []reflect.Value) (starlark.Value, error) {
	if len(out) == 0 {
		return starlark.None, nil
	}
	tuple := make(starlark.Tuple, len(out))
	for i, v := range out {
		tuple[i] = fromGo(v)
	}
	if len(tuple) == 1 {
		return tuple[0], nil
	}
	return tuple, nil
}
