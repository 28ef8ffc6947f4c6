package session_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// scene is what the examples see besides the module: an application, and the environ of a request
// of a new visitor.
const scene = `def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["Hello, world!\n"]

environ = {}
sessions(
    lambda environ, start_response: [],
    secret = "an example that has 32 characters or more",
)(environ, lambda status, headers: None)
`

// TestModule runs the examples, all with the environ of one request.
func TestModule(t *testing.T) {
	load := &host.Load{Grant: session.Random()}
	values, err := session.Module().Values(load)
	if err != nil {
		t.Fatal(err)
	}
	f, err := new(syntax.FileOptions).Parse("scene", scene, 0)
	if err == nil { // unlike a file it is not frozen
		err = starlark.ExecREPLChunk(f, new(starlark.Thread), values)
	}
	if err != nil {
		t.Fatal(err)
	}
	env := starlark.StringDict{"app": values["app"], "environ": values["environ"]}
	hosttest.Module(t, session.Module(), load, env)
}
