package apptest

import (
	"fmt"
	"net/http"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"go.starlark.net/starlark"
)

// begin has the client begin with a session, that of sessions of @session whatever its secret is:
// what a visitor has who was here before. Nil is none.
func (c *client) begin(with starlark.IterableMapping) error {
	c.trial.Keep = func(line string) {
		c.jar.set(c.base, http.Header{"Set-Cookie": {line}})
	}
	if with == nil {
		return nil
	}
	start := new(starlark.Dict)
	for _, item := range with.Items() {
		if _, ok := item[0].(starlark.String); !ok {
			return fmt.Errorf("session: the key %s is %s, not a string", item[0], item[0].Type())
		}
		if err := start.SetKey(item[0], item[1]); err != nil {
			return err
		}
	}
	if err := session.Storable(start); err != nil {
		return err
	}
	c.trial.Start = start
	return nil
}

// remembered is what the cookie says that the client has: the session, and its flashes.
func (c *client) remembered() (*starlark.Dict, starlark.Tuple) {
	u := *c.base
	u.Path = c.trial.Path()
	return c.trial.Session(c.jar.header(&u))
}
