package static_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/static"
)

func ask(h http.Handler, path string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// files makes a directory of files whose content is their name.
func files(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestCacheControl verifies for how long clients may use files.
func TestCacheControl(t *testing.T) {
	const forever = "public, max-age=31536000, immutable"
	h := &static.Handler{Dir: files(t, "app.3f9a1c0b.js", "app-0123456789abcdef.css", "index.html", "assets/x.js",
		"report-20261127.pdf", "deadbeef.txt", "plain.js", "font.woff2"),
		Options: static.Options{Immutable: true, MaxAge: time.Hour, Cache: []static.Rule{
			{Pattern: "*.html", Value: "no-cache"}, {Pattern: "assets/*", Value: "private"}}}}
	for name, want := range map[string]string{
		"app.3f9a1c0b.js": forever, "app-0123456789abcdef.css": forever, "index.html": "no-cache", "": "no-cache",
		"assets/x.js": "private", "report-20261127.pdf": "public, max-age=3600", // a date is no hash
		"deadbeef.txt": "public, max-age=3600", "plain.js": "public, max-age=3600",
	} {
		if got := ask(h, "/"+name).Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestFallback verifies that a browser which navigates to what is not there gets the page, and nobody else.
func TestFallback(t *testing.T) {
	h := &static.Handler{Dir: files(t, "index.html", "app.js"), Options: static.Options{Fallback: "index.html"}}
	for _, test := range []struct {
		path   string
		fields []string
		status int
	}{
		{"/users/7", []string{"Sec-Fetch-Mode", "navigate"}, 200},
		{"/users/7", []string{"Accept", "text/html,*/*;q=0.8"}, 200},
		{"/users/7", nil, 404},
		{"/users/7", []string{"Accept", "*/*"}, 404},
		{"/missing.js", []string{"Sec-Fetch-Mode", "no-cors", "Accept", "text/html"}, 404},
		{"/app.js", []string{"Sec-Fetch-Mode", "navigate"}, 200},
		{"/.env", []string{"Sec-Fetch-Mode", "navigate"}, 200}, // the page, and nothing else
	} {
		w := ask(h, test.path, test.fields...)
		want := map[bool]string{true: "index.html", false: "app.js"}[test.path != "/app.js"]
		if w.Code != test.status || w.Code == 200 && w.Body.String() != want {
			t.Errorf("%s %v: got %d %s, want %d", test.path, test.fields, w.Code, w.Body, test.status)
		}
	}
}

// TestListing verifies that a listing has what may be asked for, escaped, and that there is none unless
// it was asked for.
func TestListing(t *testing.T) {
	dir := files(t, "b.txt", "a<b>&.txt", ".hidden", "c:d", "sub/x", "indexed/index.html")
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "out")); err != nil {
		t.Skip(err)
	}
	if w := ask(&static.Handler{Dir: dir}, "/"); w.Code != 404 {
		t.Errorf("nobody asked for it: %d", w.Code)
	}
	h := &static.Handler{Dir: dir, Path: "/s", Options: static.Options{Listing: true}}
	page := ask(h, "/s/").Body.String()
	for _, want := range []string{`<a href="./a%3Cb%3E&amp;.txt">a&lt;b&gt;&amp;.txt</a>`, `href="./b.txt"`, `href="./c:d"`,
		`<a href="./sub/">sub/</a>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	for _, no := range []string{"hidden", "out", "../"} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %s:\n%s", no, page)
		}
	}
	if got := ask(h, "/s/indexed/").Body.String(); got != "indexed/index.html" {
		t.Errorf("the index is %s", got)
	}
}

// TestSwap verifies that a directory which is a symlink is looked at again when it leads elsewhere, and that
// a file which changed has another ETag.
func TestSwap(t *testing.T) {
	one, two := files(t, "a.txt"), files(t, "a.txt")
	if err := os.WriteFile(filepath.Join(two, "a.txt"), []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	current := filepath.Join(t.TempDir(), "current")
	if err := os.Symlink(one, current); err != nil {
		t.Skip(err)
	}
	h := &static.Handler{Dir: current}
	first := ask(h, "/a.txt")
	if err := os.Remove(current); err != nil {
		t.Fatal(err)
	}
	if w := ask(h, "/a.txt"); w.Code != 404 {
		t.Errorf("without a directory: %d", w.Code)
	}
	if err := os.Symlink(two, current); err != nil {
		t.Fatal(err)
	}
	second := ask(h, "/a.txt", "If-None-Match", first.Header().Get("Etag"))
	if second.Code != 200 || second.Body.String() != "two" {
		t.Errorf("got %d %s", second.Code, second.Body)
	}
}

// TestLarge verifies the ETag of a file that is too large to be hashed: of time and size, and weak while
// another content could have the same.
func TestLarge(t *testing.T) {
	dir := files(t, "big")
	path := filepath.Join(dir, "big")
	if err := os.Truncate(path, 5<<20); err != nil {
		t.Fatal(err)
	}
	h := &static.Handler{Dir: dir}
	tag := func() string { return ask(h, "/big", "Range", "bytes=0-0").Header().Get("Etag") }
	if got := tag(); !strings.HasPrefix(got, `W/"`) {
		t.Errorf("just written: %s", got)
	}
	if err := os.Chtimes(path, written, written); err != nil {
		t.Fatal(err)
	}
	strong := tag()
	if strings.HasPrefix(strong, "W/") || strong == "" {
		t.Errorf("long ago: %s", strong)
	}
	if err := os.Chtimes(path, written, written.Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if got := tag(); got == strong {
		t.Errorf("another time, the same ETag %s", got)
	}
}

// TestCheck verifies what is refused of options.
func TestCheck(t *testing.T) {
	for _, o := range []static.Options{{Index: "a/b"}, {Index: ".x"}, {Fallback: "../x"}, {Fallback: "/"}, {MaxAge: -1},
		{Cache: []static.Rule{{Pattern: "[", Value: "x"}}}, {Cache: []static.Rule{{Pattern: "*", Value: "a\r\nb"}}}} {
		if o.Check() == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	if err := new(static.Options).Check(); err != nil {
		t.Error(err)
	}
}
