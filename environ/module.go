package environ

import "go.starlark.net/starlark"

// Misuse is the Misuse of the host modules that know the environ: it gives an error of wrong
// arguments its code.
func Misuse(err error) error { return Errorf(CodeWebUse, "", "%v", err) }

// Text returns a variable of env, any dict that follows the contract; "" if it is not there, or is no
// string.
func Text(env starlark.Mapping, key starlark.Value) string {
	v, found, err := env.Get(key)
	if s, ok := v.(starlark.String); ok && found && err == nil {
		return string(s)
	}
	return ""
}

// Call returns what an application that is written in Go, and called by that name in backtraces, was
// called with.
func Call(
	name string, args starlark.Tuple, kwargs []starlark.Tuple,
) (env starlark.HasSetKey, start starlark.Callable, err error) {
	var e, s starlark.Value
	if len(args) == 2 && len(kwargs) == 0 { // as every server does
		e, s = args[0], args[1]
	} else {
		var all struct{ env, start starlark.Value } // which is on the heap
		if err := starlark.UnpackArgs(name, args, kwargs, "environ", &all.env,
			"start_response", &all.start); err != nil {
			return nil, nil, Misuse(err)
		}
		e, s = all.env, all.start
	}
	const fix = "call it as app(environ, start_response)"
	var ok bool
	if env, ok = e.(starlark.HasSetKey); !ok {
		return nil, nil, Errorf(CodeWebUse, fix, "environ is %s, not a dict", e.Type())
	}
	if start, ok = s.(starlark.Callable); !ok {
		return nil, nil, Errorf(CodeWebUse, fix, "start_response is %s, not a function", s.Type())
	}
	return env, start, nil
}
