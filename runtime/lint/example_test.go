package lint_test

import (
	"fmt"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/lint"
)

func ExampleRun() {
	c := &runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    list = []
    return list
    start_response("200 OK", [])
`)}}}
	language := lint.Rules{Builtin: c.Builtins().Has}
	for _, warning := range lint.Run(c, "app.star", language.Check) {
		fmt.Println(warning)
	}
	// Output:
	// app.star:3:5: list hides the builtin of that name
	// app.star:5:5: nothing comes here: return in line 4 goes elsewhere
}
