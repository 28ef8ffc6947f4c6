package session_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"go.starlark.net/starlark"
)

// TestModule runs the examples, all with the environ of one request of a new visitor.
func TestModule(t *testing.T) {
	load := &host.Load{Grant: session.Random()}
	values, err := session.Module().Values(load)
	if err != nil {
		t.Fatal(err)
	}
	app := starlark.NewBuiltin("app", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple,
		[]starlark.Tuple) (starlark.Value, error) {
		return starlark.None, nil
	})
	thread, env := new(starlark.Thread), new(starlark.Dict)
	around, err := starlark.Call(thread, values["sessions"], starlark.Tuple{app}, nil)
	if err == nil {
		_, err = starlark.Call(thread, around, starlark.Tuple{env, app}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Module(t, session.Module(), load, starlark.StringDict{"app": app, "environ": env})
}
