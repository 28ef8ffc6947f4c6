package session_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// An application counts the visits of each visitor. Who runs it grants the secret, here one that
// ends with the process.
func ExampleModule() {
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@session", "session", "sessions")

def count(environ, start_response):
    visitor = session(environ)
    visitor["visits"] = visitor.get("visits", 0) + 1
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["visit %d" % visitor["visits"]]

app = sessions(count)
`)}},
		Modules: []*host.Module{session.Module()},
		Grants:  map[string]any{session.Name: session.Random()},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := httptest.NewServer(&server.Handler{App: app})
	defer s.Close()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	for range 3 {
		res, err := browser.Get(s.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		var text string
		fmt.Fscanf(res.Body, "visit %s", &text)
		res.Body.Close()
		fmt.Println(text, res.Header["Vary"])
	}
	// Output:
	// 1 [Cookie]
	// 2 [Cookie]
	// 3 [Cookie]
}
