package apptest_test

import (
	"io/fs"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/server/apptest"
	"go.starlark.net/starlark"
	"golang.org/x/tools/txtar"
)

// newSuite returns a suite of the files, with the modules that the command grants.
func newSuite(t testing.TB, files fs.FS, limits runtime.Limits) *suite.Suite {
	t.Helper()
	modules := []*host.Module{http.Module(), body.Module(), static.Module()}
	_, globals, err := runtime.LoadFile(&runtime.Config{FS: apps.FS, Modules: modules}, "lint.star")
	if err != nil {
		t.Fatal(err)
	}
	log := suite.Log(slog.DiscardHandler)
	kit := &apptest.Config{Lint: globals["lint"].(*starlark.Function), Log: log}
	modules = append(modules, kit.Module())
	return &suite.Suite{
		Config:  runtime.Config{FS: files, Modules: modules, Limits: limits, Logger: slog.New(apptest.Tap(log))},
		Prepare: func(thread *starlark.Thread, p *runtime.Program) func() error { return apptest.Open(thread, p).Close },
	}
}

// TestScripts runs testdata/script: each file is a sentence, an application with its tests, and want, what the runner
// says of them. Times are left out.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(script)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
				}
			}
			files, err := txtar.FS(archive)
			if err != nil {
				t.Fatal(err)
			}
			s := newSuite(t, files, runtime.Limits{Steps: 2_000_000})
			names, err := suite.Find(files, ".")
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			p := suite.Printer{W: &out, Suite: s}
			if err := s.Run(t.Context(), names, p.Print); err != nil {
				t.Fatal(err)
			}
			if got := took.ReplaceAllString(out.String(), ""); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// took is how long a test took.
var took = regexp.MustCompile(` \([0-9.]+(ns|µs|ms|s)\)`)
