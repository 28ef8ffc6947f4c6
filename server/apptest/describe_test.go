package apptest

import (
	"net/http"
	"net/url"
	"testing"

	"go.starlark.net/starlark"
)

// TestDescribed checks that a client and a response have each attribute that is described.
func TestDescribed(t *testing.T) {
	c := &client{base: &url.URL{Scheme: "http", Host: "localhost", Path: "/"}, jar: newJar()}
	r := &response{client: c, url: c.base, x: &exchange{sent: make(http.Header)}}
	for _, v := range []starlark.HasAttrs{c, r} {
		for _, name := range v.AttrNames() {
			if got, err := v.Attr(name); got == nil || err != nil {
				t.Errorf("%s has no %s: %v", v.Type(), name, err)
			}
		}
	}
}
