package lint_test

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
	"go.starlark.net/syntax"
)

var rules = lint.Rules{
	Builtin:    new(runtime.Config).Builtins().Has,
	MustReturn: func(def *syntax.DefStmt) bool { return strings.HasPrefix(def.Name.Name, "must_") },
}

var (
	wanted = regexp.MustCompile("# want (.*)")
	quoted = regexp.MustCompile("`([^`]*)`")
)

// TestRules checks each file of testdata, in which a line says what is wanted of it: # want
// `MESSAGE`...
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
			config := &runtime.Config{FS: fstest.MapFS{"a.star": &fstest.MapFile{Data: src}}}
			for _, fault := range runtime.Check(config, "a.star:f") {
				if !strings.Contains(fault.Message, "is called with two arguments") { // which is not what this is about
					t.Fatal(fault)
				}
			}
			got := make(map[int][]string)
			for _, d := range lint.Run(config, "a.star", rules.Check) {
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
		lint.Run(&runtime.Config{FS: fstest.MapFS{"a.star": &fstest.MapFile{Data: []byte(src)}}}, "a.star", rules.Check)
	})
}

// TestRuleSeesDescriptions checks that a rule is given the host modules without their being opened.
func TestRuleSeesDescriptions(t *testing.T) {
	shop := &host.Module{
		Name: "shop", Doc: "A shop.",
		Members: []host.Member{{Name: "number"}, {Name: "pure", Fn: func() int { return 1 }, Pure: true}},
		Open: func(*host.Load) (any, error) {
			t.Error("it is opened")
			return nil, nil
		},
	}
	src := "load('@shop', 'number')\nx = number\n"
	c := &runtime.Config{FS: fstest.MapFS{"a.star": {Data: []byte(src)}}, Modules: []*host.Module{shop}}
	got := lint.Run(c, "a.star", func(s *host.Script) {
		pos := syntax.MakePosition(&s.Tree.Path, 1, 1)
		m, none := s.Module("shop"), s.Module("none")
		s.Warn(pos, "%s has %v, %v, %v", m.Doc, m.Names(), m.Pure("pure"), none.Names())
	})
	want := "a.star:1:1: A shop. has [number pure], <built-in function pure>, []"
	if len(got) != 1 || got[0].String() != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
