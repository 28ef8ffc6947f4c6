package fetch_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"go.starlark.net/starlark"
)

// A program asks the one server that it was granted.
func ExampleModule() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"title": "Tea", "asked": %q}`, r.URL.Path)
	}))
	defer server.Close()
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@fetch", "fetch")

def app(url):
    note = fetch(url + "/notes/1").json()
    _, error = catch(fetch, "http://169.254.169.254/latest/meta-data/")
    return note["title"], error.kind
`)}},
		Modules: []*host.Module{fetch.Module()},
		Grants:  map[string]any{"fetch": &fetch.Grant{Hosts: []string{strings.TrimPrefix(server.URL, "http://")}}},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	err = p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
		v, err := starlark.Call(t, app, starlark.Tuple{starlark.String(server.URL)}, nil)
		fmt.Println(v)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: ("Tea", "refused")
}

// A Grant can be checked before a program is loaded with it.
func ExampleGrant_Check() {
	for _, host := range []string{"api.example.com", "127.0.0.1:9000", "10.0.0.0/8"} {
		fmt.Println((&fetch.Grant{Hosts: []string{host}}).Check())
	}
	// Output:
	// <nil>
	// <nil>
	// fetch: grant host "10.0.0.0/8": it is not public: name each host of it with its port
}
