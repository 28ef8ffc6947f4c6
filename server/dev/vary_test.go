package dev_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
)

// TestVaryIsMissing verifies that dev warns of a response that was made from who asks, and that
// others may get: a resource of a page, or what says that it may be kept.
func TestVaryIsMissing(t *testing.T) {
	tree := fstest.MapFS{"app.star": {Data: []byte(`
FIELDS = {
    "/public": [("Cache-Control", "max-age=60")],
    "/private.css": [("Cache-Control", "private")],
    "/vary.css": [("Vary", "accept, cookie")],
    "/any.css": [("Vary", "*")],
}
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path != "/unread.css":
        environ.get("HTTP_COOKIE")
    start_response("404 Not Found" if path == "/none.css" else "200 OK", FIELDS.get(path, []))
    return ["x"]
`)}}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	app, err := runtime.Load(&runtime.Config{FS: tree, Logger: logger}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	d := dev.New("")
	developed := d.Develop(dev.Config{Tree: tree})
	for _, c := range []struct {
		method, target string
		fields         []string
		warns          bool
	}{
		{"GET", "/a.css", nil, true},
		{"GET", "/public", nil, true},
		{"GET", "/dest", []string{"Sec-Fetch-Dest: style"}, true},
		{"GET", "/", []string{"Sec-Fetch-Dest: document"}, false}, // nobody keeps it
		{"GET", "/private.css", nil, false},
		{"GET", "/vary.css", nil, false},
		{"GET", "/any.css", nil, false},
		{"GET", "/none.css", nil, false},
		{"GET", "/unread.css", nil, false},
		{"POST", "/a.css", nil, false},
	} {
		for developing, want := range map[server.App]bool{
			developed.Wrap(app, "", environ.Config{}): c.warns, server.App(app): false,
		} {
			log.Reset()
			ask(&server.Handler{App: developing, Logger: logger}, c.method, c.target, "", c.fields...)
			if got := strings.Contains(log.String(), "LARK0215"); got != want {
				t.Errorf("%s %s: warned: %v, want %v: %s", c.method, c.target, got, want, &log)
			}
		}
	}
}
