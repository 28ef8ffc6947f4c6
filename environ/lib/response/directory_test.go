package response_test

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"github.com/larkspur-web/larkspur/server"
)

// TestDirectory answers with files of a directory that is granted, by their paths, open, and all of
// them.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.txt": "0123456789", "empty": "", ".env": "secret", "x.html": "<p>"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@files", "directory")
load("@response", "file", "text")
load("@static", "static")
d = directory("d")
all = static(d)
def app(environ, start_response):
    way, name = environ["PATH_INFO"][1:].split("/", 1)
    if way == "path":
        r = file(name, directory = d)
    if way == "open":
        r = file(d.open(name))
    if way == "read":
        f = d.open(name)
        f.readline()
        r = file(f, download = True, headers = {"Content-Type": "text/x-own"})
    if way == "missing":
        r = file(d.open(name)).replace(status = 404)
    if way == "closed":
        f = d.open(name)
        f.close()
        r = file(f)
    if way == "static":
        environ["PATH_INFO"] = "/" + name
        r = all
    return r(environ, start_response)
`)}},
		Modules: []*host.Module{response.Module(), files.Module(), static.Module()},
		Grants:  map[string]any{files.Name: &files.Grant{Dirs: map[string]files.Dir{"d": {Path: dir}}}},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&server.Handler{App: p, Logger: slog.New(slog.DiscardHandler)})
	defer s.Close()
	for _, c := range []struct {
		method, path, field string
		header              []string
		want                string
	}{
		{"GET", "/path/a.txt", "Content-Type", nil, `200 "0123456789" text/plain; charset=utf-8`},
		{"GET", "/open/a.txt", "Content-Type", nil, `200 "0123456789" text/plain; charset=utf-8`},
		{"GET", "/open/x.html", "X-Content-Type-Options", nil, `200 "<p>" nosniff`},
		{"GET", "/read/a.txt", "Content-Type", nil, `200 "0123456789" text/x-own`},
		{"GET", "/read/a.txt", "Content-Disposition", nil, `200 "0123456789" attachment; filename="a.txt"`},
		{"GET", "/static/a.txt", "Content-Type", nil, `200 "0123456789" text/plain; charset=utf-8`},
		{"GET", "/open/a.txt", "Content-Range", []string{"Range", "bytes=2-4"}, `206 "234" bytes 2-4/10`},
		{"GET", "/read/a.txt", "Content-Range", []string{"Range", "bytes=-3"}, `206 "789" bytes 7-9/10`},
		{"GET", "/path/a.txt", "Content-Range", []string{"Range", "bytes=-3"}, `206 "789" bytes 7-9/10`},
		{"GET", "/static/a.txt", "Content-Range", []string{"Range", "bytes=-3"}, `206 "789" bytes 7-9/10`},
		{"GET", "/open/a.txt", "Content-Range", []string{"Range", "bytes=10-"},
			`416 "invalid range: failed to overlap\n" bytes */10`},
		{"HEAD", "/open/a.txt", "Content-Length", nil, `200 "" 10`},
		{"HEAD", "/path/a.txt", "Content-Length", nil, `200 "" 10`},
		{"GET", "/open/empty", "Content-Length", nil, `200 "" 0`},
		{"POST", "/open/a.txt", "Content-Range", []string{"Range", "bytes=2-4"}, `200 "0123456789" `},
		{"GET", "/missing/a.txt", "Content-Length", []string{"Range", "bytes=2-4"}, `404 "0123456789" 10`},
		{"GET", "/path/none", "Vary", nil, `404 "404 Not Found\n" Accept`},
		{"GET", "/path/.env", "Vary", nil, `404 "404 Not Found\n" Accept`},
		{"GET", "/path/../a.txt", "X", nil, `404 "404 Not Found\n" `},
		{"GET", "/static/.env", "X", nil, `404 "404 Not Found\n" `},
		{"GET", "/static/none", "X", nil, `404 "404 Not Found\n" `},
		{"GET", "/open/none", "X", nil, `500 "500 Internal Server Error\n" `},
		{"GET", "/closed/a.txt", "X", nil, `500 "500 Internal Server Error\n" `},
	} {
		if got := ask(t, s, c.method, c.path, c.field, c.header...); got != c.want {
			t.Errorf("%s %s %v: %s, want %s", c.method, c.path, c.header, got, c.want)
		}
	}
	// All ways give the same tag, by which a client need not ask again.
	tag := regexp.MustCompile(`"[\w-]{10,}"$`).FindString(ask(t, s, "GET", "/path/a.txt", "Etag"))
	for _, way := range []string{"path", "open", "static"} {
		if got := ask(t, s, "GET", "/"+way+"/a.txt", "Etag", "If-None-Match", tag); !strings.HasPrefix(got, "304") || tag == "" {
			t.Errorf("%s: %s with %q", way, got, tag)
		}
		if got := ask(t, s, "GET", "/"+way+"/a.txt", "Content-Range", "Range", "bytes=0-1", "If-Range", `"other"`); got != `200 "0123456789" ` {
			t.Errorf("%s: %s", way, got)
		}
	}
	// Nothing is remembered of a file that was replaced.
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("9876543210"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"path", "open", "static"} {
		if got := ask(t, s, "GET", "/"+way+"/a.txt", "X", "If-None-Match", tag); got != `200 "9876543210" ` {
			t.Errorf("%s: %s", way, got)
		}
	}
}
