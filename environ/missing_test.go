package environ_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

// Without a request there is no environ, and that is what is said.
func TestNewSaysWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		call func()
		want string
	}{
		{func() { environ.FromHTTP(nil) }, "environ: the facts of a nil *http.Request"},
		{func() { new(environ.Source).Request(nil) }, "environ: the facts of a nil *http.Request"},
		{func() { new(environ.Config).New(nil) }, "environ: New: there is no Request, or it has no Message: FromHTTP makes one"},
		{func() { new(environ.Config).New(&environ.Request{}) }, "environ: New: there is no Request, or it has no Message: FromHTTP makes one"},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); got != test.want {
					t.Errorf("got panic %s, want %s", got, test.want)
				}
			}()
			test.call()
		}()
	}
}

// A request that was made by hand, and one without a body, have an environ like any other; a nil
// Config is the zero one.
func TestNewOfARequestMadeByHand(t *testing.T) {
	bare, err := http.NewRequest(http.MethodGet, "http://example.com/a?b=c", nil)
	if err != nil {
		t.Fatal(err)
	}
	var none *environ.Config
	for _, test := range []struct {
		config  *environ.Config
		request *environ.Request
	}{
		{none, environ.FromHTTP(httptest.NewRequest(http.MethodGet, "http://example.com/a?b=c", nil))},
		{new(environ.Config), &environ.Request{Message: httptest.NewRequest(http.MethodGet, "http://example.com/a?b=c", nil)}},
		{new(environ.Config), &environ.Request{Message: bare}},
	} {
		e := test.config.New(test.request)
		for key, want := range map[string]string{"PATH_INFO": "/a", "QUERY_STRING": "b=c", "HTTP_HOST": "example.com"} {
			v, found, err := e.Get(starlark.String(key))
			if err != nil || !found || v != starlark.String(want) {
				t.Errorf("%s: got %v, %v, %v; want %s", key, v, found, err, want)
			}
		}
		if n, err := e.Input.Read(make([]byte, 1)); n != 0 || fmt.Sprint(err) != "EOF" {
			t.Errorf("got %d, %v; want an empty body", n, err)
		}
		if id := test.request.ID(); !strings.HasSuffix(id, "-1") {
			t.Errorf("got the id %s", id)
		}
		e.Finish()
	}
}
