package static_test

import (
	"fmt"
	"net/http/httptest"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// An embedder grants @static, and a script serves files of its own tree with it.
func ExampleModule() {
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{
			"app.star":        {Data: []byte(`load("@static", "static")` + "\n" + `app = static("public", max_age = 60)`)},
			"public/site.css": {Data: []byte("body { color: teal }")},
		},
		Modules: []*host.Module{static.Module()},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, target := range []string{"/site.css", "/../app.star"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("Range", "bytes=-5")
		(&server.Handler{App: app}).ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Content-Type"), w.Header().Get("Content-Range"), w.Header().Get("Cache-Control"), w.Body)
	}
	// Output:
	// 206 text/css; charset=utf-8 bytes 15-19/20 public, max-age=60 eal }
	// 404 text/plain; charset=utf-8   404 Not Found
}
