// Package env is the host module @env: variables of the environment, of which a program sees those
// that it was granted by name, and no others. [Module] describes it, and a [Grant] has the names.
//
// A variable is looked up when a script asks for it. What one holds may be secret: no message and no
// text of a value has more than names.
package env

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @env, which needs a *[Grant].
func Module() *host.Module {
	return &host.Module{
		Name:  "env",
		Doc:   "Variables of the environment.",
		Grant: "the names of variables",
		Tests: []host.Member{new(trial).member()},
		Members: []host.Member{{
			Name: "env",
			Doc: "The variables that were granted: env[\"NAME\"] is the value of one, a string, and an " +
				"error if it was not granted (of the kind \"refused\") or is not set (\"missing\"). " +
				"\"NAME\" in env is whether it was granted and is set, and an iteration gives the names " +
				"that were granted.",
		}},
		Types: []*host.Type{variablesType},
		Open: func(l *host.Load) (any, error) {
			grant, ok := l.Grant.(*Grant)
			if !ok && l.Grant != nil {
				return nil, fmt.Errorf("env: it is granted %T, not *env.Grant", l.Grant)
			}
			if grant == nil {
				grant = new(Grant)
			}
			if err := grant.Check(); err != nil {
				return nil, err
			}
			return starlark.StringDict{"env": &variables{"env", grant}}, nil
		},
	}
}

// The kinds of what fails, as scripts see them.
const (
	refused = "refused"
	missing = "missing"
)

// A failure is the error of a variable that a script does not get.
type failure struct{ kind, msg string }

var _ host.Kinder = (*failure)(nil)

func (f *failure) Error() string { return f.msg }

// Kind is [host.Kinder]'s.
func (f *failure) Kind() string { return f.kind }

// variables are what a script sees: a mapping that cannot be changed. They are safe for concurrent
// use.
type variables struct {
	host.Object
	grant *Grant
}

var (
	_ starlark.Mapping  = (*variables)(nil)
	_ starlark.Sequence = (*variables)(nil)
	_ starlark.HasAttrs = (*variables)(nil)
)

// get returns a variable, and whether it is set.
func (v *variables) get(name string) (value string, set bool, err error) {
	if !v.grant.grants(name) {
		return "", false, &failure{refused, fmt.Sprintf("the variable %s is not granted%s", shown(name),
			v.grant.advice(name))}
	}
	value, set = v.grant.look(name)
	return value, set, nil
}

// shown is a name in a message.
func shown(name string) string {
	if valid(name) != nil {
		return host.Show(starlark.String(name))
	}
	return host.Cut(name)
}

// Get returns a variable; that it is not set is an error that says so.
func (v *variables) Get(key starlark.Value) (starlark.Value, bool, error) {
	name, ok := starlark.AsString(key)
	if !ok {
		return nil, false, fmt.Errorf("env: got %s, want the name of a variable", key.Type())
	}
	value, set, err := v.get(name)
	if err == nil && !set {
		err = &failure{missing, v.grant.missing(name)}
	}
	if err != nil {
		return nil, false, fmt.Errorf("env: %w", err)
	}
	return starlark.String(value), true, nil
}

// Len counts the names that were granted.
func (v *variables) Len() int { return len(v.grant.names()) }

// Iterate gives the names that were granted, in order.
func (v *variables) Iterate() starlark.Iterator {
	var all starlark.Tuple
	for _, name := range v.grant.names() {
		all = append(all, starlark.String(name))
	}
	return all.Iterate()
}

func (v *variables) AttrNames() []string { return variablesType.AttrNames() }

// Attr returns a method. A variable is no attribute: methods may come to have its name.
func (v *variables) Attr(name string) (starlark.Value, error) {
	return variablesType.Method(v, name), nil
}

var variablesType = &host.Type{
	Name: "env",
	Doc:  "Variables of the environment.",
	Members: []host.Member{
		{
			Name: "get",
			Doc:  "Returns a variable, or something else if it is not set.",
			Params: []host.Param{
				{Name: "name", Doc: "of a variable that was granted", Type: "string"},
				{
					Name: "default", Type: "any", Default: starlark.None,
					Doc: "what is returned if it is not set",
				},
			},
			Result:  "a string",
			Errors:  []host.Failure{{When: `it was not granted (kind "refused")`}},
			Example: `env.get("HOME")  # error: the variable HOME is not granted`,
			Fn: func(v *variables, name string, other starlark.Value) (starlark.Value, error) {
				value, set, err := v.get(name)
				if err != nil || !set {
					return other, err
				}
				return starlark.String(value), nil
			},
		},
		{
			Name: "keys", Doc: "Returns the names that were granted, in order.",
			Result:  "a list of strings",
			Example: `env.keys()  # []`,
			Fn:      func(v *variables) []string { return v.grant.names() },
		},
	},
}
