package http_test

import (
	"slices"
	"testing"

	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// TestFileIsDescribed compares what an uploaded file has with what its type says.
func TestFileIsDescribed(t *testing.T) {
	types := libhttp.Module().Types
	i := slices.IndexFunc(types, func(t *host.Type) bool { return t.Name == "http.file" })
	if i < 0 {
		t.Fatal("the type is not described")
	}
	described := types[i].AttrNames()
	for _, name := range append(new(host.File).AttrNames(), "filename", "content_type") {
		if !slices.Contains(described, name) {
			t.Errorf("docs http.file has no %s", name)
		}
	}
}
