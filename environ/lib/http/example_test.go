package http_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// An embedder grants @http, and a script reads a form with it.
func ExampleModule() {
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@http", "form", "query", "set_cookie", "status")
def app(environ, start_response):
    name = form(environ).get("name")
    if not name:
        start_response(status(422), [])
        return ["who?\n"]
    start_response(status(200), [set_cookie("name", name, max_age = 3600)])
    return ["%s, %s\n" % (query(environ).get("greeting", "hello"), name)]
`)}},
		Modules: []*host.Module{libhttp.Module()},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, body := range []string{"name=Ada", ""} {
		r := httptest.NewRequest("POST", "/?greeting=good+day", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		(&server.Handler{App: app}).ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Header().Get("Set-Cookie"), " ", w.Body)
	}
	// Output:
	// 200 name=Ada; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax good day, Ada
	// 422  who?
}
