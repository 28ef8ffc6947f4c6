package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/cover"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
)

// A group are the tests of one application, which is what // stands for in them.
type group struct {
	app     *site.Application // the tree; it has no entry
	suite   *suite.Suite
	files   []string       // in the tree
	profile *cover.Profile // nil if nothing is counted
	results []*suite.Result
}

// groups finds the tests, and makes what runs them, anew for each run.
func (t *tests) groups() ([]*group, error) {
	files := []string{t.path}
	if !strings.HasSuffix(t.path, suite.Suffix) {
		var err error
		if files, err = suite.Find(t.app(t.root).FS, t.path); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no file *%s", t.app(t.root).Path(t.path), suite.Suffix)
	}
	var all []*group
	for _, file := range files {
		dir := t.rootOf(file)
		i := slices.IndexFunc(all, func(g *group) bool { return g.app.Dir == dir })
		if i < 0 {
			g, err := t.group(dir)
			if err != nil {
				return nil, err
			}
			i, all = len(all), append(all, g)
		}
		inside, err := filepath.Rel(dir, t.app(t.root).Path(file))
		if err != nil {
			return nil, err
		}
		all[i].files = append(all[i].files, filepath.ToSlash(inside))
	}
	return all, nil
}

// rootOf returns the directory of the application to which a file below root belongs.
func (t *tests) rootOf(file string) string {
	if t.one {
		return t.root
	}
	if dir, found := firstRoot(t.root, filepath.Dir(filepath.FromSlash(file))); found {
		return dir
	}
	return t.root
}

// app is the application in a directory.
func (t *tests) app(dir string) *site.Application {
	if t.apps[dir] == nil {
		t.apps[dir] = &site.Application{FS: runtime.Dir(dir), Dir: dir,
			Limits: runtime.Limits{Time: t.timeout}}
	}
	return t.apps[dir]
}

// group makes what runs the tests of an application.
func (t *tests) group(dir string) (*group, error) {
	g := &group{app: t.app(dir)}
	// Tests get stand-ins for what is granted, whatever that is.
	set := grant.Everything()
	granted, err := grant.Parse(t.grants)
	if err != nil {
		return nil, err
	}
	set.SQL.Databases, set.SQL.Schemas = granted.SQL.Databases, true
	set.To(g.app)
	if g.suite, err = g.app.Tests(t.logger); err != nil {
		return nil, err
	}
	g.suite.Match = t.match
	if t.cover || t.coverHTML != "" {
		g.profile = new(cover.Profile)
	}
	g.profile.Attach(&g.suite.Config)
	return g, nil
}

// reports writes what a run is to leave behind.
func (t *tests) reports(groups []*group) error {
	if t.junit != "" {
		var junit suite.JUnit
		for _, g := range groups {
			junit.Add(g.suite, g.results)
		}
		var report bytes.Buffer
		if _, err := junit.WriteTo(&report); err != nil {
			return err
		}
		if err := os.WriteFile(t.junit, report.Bytes(), 0o666); err != nil {
			return err
		}
	}
	var files []cover.File
	for _, g := range groups {
		if g.profile == nil {
			return nil
		}
		covered, err := t.covered(g)
		if err != nil {
			return err
		}
		files = append(files, covered...)
	}
	fmt.Fprintln(t.stdout, "coverage:")
	for _, f := range files {
		fmt.Fprintf(t.stdout, "  %5.1f%%  %s (%d of %d statements)\n", f.Percent(), f.Name, f.Ran,
			f.Statements)
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

// covered returns the coverage of an application's scripts.
func (t *tests) covered(g *group) ([]cover.File, error) {
	scripts, err := suite.Scripts(g.app.FS)
	if err != nil {
		return nil, err
	}
	for _, name := range scripts {
		if below, err := filepath.Rel(t.root, g.app.Path(name)); err == nil &&
			t.rootOf(filepath.ToSlash(below)) != g.app.Dir {
			continue // it belongs to another
		}
		// What no test loads has not run; what cannot be read no test could have loaded.
		if src, err := fs.ReadFile(g.app.FS, name); err == nil {
			g.profile.Add(name, src)
		}
	}
	files := g.profile.Files(func(name string) bool { return !strings.HasSuffix(name, suite.Suffix) })
	for i := range files {
		files[i].Name = g.app.Path(files[i].Name)
	}
	return files, nil
}
