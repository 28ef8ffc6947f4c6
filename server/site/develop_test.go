package site_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/server/site"
)

// TestDevelop develops two applications: the inspector has what each of them said, and the
// verdict on what it would push, although the logger and the policy are those of any site.
func TestDevelop(t *testing.T) {
	script := func(name string) *site.Application {
		return &site.Application{FS: fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    print("` + name + ` was asked")
    start_response("200 OK", [("Link", "</` + name + `.css>; rel=preload; as=style")])
    return []
`)}}}
	}
	s := &site.Server{Develop: true, Software: "a test"}
	url := serve(t, s, &site.Site{Listen: []string{anywhere},
		Mounts: []site.Mount{{App: script("one")}, {Path: "/two", App: script("two")}}})
	for i, name := range []string{"one", "two"} {
		path := map[string]string{"one": "/", "two": "/two/"}[name]
		get(t, url+path)
		page := get(t, url+"/_larkspur/requests/"+string(rune('1'+i)))
		for _, want := range []string{name + " was asked", name + ".css", "a test"} {
			if !strings.Contains(page, want) {
				t.Errorf("the inspector lacks %q of %s:\n%s", want, path, page)
			}
		}
	}
	r, err := http.NewRequest("GET", url+"/_larkspur/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "http://evil.example")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site is answered %s", res.Status)
	}
}
