package site_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
)

// A cellar keeps 120 bottles in a rack whose name has to be encoded in a path.
type cellar struct{}

func (cellar) Kept(context.Context) ([]host.Collection, error) {
	return []host.Collection{
		{In: "wine", Name: "red/old", Kind: "table", Count: 120, Text: "CREATE TABLE <rack>"},
		{In: "wine", Name: "white", Kind: "view", Count: -1},
	}, nil
}

func (cellar) Look(_ context.Context, c host.Collection, from, n int) (*host.Sheet, error) {
	s := &host.Sheet{Columns: []string{"id", "label"}, More: from+n < 120}
	for i := from; i < min(from+n, 120) && c.Name == "red/old"; i++ {
		s.Rows = append(s.Rows, []host.Cell{{Text: fmt.Sprint("bottle ", i)}, {None: i == 7, Text: ""}})
	}
	return s, nil
}

// TestKept verifies that the inspector lists what an application keeps in what it is granted, and
// shows its rows a page at a time.
func TestKept(t *testing.T) {
	app := &site.Application{Grants: map[string]any{"cellar": cellar{}}, FS: fstest.MapFS{
		"app.star": {Data: []byte("def app(environ, start_response):\n    start_response(\"204 No Content\", [])\n    return []\n")},
	}}
	plain := &site.Application{FS: app.FS}
	url := serve(t, &site.Server{Develop: true}, &site.Site{Listen: []string{anywhere},
		Mounts: []site.Mount{{Path: "/plain", App: plain}, {App: app}}})
	path := "/_larkspur/kept/1/cellar/wine/red%2Fold"
	for _, c := range []struct {
		path  string
		want  []string
		lacks []string
	}{
		{"/_larkspur/", []string{`href="/_larkspur/kept"`}, nil},
		{"/_larkspur/kept", []string{path, "120", "white", "view"}, []string{"-1"}},
		{path, []string{"bottle 0<", "bottle 49<", "1 to 50 of 120", path + "?from=50", "&lt;rack&gt;", "NULL"},
			[]string{"bottle 50<", ">before<"}},
		{path + "?from=100", []string{"bottle 119<", "101 to 120", path + "?from=50"}, []string{">next<", "NULL"}},
		{path + "?from=-3", []string{"bottle 0<"}, nil},
		{path + "?from=9999", []string{"no rows any more"}, nil},
		{"/_larkspur/kept/1/cellar/wine/white", []string{"no rows"}, nil},
	} {
		page := get(t, url+c.path)
		for _, want := range c.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q:\n%s", c.path, want, page)
			}
		}
		for _, lacks := range c.lacks {
			if strings.Contains(page, lacks) {
				t.Errorf("%s has %q:\n%s", c.path, lacks, page)
			}
		}
	}
	for _, gone := range []string{"/_larkspur/kept/0/cellar/wine/white", "/_larkspur/kept/9/cellar/wine/white",
		"/_larkspur/kept/x/cellar/wine/white", "/_larkspur/kept/1/attic/wine/white",
		"/_larkspur/kept/1/cellar/wine/rose"} {
		res, err := http.Get(url + gone)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %s", gone, res.Status)
		}
	}
}
