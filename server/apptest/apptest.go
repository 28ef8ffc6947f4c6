// Package apptest is the host module @test: a client that asks an application without a socket, and
// asserts.
//
//	load("@test", "client", "eq")
//	load("app.star", _app = "app")
//
//	def test_hello():
//	    c = client(_app)
//	    eq(c.get("/").text, "Hello, world!\n")
//
// TESTING.md, beside this file, describes the module for those who write tests.
//
// # The model
//
// A client keeps a [server.Handler] of the application, and hands it requests: the environ, the
// response's states and the limits are those of the server, only the wire is missing. The
// application runs on a thread of its own, in a coroutine that runs while the test waits for the
// next block, and never beside it: so a test sees each block of a stream as it comes, and values
// that test and application share need no lock.
//
// A request fails the test when the application fails, breaks off, or breaks the contract in a way
// that the server only warns of, unless the test says that it is to fail. What the server logs of a
// request is how that is known.
//
// Everything belongs to a [Session], that of one test. The package knows no Starlark program but
// the [server.App] that the session is given for the sake of its threads.
package apptest

import (
	"errors"
	"log/slog"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// Config is what the module is made with. The zero value works. It must not be changed once it is
// in use, and is safe for concurrent use.
type Config struct {
	// Lint, if not nil, is a function of an application that returns one which fails where it
	// breaks the contract: that of apps/lint.star. Each client's application is called through it,
	// unless the test says lint = False. It must be frozen. Backtraces leave its frames out.
	Lint *starlark.Function
	// Log receives what the server logs of a request, besides the response's log. Nil drops it.
	// What an application prints goes to the logger of its program, and reaches the response if
	// that has a [tee.Handler].
	Log slog.Handler
}

// Module describes @test.
func (c *Config) Module() *host.Module {
	return &host.Module{
		Name:    "test",
		Doc:     "A client that asks an application without a socket, and what a test fails by.",
		Members: append([]host.Member{c.clientMember()}, asserts()...),
		Whole:   true,
		Types:   []*host.Type{clientType, responseType, socketType},
		Misuse:  misuse,
		Scene: `def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["Hello, world!\n"]
`,
	}
}

// A Session is what one test has open. It belongs to the goroutine that runs the test.
type Session struct {
	app  server.App
	open []*exchange // whose application may still run
}

// local is the key of the Session among a thread's locals.
const local = "larkspur.test"

// Open makes t the thread of a test: clients can be made on it. Calls of applications get their
// threads from app, as a rule the program that the test is in. The session must be closed before t
// ends.
func Open(t *starlark.Thread, app server.App) *Session {
	s := &Session{app: app}
	t.SetLocal(local, s)
	return s
}

// Close ends what is open, as a client does that goes away. The error is that of an application
// that failed in a response which the test did not read to its end, if one did.
func (s *Session) Close() error {
	var errs []error
	for len(s.open) > 0 {
		errs = append(errs, s.open[0].close())
	}
	return errors.Join(errs...)
}

func sessionOf(t *starlark.Thread) (*Session, error) {
	if s, ok := t.Local(local).(*Session); ok {
		return s, nil
	}
	return nil, errors.New("it belongs to a test: make and use it inside of a test function")
}
