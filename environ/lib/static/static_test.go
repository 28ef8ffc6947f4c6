package static_test

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	stdruntime "runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// The application mounts a site at /s and serves the same at the root.
const script = `
load("@static", "static", "file")
site = static("public")
aged = static("//public", max_age = 3600)
def app(environ, start_response):
    path = environ["PATH_INFO"]
    for prefix, to in [("/s", site), ("/aged", aged)]:
        if path == prefix or path.startswith(prefix + "/"):
            environ["SCRIPT_NAME"] += prefix
            environ["PATH_INFO"] = path[len(prefix):]
            return to(environ, start_response)
    return site(environ, start_response)
`

var modified = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// public is a tree of the script and these files below public/.
func public(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{"app.star": {Data: []byte(script)}, "secret.txt": {Data: []byte("secret")}}
	for name, data := range files {
		tree["public/"+name] = &fstest.MapFile{Data: []byte(data), ModTime: modified}
	}
	return tree
}

// serve serves the application of a tree.
func serve(t testing.TB, tree fs.FS) (app *runtime.Live, address string) {
	t.Helper()
	config := &runtime.Config{FS: tree, Modules: []*host.Module{static.Module()}}
	app, err := runtime.NewLive(config, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&server.Handler{App: app, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(s.Close)
	return app, s.Listener.Addr().String()
}

// ask sends a request with its target as it is, which a client would clean, and returns the
// response with its body.
func ask(t testing.TB, address, method, target string, fields ...string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n", method, target)
	for _, f := range fields {
		fmt.Fprintf(c, "%s\r\n", f)
	}
	fmt.Fprint(c, "\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestNames(t *testing.T) {
	_, address := serve(t, public(map[string]string{
		"a.txt": "a", "index.html": "top", "dir/index.html": "index", "dir/b.txt": "b", "empty/c.txt": "c", "a b/é.txt": "octets",
		"..twice": "no", ".env": "no", ".git/config": "no", "dir/.hidden": "no", ".well-known/security.txt": "well known",
	}))
	for _, tt := range []struct {
		target string
		status int
		want   string // the body, or Location
	}{
		{"/a.txt", 200, "a"},
		{"/s/a.txt", 200, "a"},
		{"/a.txt?v=1", 200, "a"},
		{"/%61.txt", 200, "a"},
		{"/a%20b/%C3%A9.txt", 200, "octets"},
		{"/", 200, "top"},
		{"/dir/", 200, "index"},
		{"/.well-known/security.txt", 200, "well known"},
		{"/dir", 301, "/dir/"},
		{"/dir?x=%20", 301, "/dir/?x=%20"},
		{"/s", 301, "/s/"},
		{"/s/dir", 301, "/s/dir/"},
		{"/s/a%20b", 301, "/s/a%20b/"},
		{"/empty/", 404, ""},
		{"/a.txt/", 404, ""},
		{"/a.txt/b", 404, ""},
		{"/none", 404, ""},
		{"/none/", 404, ""},
		{"/A.TXT", 404, ""},
		// A file has one path.
		{"//a.txt", 404, ""},
		{"//", 404, ""},
		{"/dir//", 404, ""},
		{"/dir//b.txt", 404, ""},
		{"/./a.txt", 404, ""},
		{"/dir/./b.txt", 404, ""},
		// No path leads out of the directory.
		{"/../secret.txt", 404, ""},
		{"/s/../../secret.txt", 404, ""},
		{"/dir/../a.txt", 404, ""},
		{"/%2e%2e/secret.txt", 404, ""},
		{"/%2e%2e%2fsecret.txt", 404, ""},
		{"/..%2fsecret.txt", 404, ""},
		{"/%2e%2e%5csecret.txt", 404, ""},
		{"/..%5csecret.txt", 404, ""},
		{"/dir%5cb.txt", 404, ""},
		{"/%252e%252e/secret.txt", 404, ""},
		{"/dir%2fb.txt", 200, "b"}, // to an application a decoded path is a path
		{"/a.txt%00", 404, ""},
		{"/%00", 404, ""},
		{"/..", 404, ""},
		// Dot files.
		{"/.env", 404, ""},
		{"/%2eenv", 404, ""},
		{"/.git/config", 404, ""},
		{"/.git", 404, ""},
		{"/dir/.hidden", 404, ""},
		{"/..twice", 404, ""},
		// No redirect to another host.
		{"//dir", 404, ""},
		{"/s//evil.test/..", 404, ""},
	} {
		t.Run(strings.ReplaceAll(tt.target, "/", "|"), func(t *testing.T) {
			res, body := ask(t, address, "GET", tt.target)
			if tt.status != 200 {
				body = res.Header.Get("Location")
			}
			if res.StatusCode != tt.status || body != tt.want {
				t.Errorf("got %d %q, want %d %q", res.StatusCode, body, tt.status, tt.want)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	want := map[string]string{
		"a.html": "text/html; charset=utf-8", "a.css": "text/css; charset=utf-8", "a.js": "text/javascript; charset=utf-8",
		"a.mjs": "text/javascript; charset=utf-8", "a.svg": "image/svg+xml", "a.woff2": "font/woff2", "a.json": "application/json",
		"a.wasm": "application/wasm", "a.txt": "text/plain; charset=utf-8", "A.PNG": "image/png", "a.tar.gz": "application/gzip",
		"a.unknown": "application/octet-stream", "LICENSE": "application/octet-stream",
	}
	files := make(map[string]string)
	for name := range want {
		files[name] = "<html>" // the content must not decide
	}
	_, address := serve(t, public(files))
	for name, want := range want {
		res, _ := ask(t, address, "GET", "/"+name)
		if got := res.Header.Get("Content-Type"); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: the client is left to guess", name)
		}
	}
}

func TestMethods(t *testing.T) {
	_, address := serve(t, public(map[string]string{"a.txt": "0123456789"}))
	get, _ := ask(t, address, "GET", "/a.txt")
	for _, tt := range []struct {
		method, target string
		status         int
		length         int64
		fields         []string
	}{
		{"HEAD", "/a.txt", 200, 10, nil},
		{"HEAD", "/a.txt", 206, 4, []string{"Range: bytes=2-5"}},
		{"HEAD", "/a.txt", 416, -1, []string{"Range: bytes=20-"}},
		{"HEAD", "/none", 404, 14, nil},
	} {
		res, body := ask(t, address, tt.method, tt.target, tt.fields...)
		if res.StatusCode != tt.status || body != "" || tt.length >= 0 && res.ContentLength != tt.length {
			t.Errorf("%s %s %v: got %d, length %d, body %q; want %d, length %d, none", tt.method, tt.target, tt.fields, res.StatusCode, res.ContentLength, body, tt.status, tt.length)
		}
	}
	head, _ := ask(t, address, "HEAD", "/a.txt")
	for _, name := range []string{"Content-Type", "Etag", "Last-Modified", "Accept-Ranges", "Cache-Control", "Content-Length"} {
		if h, g := head.Header.Get(name), get.Header.Get(name); h != g || h == "" {
			t.Errorf("%s: HEAD has %q, GET %q", name, h, g)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PURGE"} {
		res, _ := ask(t, address, method, "/a.txt", "Content-Length: 0")
		if res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: got %d, Allow %q", method, res.StatusCode, res.Header.Get("Allow"))
		}
	}
}

// conditions are requests for 0123456789, and what RFC 9110, sections 13 and 14, has for an
// answer. TAG is the file's.
var conditions = []struct {
	name   string
	fields []string
	status int
	want   string // the body, or Content-Range + body
}{
	{"first bytes", []string{"Range: bytes=0-3"}, 206, "bytes 0-3/10 0123"},
	{"to the end", []string{"Range: bytes=7-"}, 206, "bytes 7-9/10 789"},
	{"suffix", []string{"Range: bytes=-2"}, 206, "bytes 8-9/10 89"},
	{"suffix longer than the file", []string{"Range: bytes=-20"}, 206, "bytes 0-9/10 0123456789"},
	{"end behind the file's", []string{"Range: bytes=8-100"}, 206, "bytes 8-9/10 89"},
	{"unsatisfiable", []string{"Range: bytes=10-"}, 416, "bytes */10"},
	{"malformed", []string{"Range: bytes=x"}, 416, ""},
	{"another unit", []string{"Range: lines=1-2"}, 200, "0123456789"},
	{"several", []string{"Range: bytes=0-1,4-5"}, 206, "bytes 0-1/10 01|bytes 4-5/10 45"},
	{"several, some satisfiable", []string{"Range: bytes=0-1,20-30,-1"}, 206, "bytes 0-1/10 01|bytes 9-9/10 9"},
	{"one, and a comma", []string{"Range: bytes=0-1,"}, 206, "bytes 0-1/10 01"},
	{"more than the file", []string{"Range: bytes=0-,0-,0-"}, 200, "0123456789"},
	{"If-None-Match", []string{"If-None-Match: TAG"}, 304, ""},
	{"If-None-Match weak", []string{"If-None-Match: W/TAG"}, 304, ""},
	{"If-None-Match list", []string{`If-None-Match: "x", TAG`}, 304, ""},
	{"If-None-Match any", []string{"If-None-Match: *"}, 304, ""},
	{"If-None-Match other", []string{`If-None-Match: "x"`}, 200, "0123456789"},
	{"If-None-Match counts more than the time", []string{`If-None-Match: "x"`, "If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT"}, 200, "0123456789"},
	{"If-Modified-Since", []string{"If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT"}, 304, ""},
	{"If-Modified-Since before", []string{"If-Modified-Since: Fri, 02 Jan 2026 03:04:04 GMT"}, 200, "0123456789"},
	{"If-Modified-Since malformed", []string{"If-Modified-Since: yesterday"}, 200, "0123456789"},
	{"If-Match", []string{"If-Match: TAG"}, 200, "0123456789"},
	{"If-Match weak", []string{"If-Match: W/TAG"}, 412, ""},
	{"If-Match other", []string{`If-Match: "x"`}, 412, ""},
	{"If-Unmodified-Since before", []string{"If-Unmodified-Since: Fri, 02 Jan 2026 03:04:04 GMT"}, 412, ""},
	{"If-Range", []string{"If-Range: TAG", "Range: bytes=0-1"}, 206, "bytes 0-1/10 01"},
	{"If-Range other", []string{`If-Range: "x"`, "Range: bytes=0-1"}, 200, "0123456789"},
	{"If-Range weak", []string{"If-Range: W/TAG", "Range: bytes=0-1"}, 200, "0123456789"},
	{"If-Range time", []string{"If-Range: Fri, 02 Jan 2026 03:04:05 GMT", "Range: bytes=0-1"}, 206, "bytes 0-1/10 01"},
	{"If-Range several", []string{`If-Range: "x"`, "Range: bytes=0-1,4-5"}, 200, "0123456789"},
}

// TestConditions asks three kinds of trees: files that seek, files of a directory, files that
// cannot seek.
func TestConditions(t *testing.T) {
	tree := public(map[string]string{"a.txt": "0123456789"})
	dir := t.TempDir()
	if err := os.CopyFS(dir, tree); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "public/a.txt"), modified, modified); err != nil {
		t.Fatal(err)
	}
	for name, tree := range map[string]fs.FS{"MapFS": tree, "Dir": runtime.Dir(dir), "forward": forward{tree}} {
		_, address := serve(t, tree)
		plain, _ := ask(t, address, "GET", "/a.txt")
		tag := plain.Header.Get("Etag")
		if !strings.HasPrefix(tag, `"`) {
			t.Fatalf("got ETag %s, want a strong one", tag)
		}
		for _, tt := range conditions {
			t.Run(name+" "+tt.name, func(t *testing.T) {
				var fields []string
				for _, f := range tt.fields {
					fields = append(fields, strings.ReplaceAll(f, "TAG", tag))
				}
				res, body := ask(t, address, "GET", "/a.txt", fields...)
				if got := content(t, res, body); res.StatusCode != tt.status || got != tt.want {
					t.Errorf("got %d %q, want %d %q", res.StatusCode, got, tt.status, tt.want)
				}
				// RFC 9110, section 15.4.5: a 304 has the ETag; so has what is cached otherwise.
				if res.StatusCode < 400 && (res.Header.Get("Etag") != tag || res.Header.Get("Cache-Control") != "no-cache") {
					t.Errorf("got ETag %q and Cache-Control %q", res.Header.Get("Etag"), res.Header.Get("Cache-Control"))
				}
				if res.StatusCode == 416 && res.Header.Get("Etag")+res.Header.Get("Cache-Control") != "" {
					t.Error("a 416 has the file's ETag or Cache-Control")
				}
			})
		}
	}
}

// content is the body of a response, after its Content-Range; the parts of a multipart one,
// joined with |.
func content(t *testing.T, res *http.Response, body string) string {
	t.Helper()
	switch {
	case res.StatusCode == 416 || res.StatusCode == 412:
		return res.Header.Get("Content-Range")
	case res.StatusCode != 206:
		return body
	case res.Header.Get("Content-Range") != "":
		return res.Header.Get("Content-Range") + " " + body
	}
	_, params, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for r := multipart.NewReader(strings.NewReader(body), params["boundary"]); ; {
		p, err := r.NextPart()
		if err == io.EOF {
			return strings.Join(parts, "|")
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p.Header.Get("Content-Range")+" "+string(data))
	}
}

// forward is a tree whose files cannot seek, as those of a zip archive.
type forward struct{ fs.FS }

func (f forward) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if dir, ok := file.(fs.ReadDirFile); ok {
		return dir, nil
	}
	return struct{ fs.File }{file}, nil
}

func TestFileOfATreeThatCannotSeek(t *testing.T) {
	tree := fstest.MapFS{"a.txt": {Data: []byte("one\ntwo\n")}, "app.star": {Data: []byte(`
load("@static", "file")
def app(environ, start_response):
    f = file("a.txt")
    read = [f.readline(), f.tell(), f.seek(-4, 2), f.read(), f.seek(1), f.read(2), f.seek(1, 1), f.readline(), f.read()]
    f.close()
    start_response("200 OK", [])
    return [str(read)]
`)}}
	for name, tree := range map[string]fs.FS{"seeks": tree, "does not": forward{tree}} {
		_, address := serve(t, tree)
		_, body := ask(t, address, "GET", "/")
		if want := `[b"one\n", 4, 4, b"two\n", 1, b"ne", 4, b"two\n", b""]`; body != want {
			t.Errorf("%s: got %s, want %s", name, body, want)
		}
	}
}

// TestFileOfAModule reads a file while the module is loaded, which may be, and later, which may
// not.
func TestFileOfAModule(t *testing.T) {
	_, address := serve(t, fstest.MapFS{"a.txt": {Data: []byte("text")}, "app.star": {Data: []byte(`
load("@static", "file")
f = file("a.txt")
text = f.read(2)
def app(environ, start_response):
    start_response("200 OK", [])
    return [text, " ", catch(f.read)[1].message]
`)}})
	want := "te this file was opened while a module was loaded; open one in each request"
	if _, got := ask(t, address, "GET", "/"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCacheControl(t *testing.T) {
	_, address := serve(t, public(map[string]string{"a.txt": "a"}))
	res, _ := ask(t, address, "GET", "/aged/a.txt")
	if got := res.Header.Get("Cache-Control"); got != "public, max-age=3600" {
		t.Errorf("got %s", got)
	}
}

// TestTagFollowsTheContent edits a file, at once and between two generations.
func TestTagFollowsTheContent(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, public(map[string]string{"a.txt": "one"})); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "public/a.txt")
	edit := func(content string, age time.Duration) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if at := time.Now().Add(-age); age > 0 {
			if err := os.Chtimes(file, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	app, address := serve(t, runtime.Dir(dir))
	tags := map[string]string{}
	look := func(want string) {
		t.Helper()
		res, body := ask(t, address, "GET", "/a.txt")
		tag := res.Header.Get("Etag")
		if body != want || tags[tag] != "" && tags[tag] != want {
			t.Errorf("got %q with the ETag of %q, want %q", body, tags[tag], want)
		}
		tags[tag] = want
	}
	edit("one", time.Hour)
	look("one")
	look("one")
	edit("two", 0) // as long as the one before
	look("two")
	edit("six", 0) // within the resolution of the file's time
	look("six")
	edit("one", time.Minute)
	look("one")
	if len(tags) != 3 {
		t.Errorf("got %d ETags of 3 contents", len(tags))
	}
	// Of the same length and time, which only a new generation takes for another file.
	at := time.Now().Add(-time.Minute).Truncate(time.Second)
	for _, content := range []string{"abc", "xyz"} {
		edit(content, 0)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(script+"# "+content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := app.Reload(); err != nil {
			t.Fatal(err)
		}
		look(content)
	}
}

func TestSymlinks(t *testing.T) {
	outside := t.TempDir()
	dir := t.TempDir()
	if err := os.CopyFS(dir, public(map[string]string{"a.txt": "a"})); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "passwd"), []byte("root"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"inside": "a.txt", "absolute": filepath.Join(outside, "passwd"), "up": "../../" + filepath.Base(outside) + "/passwd",
		"dir": outside, "loop": "loop", "dangling": "none", "tree": "../secret.txt",
	} {
		if err := os.Symlink(to, filepath.Join(dir, "public", name)); err != nil {
			t.Fatal(err)
		}
	}
	_, address := serve(t, runtime.Dir(dir))
	for target, want := range map[string]int{
		"/inside": 200, "/tree": 200, // within the application's tree
		"/absolute": 404, "/up": 404, "/dir/passwd": 404, "/dir/": 404, "/dir": 404, "/loop": 404, "/dangling": 404,
	} {
		if res, _ := ask(t, address, "GET", target); res.StatusCode != want {
			t.Errorf("%s: got %d, want %d", target, res.StatusCode, want)
		}
	}
}

func TestMisuse(t *testing.T) {
	for expr, want := range map[string]string{
		`static("none")`:                        `static: there is no directory "none" in the application's tree`,
		`static("secret.txt")`:                  `static: "secret.txt" is a file; name the directory`,
		`static("..")`:                          `static: the path ".." leads out of the application's tree`,
		`static("public/../../x")`:              `static: the path "public/../../x" leads out of the application's tree`,
		`static("public", max_age = -1)`:        `static: max_age is -1; it is a number of seconds from 0 on`,
		`static("public", index = "../x")`:      `static: index is "../x", not the name of a file`,
		`static("public", index = ".htaccess")`: `static: index is ".htaccess", not the name of a file`,
		`static(1)`:                             `static: for parameter dir: got int, want string or directory`,
		`file("none")`:                          `file: there is no file "none" in the application's tree`,
		`file("public")`:                        `file: there is no file "public" in the application's tree`,
		`file("../x")`:                          `file: the path "../x" leads out of the application's tree`,
	} {
		tree := public(map[string]string{"a.txt": "a"})
		tree["app.star"] = &fstest.MapFile{Data: []byte("load('@static', 'static', 'file')\ndef app(e, s): pass\nx = " + expr)}
		_, err := runtime.Load(&runtime.Config{FS: tree, Modules: []*host.Module{static.Module()}}, "app.star")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", expr, err, want)
		}
	}
}

// TestBigFile sends 64 MiB whole, in one range and in several, on a heap that stays small.
func TestBigFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, public(map[string]string{"a.txt": "a"})); err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	if err := os.Truncate(filepath.Join(dir, "public/a.txt"), size); err != nil {
		t.Fatal(err)
	}
	for _, tree := range []struct {
		name string
		fs.FS
		allocated uint64 // in all, at most; a copy through a buffer makes one for each MiB
	}{
		{"by the kernel", runtime.Dir(dir), 1 << 20},
		{"by copying", forward{runtime.Dir(dir)}, 4 << 20},
	} {
		_, address := serve(t, tree.FS)
		for _, tt := range []struct {
			name, fields string
			status       int
			want         int64
		}{
			{"whole", "X: y", 200, size},
			{"one range", "Range: bytes=1-", 206, size - 1},
			{"several small ranges", "Range: bytes=0-99,-100", 206, -1},
			{"several large ranges", "Range: bytes=0-33554431,33554432-", 200, size},
		} {
			t.Run(tree.name+" "+tt.name, func(t *testing.T) {
				c, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				before := allocated()
				fmt.Fprintf(c, "GET /a.txt HTTP/1.1\r\nHost: test\r\n%s\r\n\r\n", tt.fields)
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					t.Fatal(err)
				}
				n, err := io.Copy(io.Discard, res.Body)
				if err != nil || res.StatusCode != tt.status || tt.want >= 0 && n != tt.want {
					t.Errorf("got %d with %d bytes (%v), want %d with %d", res.StatusCode, n, err, tt.status, tt.want)
				}
				if grown := allocated() - before; grown > tree.allocated {
					t.Errorf("%d bytes were allocated, want at most %d", grown, tree.allocated)
				}
			})
		}
	}
}

func allocated() uint64 {
	var m stdruntime.MemStats
	stdruntime.ReadMemStats(&m)
	return m.TotalAlloc
}
