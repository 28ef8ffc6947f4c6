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
