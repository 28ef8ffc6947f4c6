package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/cover"
	"github.com/larkspur-web/larkspur/runtime/suite"
)

// suite makes what runs the tests, anew for each run.
func (t *tests) suite() (*suite.Suite, error) {
	s, err := t.app.Tests(t.logger)
	if err != nil {
		return nil, err
	}
	s.Match = t.match
	t.profile = nil
	if t.cover || t.coverHTML != "" {
		t.profile = new(cover.Profile)
	}
	t.profile.Attach(&s.Config)
	return s, nil
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
	scripts, err := suite.Scripts(t.app.FS)
	if err != nil {
		return err
	}
	for _, name := range scripts {
		// What no test loads has not run; what cannot be read no test could have loaded.
		if src, err := fs.ReadFile(t.app.FS, name); err == nil {
			t.profile.Add(name, src)
		}
	}
	files := t.profile.Files(func(name string) bool {
		return !strings.HasSuffix(name, suite.Suffix)
	})
	for i := range files {
		files[i].Name = t.app.Path(files[i].Name)
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
