package suite_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"go.starlark.net/starlark"
)

func TestRunWithoutAContext(t *testing.T) {
	var none context.Context
	err := new(suite.Suite).Run(none, nil, nil)
	if want := "suite: Run: nil context.Context: context.Background() never ends"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func run(t *testing.T, s *suite.Suite, file string) []*suite.Result {
	t.Helper()
	var results []*suite.Result
	if err := s.Run(t.Context(), []string{file}, func(r *suite.Result) { results = append(results, r) }); err != nil {
		t.Fatal(err)
	}
	return results
}

// TestEnds holds how a test may end, that none hurts the next, and that what Prepare returns is
// called after each.
func TestEnds(t *testing.T) {
	files := fstest.MapFS{"x_test.star": {Data: []byte(`
shared = []

def test_mutates(): shared.append(1)
def test_loops():
    n = 0
    while True: n += 1
def test_panics(): panics()
def test_recurs(): test_recurs()
def test_passes(): pass
`)}}
	ended := 0
	s := &suite.Suite{
		Config: runtime.Config{
			FS:     files,
			Limits: runtime.Limits{Steps: 100_000, Depth: 100},
			Predeclared: starlark.StringDict{"panics": starlark.NewBuiltin("panics", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
				panic("at once")
			})},
		},
		Prepare: func(*starlark.Thread, *runtime.Program) func() error {
			return func() error { ended++; return nil }
		},
	}
	want := []string{"frozen list", "limit of 100000 steps", "panic: at once", "depth limit of 100", ""}
	results := run(t, s, "x_test.star")
	if len(results) != len(want) {
		t.Fatalf("%d results, want %d", len(results), len(want))
	}
	for i, r := range results {
		switch {
		case want[i] == "" && r.Err == nil:
		case want[i] != "" && r.Err != nil && strings.Contains(r.Err.Error(), want[i]):
			if f := s.Explain(r); len(f.Frames) == 0 {
				t.Errorf("%s: no frames", r.Name)
			}
		default:
			t.Errorf("%s: %v, want %q", r.Name, r.Err, want[i])
		}
	}
	if ended != len(want) {
		t.Errorf("%d ends, want %d", ended, len(want))
	}
}

// TestDone verifies that an error of what Prepare returned fails a test that passed, and hides no
// other.
func TestDone(t *testing.T) {
	left := errors.New("something was left open")
	s := &suite.Suite{
		Config:  runtime.Config{FS: fstest.MapFS{"x_test.star": {Data: []byte("def test_a(): pass\ndef test_b(): fail('b')\n")}}},
		Prepare: func(*starlark.Thread, *runtime.Program) func() error { return func() error { return left } },
	}
	results := run(t, s, "x_test.star")
	if !errors.Is(results[0].Err, left) || errors.Is(results[1].Err, left) {
		t.Errorf("got %v and %v", results[0].Err, results[1].Err)
	}
	s.Match = regexp.MustCompile("b$")
	if results = run(t, s, "x_test.star"); len(results) != 1 || results[0].Name != "test_b" {
		t.Errorf("got %v, want test_b alone", results)
	}
}

// TestCanceled verifies that a context that ends ends the run.
func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &suite.Suite{Config: runtime.Config{FS: fstest.MapFS{"x_test.star": {Data: []byte("def test_a(): pass\ndef test_b(): pass\n")}}}}
	n := 0
	err := s.Run(ctx, []string{"x_test.star", "x_test.star"}, func(*suite.Result) { n++; cancel() })
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("%v after %d tests", err, n)
	}
}

// TestFind holds which files are tests.
func TestFind(t *testing.T) {
	file := &fstest.MapFile{}
	files := fstest.MapFS{"b_test.star": file, "a/c_test.star": file, "a/app.star": file, ".git/x_test.star": file, "node_modules/x_test.star": file, "test.star": file,
		"d_test.star/e.star": file, "link_test.star": {Mode: fs.ModeSymlink}}
	tests, err := suite.Find(files, ".")
	if got := strings.Join(tests, " "); err != nil || got != "a/c_test.star b_test.star" {
		t.Errorf("tests %s, %v", got, err)
	}
	scripts, err := suite.Scripts(files)
	if got := strings.Join(scripts, " "); err != nil || got != "a/app.star d_test.star/e.star test.star" {
		t.Errorf("scripts %s, %v", got, err)
	}
}

// TestJUnitIsXML verifies that the report is well formed, whatever tests print.
func TestJUnitIsXML(t *testing.T) {
	s := &suite.Suite{Config: runtime.Config{FS: fstest.MapFS{"x_test.star": {Data: []byte("def test_a(): fail('<a> \\x00\\x1b[31m & \\u00ff ]]>')\n")}}}}
	var report bytes.Buffer
	if err := s.WriteJUnit(&report, run(t, s, "x_test.star")); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(report.Bytes(), &read); err != nil {
		t.Fatalf("%v\n%s", err, &report)
	}
	if c := read.Suites[0].Cases[0]; read.Failures != 1 || c.Name != "test_a" || !strings.Contains(c.Failure.Message, `<a> \x00\x1b[31m &`) {
		t.Errorf("got %+v of\n%s", read, &report)
	}
}
