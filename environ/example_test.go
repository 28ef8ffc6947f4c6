package environ_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/larkspur-web/larkspur/environ"
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
