package lint_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	rules "github.com/larkspur-web/larkspur/runtime/lint"
	"github.com/larkspur-web/larkspur/server/lint"
)

var modules = []*host.Module{http.Module()}

var (
	wanted = regexp.MustCompile("# want (.*)")
	quoted = regexp.MustCompile("`([^`]*)`")
)

// TestRules checks each file of testdata, in which a line says what is wanted of it: # want `MESSAGE`...
func TestRules(t *testing.T) {
	files, err := filepath.Glob("testdata/*.star")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".star"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config := &runtime.Config{FS: fstest.MapFS{"a.star": &fstest.MapFile{Data: src}}, Modules: modules}
			for _, fault := range runtime.Check(config, "a.star:f") {
				if !strings.Contains(fault.Message, "is called with two arguments") { // which is not what this is about
					t.Fatal(fault)
				}
			}
			got := make(map[int][]string)
			for _, d := range rules.Run(config, "a.star", lint.Check) {
				got[d.Line] = append(got[d.Line], d.Message)
			}
			for i, line := range strings.Split(string(src), "\n") {
				var want []string
				if m := wanted.FindStringSubmatch(line); m != nil {
					for _, q := range quoted.FindAllStringSubmatch(m[1], -1) {
						want = append(want, q[1])
					}
				}
				slices.Sort(want)
				slices.Sort(got[i+1])
				if !slices.Equal(got[i+1], want) {
					t.Errorf("%s:%d: got %q, want %q", file, i+1, got[i+1], want)
				}
			}
		})
	}
}

// FuzzCheck gives the rules whatever compiles.
func FuzzCheck(f *testing.F) {
	files, err := filepath.Glob("testdata/*.star")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(src), "\n\n") {
			f.Add(part)
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		rules.Run(&runtime.Config{FS: fstest.MapFS{"a.star": &fstest.MapFile{Data: []byte(src)}}, Modules: modules}, "a.star", lint.Check)
	})
}
