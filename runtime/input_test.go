package runtime_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// pagesModule has a function that reads the pages of a tree, and fails if one says so.
func pagesModule() *host.Module {
	return &host.Module{Name: "pages", Members: []host.Member{{
		Name: "pages",
		Fn: func(l *host.Load) ([]string, error) {
			texts, err := l.Read(host.Input{Dir: "pages", Ext: ".html"})
			names := []string{}
			for _, t := range texts {
				names = append(names, t.Name)
				if strings.Contains(string(t.Content), "bad") {
					return nil, errors.New(t.Name + " is bad")
				}
			}
			return names, err
		},
	}}}
}

// TestReloadOfInputs verifies that what a module reads at load belongs to the program: it is loaded
// again when such a file is changed, comes or goes, also after an attempt that failed for it, and
// not for other files.
func TestReloadOfInputs(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("app.star", `load("@pages", "pages")
all = pages()
def app(environ, start_response): return []`)
	write("pages/a.html", "a")
	c := &runtime.Config{FS: runtime.Dir(dir), Modules: []*host.Module{pagesModule()}}
	live, err := runtime.NewLive(c, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	for _, step := range []struct {
		do, fails  string
		change     func()
		generation uint64
	}{
		{"nothing", "", func() {}, 1},
		{"a change", "", func() { write("pages/a.html", "b") }, 2},
		{"a new file", "", func() { write("pages/sub/b.html", "b") }, 3},
		{"another file", "", func() { write("pages/b.txt", "b"); write("pages/.c.html", "bad") }, 3},
		{"a bad one", "pages/a.html is bad", func() { write("pages/a.html", "bad") }, 3},
		{"still bad", "pages/a.html is bad", func() {}, 3},
		{"the fix", "", func() { write("pages/a.html", "good") }, 4},
		{"no file", "", func() { _ = os.Remove(filepath.Join(dir, "pages/sub/b.html")) }, 5},
		{"no directory", "no such file", func() { _ = os.RemoveAll(filepath.Join(dir, "pages")) }, 5},
		{"it is back", "", func() { write("pages/a.html", "good") }, 6},
	} {
		step.change()
		err := live.Reload()
		if step.fails == "" && err != nil || step.fails != "" && (err == nil || !strings.Contains(err.Error(), step.fails)) {
			t.Errorf("%s: the error is %v, want %q", step.do, err, step.fails)
		}
		if got := live.Generation(); got != step.generation {
			t.Errorf("%s: generation %d, want %d", step.do, got, step.generation)
		}
	}
	want := "app.star pages pages/a.html"
	if got := strings.Join(live.Scan().Files(), " "); got != want {
		t.Errorf("it is made of %s, want %s", got, want)
	}
}
