package env_test

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/env"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A program sees the variables that it was granted.
func ExampleModule() {
	grant := &env.Grant{Names: []string{"API_KEY"}, Look: func(string) (string, bool) { return "k-17", true }}
	values, err := env.Module().Values(&host.Load{Grant: grant})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, expr := range []string{`env["API_KEY"]`, `env["PATH"]`} {
		v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "", expr, values)
		fmt.Println(v, err)
	}
	// Output:
	// "k-17" <nil>
	// <nil> env: the variable PATH is not granted; grant env=PATH
}
