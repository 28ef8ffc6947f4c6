// Package structs is the host module @struct, whose name is no name for a Go package.
package structs

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// Module describes @struct.
func Module() *host.Module {
	return &host.Module{
		Name: "struct",
		Doc:  "Records with named fields.",
		Members: []host.Member{{
			Name: "struct",
			Doc:  "Makes a record of its named arguments. Two are equal if their fields are.",
			Params: []host.Param{
				{Name: "fields", Doc: "any values, by name", Type: "any", Pass: host.RestByName},
			},
			Result: "a struct, whose fields are read as s.name and cannot be set",
			Example: `s = struct(x = 1, y = 2)
s.x + s.y  # 3
s  # struct(x = 1, y = 2)`,
			Pure:  true,
			Value: starlark.NewBuiltin("struct", starlarkstruct.Make),
		}},
	}
}
