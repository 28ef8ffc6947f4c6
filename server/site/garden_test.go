package site_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/server/site"
)

// TestGarden runs the tests of an application among those of a Go package, each as a test of its
// own: it is to be copied.
func TestGarden(t *testing.T) {
	app := site.Dir("testdata/garden", "app.star")
	tests, err := app.Tests(nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := suite.Find(app.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	err = tests.Run(t.Context(), files, func(r *suite.Result) {
		t.Run(r.File+"/"+r.Name, func(t *testing.T) {
			if r.Failed() {
				(&suite.Printer{W: t.Output(), Suite: tests}).Print(r)
				t.Fail()
			}
		})
	})
	if err != nil {
		t.Error(err)
	}
}
