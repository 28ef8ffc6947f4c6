package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/cover"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server/apptest"
	"go.starlark.net/starlark"
)

// own is the tree that apps/lint.star is loaded from for tests: under a name that no file of the tested tree has.
type own struct{}

const ownDir = "@larkspur/"

func (own) Open(name string) (fs.File, error) { return apps.FS.Open(strings.TrimPrefix(name, ownDir)) }

// testModule makes the module @test.
func testModule(log slog.Handler) (*apptest.Config, error) {
	config := (&application{tree: own{}}).config(runtime.Limits{}, nil)
	program, err := runtime.LoadFile(config, ownDir+"lint.star")
	if err != nil {
		return nil, err
	}
	lint, ok := program.Globals()["lint"].(*starlark.Function)
	if !ok {
		return nil, fmt.Errorf("lint.star has no function lint")
	}
	return &apptest.Config{Lint: lint, Log: log}, nil
}

// suite makes what runs the tests, anew for each run.
func (t *tests) suite() (*suite.Suite, error) {
	log := tee.New(t.logger.Handler())
	module, err := testModule(log)
	if err != nil {
		return nil, err
	}
	config := t.app.config(runtime.Limits{Time: t.timeout}, slog.New(log))
	config.Modules = append(config.Modules, module.Module())
	t.profile = nil
	if t.cover || t.coverHTML != "" {
		t.profile = new(cover.Profile)
	}
	t.profile.Attach(config)
	return &suite.Suite{
		Config: *config,
		Match:  t.match,
		Path:   t.app.path,
		Prepare: func(thread *starlark.Thread, p *runtime.Program) func() error {
			return apptest.Open(thread, p).Close
		},
	}, nil
}

// reports writes what a run is to leave behind.
func (t *tests) reports(s *suite.Suite, results []*suite.Result) error {
	if t.junit != "" {
		var report bytes.Buffer
		if err := s.WriteJUnit(&report, results); err != nil {
			return err
		}
		if err := os.WriteFile(t.junit, report.Bytes(), 0o666); err != nil {
			return err
		}
	}
	if t.profile == nil {
		return nil
	}
	scripts, err := suite.Scripts(t.app.tree)
	if err != nil {
		return err
	}
	for _, name := range scripts {
		// What no test loads has not run; what cannot be read no test could have loaded.
		if src, err := fs.ReadFile(t.app.tree, name); err == nil {
			t.profile.Add(name, src)
		}
	}
	files := t.profile.Files(func(name string) bool { return !strings.HasSuffix(name, suite.Suffix) })
	for i := range files {
		files[i].Name = t.app.path(files[i].Name)
	}
	fmt.Fprintln(t.stdout, "coverage:")
	for _, f := range files {
		fmt.Fprintf(t.stdout, "  %5.1f%%  %s (%d of %d statements)\n", f.Percent(), f.Name, f.Ran, f.Statements)
	}
	fmt.Fprintf(t.stdout, "  %5.1f%%  in all\n", cover.Percent(files))
	if t.coverHTML == "" {
		return nil
	}
	var page bytes.Buffer
	if err := cover.WriteHTML(&page, files); err != nil {
		return err
	}
	return os.WriteFile(t.coverHTML, page.Bytes(), 0o666)
}
