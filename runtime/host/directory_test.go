package host_test

import (
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime/host"
)

func TestMeantDirectory(t *testing.T) {
	tree := fstest.MapFS{
		"templates/a.html": {}, "web/views/b.html": {}, "web/public/c.css": {}, ".git/template/x": {}, "static": {},
	}
	for name, want := range map[string]string{
		"template":      `; did you mean "templates"?`,
		"Templates":     `; did you mean "templates"?`,
		"/tempaltes/":   `; did you mean "templates"?`,
		"web/view":      `; did you mean "web/views"?`,
		"views":         `; did you mean "web/views"?`,
		"app/templates": `; did you mean "templates"?`,
		"statics":       "", // a file
		"pages":         "",
		"../x":          "",
	} {
		if got := host.MeantDirectory(tree, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if got := host.MeantDirectory(nil, "x"); got != "" {
		t.Errorf("of no tree: %q", got)
	}
}
