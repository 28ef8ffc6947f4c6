package route

import (
	"fmt"
	"slices"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// middlewareOf returns the elements of a list of middleware.
func middlewareOf(what string, v starlark.Value) ([]starlark.Callable, error) {
	if c, ok := v.(starlark.Callable); ok {
		return nil, environ.Misuse(fmt.Errorf("%s: middleware is %s, not a list; write middleware = [%s]", what,
			nameOf(c), written(c)))
	}
	list, ok := v.(starlark.Iterable)
	if !ok {
		return nil, environ.Misuse(fmt.Errorf("%s: middleware is %s, not a list of functions from application to "+
			"application", what, describe(v)))
	}
	var all []starlark.Callable
	for v := range starlark.Elements(list) {
		c, ok := v.(starlark.Callable)
		if !ok {
			return nil, environ.Misuse(fmt.Errorf("%s: middleware[%d] is %s, not a function from application "+
				"to application", what, len(all), describe(v)))
		}
		if err := wraps(c); err != nil {
			return nil, environ.Misuse(fmt.Errorf("%s: middleware[%d] is %w", what, len(all), err))
		}
		all = append(all, c)
	}
	return all, nil
}

// made is the type of middleware that has its options, as of cors("*").
const made = "middleware"

// written is middleware as a list has it: what was made by a call is made by one there, too.
func written(c starlark.Callable) string {
	if c.Type() == made {
		return nameOf(c) + "(...)"
	}
	return nameOf(c)
}

// wraps reports whether c can be called with an application and nothing else.
func wraps(c starlark.Callable) error {
	switch c := c.(type) {
	case *Router, *response.Response:
		return fmt.Errorf("%s, an application, not a function from application to application", c.(starlark.Value))
	case host.Wrapper:
		return fmt.Errorf("%s, around an application already; write it without that: [%s(...)], or [%s]",
			c.(starlark.Callable).Name(), c.(starlark.Callable).Name(), c.(starlark.Callable).Name())
	case *starlark.Function:
		return wrapsFunction(c)
	}
	return nil
}

func wrapsFunction(fn *starlark.Function) error {
	most, needed := fn.NumParams()-fn.NumKwonlyParams(), 0
	if fn.HasVarargs() {
		return nil
	}
	if fn.HasKwargs() {
		most--
	}
	for i := range most {
		if fn.ParamDefault(i) == nil {
			needed++
		}
	}
	name := fn.Name()
	switch {
	case most == 0:
		return fmt.Errorf("%s, which takes no application; write def %s(app):, which returns an application, or "+
			"call it: [%s()]", name, name, name)
	case needed == 2:
		return fmt.Errorf("%s, an application, not a function from application to application; write def %s(app):, "+
			"which returns a function (environ, start_response)", name, name)
	case needed > 1:
		return fmt.Errorf("%s, which takes %d arguments, not an application only; write lambda app: %s(app, ...)",
			name, needed, name)
	}
	return nil
}

// wrapped calls middleware with app, the innermost first.
func wrapped(
	t *starlark.Thread, middleware []starlark.Callable, app starlark.Callable,
) (starlark.Callable, error) {
	for _, m := range slices.Backward(middleware) {
		v, err := starlark.Call(t, m, starlark.Tuple{app}, nil)
		if err != nil {
			return nil, err
		}
		next, ok := v.(starlark.Callable)
		if !ok {
			return nil, environ.Misuse(fmt.Errorf("router: the middleware %s returned %s, not an "+
				"application: it is called with one, and returns one", nameOf(m), describe(v)))
		}
		if v.Type() == made {
			return nil, environ.Misuse(fmt.Errorf("router: the middleware %s returned middleware, not an "+
				"application: it takes its options first; write [%s(...)]", nameOf(m), nameOf(m)))
		}
		app = next
	}
	return app, nil
}
