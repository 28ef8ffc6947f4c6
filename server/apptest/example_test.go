package apptest_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/server/apptest"
	"go.starlark.net/starlark"
)

// An embedder gives the module to the tests of scripts, and each test a session.
func ExampleConfig_Module() {
	files := fstest.MapFS{
		"app.star": {Data: []byte(`
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["hello from ", environ["PATH_INFO"]]
`)},
		"app_test.star": {Data: []byte(`
load("@test", "client", "eq")
load("app.star", _app = "app")

def test_hello():
    eq(client(_app).get("/here").text, "hello from /there")
`)},
	}
	kit := new(apptest.Config)
	s := &suite.Suite{
		Config: runtime.Config{FS: files, Modules: []*host.Module{kit.Module()}},
		Prepare: func(t *starlark.Thread, p *runtime.Program) func() error {
			return apptest.Open(t, p).Close
		},
	}
	err := s.Run(context.Background(), []string{"app_test.star"}, func(r *suite.Result) {
		f := s.Explain(r)
		fmt.Println(r.Name, f.Message)
		for _, line := range f.Detail {
			fmt.Println(line)
		}
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// test_hello eq: they are not equal
	// got:  "hello from /here"
	// want: "hello from /there"
}
