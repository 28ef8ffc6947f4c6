package suite_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"go.starlark.net/starlark"
)

// An embedder runs the tests of its scripts, with the functions that it gives them.
func ExampleSuite() {
	files := fstest.MapFS{
		"double.star": {Data: []byte(`
def double(n):
    return n + n
`)},
		"double_test.star": {Data: []byte(`
load("double.star", "double")

def test_numbers():
    same(double(2), 4)

def test_text():
    same(double("a"), "a a")
`)},
	}
	same := host.Func("same", func(got, want starlark.Value) error {
		equal, err := starlark.Equal(got, want)
		if err == nil && !equal {
			err = fmt.Errorf("%v is not %v", got, want)
		}
		return err
	})
	s := &suite.Suite{Config: runtime.Config{FS: files, Predeclared: starlark.StringDict{"same": same}}}
	names, err := suite.Find(files, ".")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = s.Run(context.Background(), names, func(r *suite.Result) {
		fmt.Println(r.File, r.Name, r.Failed())
		if r.Failed() {
			f := s.Explain(r)
			fmt.Println(f.Frames[0].Source, "...", f.Message)
		}
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// double_test.star test_numbers false
	// double_test.star test_text true
	// same(double("a"), "a a") ... same: "aa" is not "a a"
}
