package site_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/server/site"
)

// TestRetire verifies that a Site is told once that it has retired: with its last request, and not when only
// what it has in files is read again, nor when it was refused.
func TestRetire(t *testing.T) {
	pushes := filepath.Join(t.TempDir(), "map")
	if err := os.WriteFile(pushes, []byte("/\n    /a.css as=style\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	retired := make(map[string]int)
	begun, end := make(chan struct{}), make(chan struct{})
	of := func(name string) *site.Site {
		return &site.Site{Push: site.Push{MapFile: pushes}, Retire: func() { retired[name]++ },
			Mounts: []site.Mount{{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					close(begun)
					<-end
				}
			})}}}
	}
	s := &site.Server{Logger: slog.New(slog.DiscardHandler)}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Set(of("first")))
	slow := make(chan struct{})
	go func() {
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/slow", nil))
		close(slow)
	}()
	<-begun
	must(s.Reload())
	if err := s.Set(&site.Site{Retire: func() { retired["wrong"]++ },
		Mounts: []site.Mount{{App: &site.Application{FS: fstest.MapFS{}}}}}); err == nil {
		t.Fatal("an application that is not there loads")
	}
	must(s.Set(of("second")))
	if len(retired) != 0 {
		t.Errorf("retired while it answers: %v", retired)
	}
	close(end)
	<-slow
	must(s.Reload())
	if len(retired) != 1 || retired["first"] != 1 {
		t.Errorf("retired: %v, want first once", retired)
	}
}

// TestRedirect verifies where clients are sent, and that none of them chooses the host.
func TestRedirect(t *testing.T) {
	for _, test := range []struct {
		redirect     site.Redirect
		target, want string
		status       int
	}{
		{site.Redirect{To: "https://example.com"}, "/a/b?c=d", "https://example.com/a/b?c=d", 308},
		{site.Redirect{To: "https://example.com/"}, "/", "https://example.com/", 308},
		{site.Redirect{Path: "/old", To: "/new"}, "/old", "/new", 308},
		{site.Redirect{Path: "/old", To: "/new", Status: 302}, "/old/x%2Fy", "/new/x%2Fy", 302},
		{site.Redirect{Path: "/old", To: "/new"}, "/%6fld/x", "/new/x", 308},
		{site.Redirect{Path: "/old", To: "/"}, "/old", "/", 308},
		{site.Redirect{Path: "/old", To: "/"}, "/old//evil.com", "/evil.com", 308},
		{site.Redirect{Path: "/old", To: "/"}, "/old/%5cevil.com", "/%5cevil.com", 308},
		{site.Redirect{Path: "/old", To: "/page?x=1", Whole: true}, "/old/y?z=2", "/page?x=1", 308},
	} {
		if err := test.redirect.Check(); err != nil {
			t.Errorf("%+v: %v", test.redirect, err)
		}
		w := httptest.NewRecorder()
		test.redirect.ServeHTTP(w, httptest.NewRequest(http.MethodGet, test.target, nil))
		if got := w.Header().Get("Location"); got != test.want || w.Code != test.status {
			t.Errorf("%s: %d %s, want %d %s", test.target, w.Code, got, test.status, test.want)
		}
	}
	for _, wrong := range []site.Redirect{{To: "x"}, {To: "//x"}, {To: "ftp://x"}, {To: "https://"}, {To: "/x?y"},
		{To: "/", Status: 200}, {To: "\x00"}} {
		if wrong.Check() == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

// TestWrap verifies that middleware stands around an application, the outermost first, whatever the entry.
func TestWrap(t *testing.T) {
	tree := fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    start_response("200 OK", [])
    return ["app"]
other = app
`)}, "lib/wrap.star": {Data: []byte(`
def a(app):
    return lambda environ, start_response: ["a("] + app(environ, start_response) + [")"]
def b(app):
    return lambda environ, start_response: ["b("] + app(environ, start_response) + [")"]
`)}}
	for _, entry := range []string{"", "app.star", "app.star:other"} {
		app := &site.Application{FS: tree, Entry: entry}
		if err := app.Wrap("lib/wrap.star:a", "lib/wrap.star:b"); err != nil {
			t.Fatal(err)
		}
		s := &site.Server{Logger: slog.New(slog.DiscardHandler)}
		if err := s.Set(&site.Site{Mounts: []site.Mount{{App: app}}}); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if got, _ := io.ReadAll(w.Body); string(got) != "a(b(app))" {
			t.Errorf("%s: got %s", entry, got)
		}
	}
	if err := (&site.Application{FS: tree}).Wrap("wrap.star"); err == nil {
		t.Error("middleware without a name is taken")
	}
}
