package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	lib "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// TestMaxBytesError has a host function meet the bound of a body that it reads itself.
func TestMaxBytesError(t *testing.T) {
	read := lib.Func("read", func() (string, error) {
		body := io.NopCloser(strings.NewReader("0123456789"))
		b, err := io.ReadAll(http.MaxBytesReader(httptest.NewRecorder(), body, 5))
		if err != nil {
			return "", fmt.Errorf("read all: %w", err)
		}
		return string(b), nil
	})
	program, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    if environ["QUERY_STRING"] == "raised":
        fail(catch(read)[1])
    return [read()]
`)}},
		Predeclared: starlark.StringDict{"read": read},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	h := &server.Handler{App: program, Logger: slog.New(slog.DiscardHandler)}
	for _, target := range []string{"/", "/?raised"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: got %d, want 413", target, w.Code)
		}
	}
}
