package body_test

import (
	"fmt"
	"net/http/httptest"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// Middleware changes the blocks of an application one by one, as they are made.
func ExampleModule() {
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@body", "body", "body_map", "ticks")

def count(environ, start_response):
    start_response("200 OK", [])
    return body(ticks(0.01, count = 3), close = lambda: print("closed"))

def lines(inner):
    def app(environ, start_response):
        return body_map(lambda n: "line %d\n" % n, inner(environ, start_response))
    return app

app = lines(count)
`)}},
		Modules: []*host.Module{body.Module()},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	(&server.Handler{App: app}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Body)
	// Output:
	// line 0
	// line 1
	// line 2
}
