package site_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/server/site"
)

// unexampled are the functions whose examples Run cannot run, with the reason.
var unexampled = map[string]string{}

// TestLibraryDescribes verifies, for each module that an application may load, that everything in it
// says what it is, and that every example comes out as it says.
func TestLibraryDescribes(t *testing.T) {
	l := site.Library()
	l.Time = time.Minute // a password that is hashed in 50 ms may take 2 s on a machine that is busy
	var have []string
	for _, e := range l.Entries() {
		have = append(have, strings.TrimPrefix(e.Name, "@"))
		t.Run(e.Name, func(t *testing.T) { described(t, l, &e) })
	}
	for _, m := range new(site.Application).Config(quiet).Catalog() {
		if !slices.Contains(have, m.Name) {
			t.Errorf("the library lacks @%s, which applications may load", m.Name)
		}
	}
	for _, table := range l.Tables {
		described(t, l, &table)
	}
	for name := range unexampled {
		if _, err := l.Find(name); err != nil {
			t.Errorf("%s is excused: %v", name, err)
		}
	}
}

// described tests an entry and those in it.
func described(t *testing.T, l *describe.Library, e *describe.Entry) {
	t.Helper()
	if !strings.HasSuffix(e.Doc, ".") || e.Summary == "" {
		t.Errorf("%s: the description %q is not a sentence", e.Name, e.Doc)
	}
	for _, p := range e.Params {
		if p.Doc == "" || p.Type == "" {
			t.Errorf("%s: the parameter %s has the type %q and the description %q",
				e.Name, p.Name, p.Type, p.Doc)
		}
	}
	if e.Signature != "" && (e.Result == "" || e.Example == "") {
		t.Errorf("%s: the result is %q, the example %q", e.Name, e.Result, e.Example)
	}
	for _, f := range e.Errors {
		if _, err := l.Find(f.Code); f.When == "" || f.Code != "" && err != nil {
			t.Errorf("%s: the error %q: when is %q, and %v", e.Name, f.Code, f.When, err)
		}
	}
	if e.Example != "" && e.Grant == "" && unexampled[e.Name] == "" {
		steps, err := l.Run(t.Context(), e)
		if err != nil {
			t.Errorf("%s: the example does not run: %v", e.Name, err)
		}
		for _, s := range steps {
			if !s.Right() {
				t.Errorf("%s: %s: it gives %q, error %q", e.Name, s.Code, s.Value, s.Error)
			}
		}
	}
	for i := range e.Members {
		described(t, l, &e.Members[i])
	}
}

// TestFailureDescribes asks for pages on which a function of a module fails, and looks for what the
// page of dev says of it.
func TestFailureDescribes(t *testing.T) {
	app := &site.Application{FS: fstest.MapFS{
		"app.star": {Data: []byte(`load("@http", "cookies", "http", "query", answer = "status")
load("@json", "json")
load("other.star", "page")

def own():
    fail("mine")

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/renamed":
        answer(1)
    if path == "/whole":
        http.cookies()
    if path == "/struct":
        json.decode("[")
    if path == "/method":
        query(environ).getall()
    if path == "/other":
        page()
    if path == "/own":
        own()
    if path == "/language":
        len(5)
    return [cookies]
`)},
		"other.star": {Data: []byte("load(\"@body\", \"ticks\")\n\ndef page():\n    ticks(\"soon\")\n")},
	}}
	url := serve(t, &site.Server{Develop: true},
		&site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: app}}})
	for path, want := range map[string]string{
		"renamed":  "http.status(code)",
		"whole":    "http.cookies(environ)",
		"struct":   "json.decode(x, [default])",
		"method":   "values.getall(name)",
		"other":    "body.ticks(seconds, count = None)",
		"own":      "",
		"language": "len(x)",
	} {
		got := fails(t, url+"/"+path)
		if got.Signature != want || (got.Description == "") != (want == "") {
			t.Errorf("%s: it says %q, %q, want %q", path, got.Signature, got.Description, want)
		}
	}
}
