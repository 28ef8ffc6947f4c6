// Package linttest checks the rules of a linter, for the tests of runtime/lint and of server/lint.
//
// The package is for tests only. It lies below testdata so that it is neither built nor shown with
// the packages of the module.
package linttest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lint"
)

// Rules are what is checked. Their examples are the testdata/*.star of the package that is tested.
type Rules struct {
	Check lint.Rule
	// Modules are what the examples may load besides the standard ones.
	Modules []*host.Module
}

func examples(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.star")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	return files
}

// config is that of a program whose only file is a.star.
func (r *Rules) config(source []byte) *runtime.Config {
	return &runtime.Config{FS: fstest.MapFS{"a.star": {Data: source}}, Modules: r.Modules}
}

// Test checks each example, in which a line says what is wanted of it: # want `MESSAGE`...
func (r *Rules) Test(t *testing.T) {
	for _, file := range examples(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".star"), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			config := r.config(source)
			for _, fault := range runtime.Check(config, "a.star:f") {
				// What the entry is called with is not what this is about.
				if !strings.Contains(fault.Message, "is called with two arguments") {
					t.Fatal(fault)
				}
			}
			got := make(map[int][]string)
			for _, d := range lint.Run(config, "a.star", r.Check) {
				got[d.Line] = append(got[d.Line], d.Message)
			}
			for i, line := range strings.Split(string(source), "\n") {
				want := wanted(line)
				slices.Sort(got[i+1])
				if !slices.Equal(got[i+1], want) {
					t.Errorf("%s:%d: got %q, want %q", file, i+1, got[i+1], want)
				}
			}
		})
	}
}

var quoted = regexp.MustCompile("`([^`]*)`")

// wanted returns the messages that a line wants, sorted.
func wanted(line string) (messages []string) {
	_, list, _ := strings.Cut(line, "# want ")
	for _, m := range quoted.FindAllStringSubmatch(list, -1) {
		messages = append(messages, m[1])
	}
	slices.Sort(messages)
	return messages
}

// Fuzz gives the rules whatever compiles, beginning with the parts of the examples.
func (r *Rules) Fuzz(f *testing.F) {
	for _, file := range examples(f) {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(source), "\n\n") {
			f.Add(part)
		}
	}
	f.Fuzz(func(_ *testing.T, source string) {
		lint.Run(r.config([]byte(source)), "a.star", r.Check)
	})
}
