package response_test

import (
	"fmt"
	"net/http/httptest"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// An application answers with responses, and with files of a directory that it is granted.
func ExampleModule() {
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@files", "directory")
load("@response", "file", "json")

REPORTS = directory("reports")
HELLO = json({"hello": "world"})

def app(environ, start_response):
    answer = HELLO
    if environ["PATH_INFO"] == "/report":
        answer = file("2026/report.txt", download = True, directory = REPORTS)
    return answer(environ, start_response)
`)}},
		Modules: []*host.Module{response.Module(), files.Module()},
		Grants: map[string]any{"files": &files.Grant{
			Dirs: map[string]files.Dir{"reports": {Path: "testdata/reports"}},
		}},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range []string{"/", "/report"} {
		w := httptest.NewRecorder()
		(&server.Handler{App: app}).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(w.Header().Get("Content-Type"), w.Header().Get("Content-Disposition"), w.Body)
	}
	// Output:
	// application/json  {"hello":"world"}
	// text/plain; charset=utf-8 attachment; filename="report.txt" all is well
}

// A function of Go that a script calls ends the request, from any depth, with a page.
func ExampleAbortPage() {
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    start_response("200 OK", [])
    return [note(7)]
`)}},
		Predeclared: starlark.StringDict{"note": host.Func("note", func(id int) (string, error) {
			return "", response.AbortPage(404, "there is no such note",
				environ.Field{Name: "Cache-Control", Value: "no-store"})
		})},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	(&server.Handler{App: app}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Print(w.Code, " ", w.Header().Get("Cache-Control"), "\n", w.Body)
	// Output:
	// 404 no-store
	// 404 Not Found
	// there is no such note
}
