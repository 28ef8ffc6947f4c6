package environ_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// An environ is a dict of what the request says and what the deployer adds.
func ExampleConfig_New() {
	c := &environ.Config{Vars: map[string]string{"blog.title": "Larks"}}
	r := httptest.NewRequest("GET", "/blog/a%20b?page=2", nil)
	r.Header.Set("Accept-Language", "en")
	request := environ.FromHTTP(r)
	request.ScriptName = "/blog"
	d := c.New(request).Dict()
	for _, key := range []string{"REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_ACCEPT_LANGUAGE", "wsgi.version", "blog.title"} {
		v, _, _ := d.Get(starlark.String(key))
		fmt.Println(key, v)
	}
	// Output:
	// REQUEST_METHOD "GET"
	// SCRIPT_NAME "/blog"
	// PATH_INFO "/a b"
	// QUERY_STRING "page=2"
	// HTTP_ACCEPT_LANGUAGE "en"
	// wsgi.version (1, 0)
	// blog.title "Larks"
}

// A function of Go refuses a request with a status: the script need not know.
func ExampleError() {
	admin := starlark.NewBuiltin("admin", func(t *starlark.Thread, _ *starlark.Builtin,
		args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		user, _ := starlark.AsString(args[0])
		if user != "ada" {
			return nil, &environ.Error{Status: http.StatusForbidden, Msg: user + " is no administrator"}
		}
		return starlark.None, nil
	})
	files := fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    admin(environ["REMOTE_USER"])
    start_response("200 OK", [])
    return ["welcome"]
`)}}
	p, err := runtime.Load(&runtime.Config{FS: files,
		Predeclared: starlark.StringDict{"admin": admin}}, "app.star")
	if err != nil {
		panic(err)
	}
	h := &server.Handler{App: p, Logger: slog.New(slog.DiscardHandler),
		Variables: func(r *http.Request) map[string]string {
			user, _, _ := r.BasicAuth()
			return map[string]string{"REMOTE_USER": user}
		}}
	for _, user := range []string{"ada", "bob"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, "secret")
		h.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 403
}

// An error page is what the client accepts.
func ExampleErrorPage() {
	page := &environ.ErrorPage{Status: 404, Message: "there is no such note"}
	for _, accept := range []string{"*/*", "application/json"} {
		fields, body := page.Render(accept)
		fmt.Print(fields[0].Value, "\n", body)
	}
	// Output:
	// text/plain; charset=utf-8
	// 404 Not Found
	// there is no such note
	// application/problem+json
	// {"title":"Not Found","status":404,"detail":"there is no such note"}
}

// Middleware that is written in Go stands around an application: it calls it with a start_response of
// its own, which changes what the application says.
func ExampleInterpose() {
	app := starlark.NewBuiltin("app", func(
		t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
	) (starlark.Value, error) {
		start := args[1].(starlark.Callable)
		return starlark.Tuple{}, environ.Start(t, start, 200, nil)
	})
	// marked returns the application around app.
	marked := func(app starlark.Callable) starlark.Callable {
		return starlark.NewBuiltin("marked", func(
			t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
		) (starlark.Value, error) {
			start := environ.Interpose(t, args[1].(starlark.Callable), func(h *environ.Head) error {
				h.Set("X-Mark", "1")
				return nil
			})
			return starlark.Call(t, app, starlark.Tuple{args[0], start}, nil)
		})
	}
	start := starlark.NewBuiltin("start_response", func(
		_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
	) (starlark.Value, error) {
		fmt.Println(args[0], args[1])
		return starlark.None, nil
	})
	env := new(environ.Config).New(environ.FromHTTP(httptest.NewRequest("GET", "/", nil)))
	_, err := starlark.Call(new(starlark.Thread), marked(app), starlark.Tuple{env, start}, nil)
	if err != nil {
		fmt.Println(err)
	}
	// Output: "200 OK" [("X-Mark", "1")]
}
