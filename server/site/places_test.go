package site_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
)

// A failed is the page of an error, as JSON.
type failed struct {
	Place, Message, Backtrace string
	Signature, Description    string
	Frames                    []struct {
		Place    string
		Repeated int
		Lines    []host.Line
	}
}

// fails asks for a page that fails.
func fails(t *testing.T, url string) (f failed) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &f); err != nil {
		t.Fatalf("%v:\n%s", err, body)
	}
	return f
}

// A journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// TestPlaces looks where the page and the log show errors of which the interpreter does not tell
// the place, or tells that of the function.
func TestPlaces(t *testing.T) {
	const start = "    start_response(\"200 OK\", [])\n"
	for _, test := range []struct {
		what, script string
		place        string // the column of a recursion depends on where the limit meets it
	}{
		{"a loop", `def spin():
    x = 0
    while True:
        x += 1
def app(environ, start_response):
    return [spin()]
`, "app.star:4:9"},
		{"a recursion", `def down(n):
    return down(n + 1)
def app(environ, start_response):
    return [down(0)]
`, "app.star:2:"},
		{"None is returned", "def app(environ, start_response):\n" + start +
			"    if environ:\n        return None\n    return []\n", "app.star:4:9"},
		{"nothing is returned", "def app(environ, start_response):\n" + start, "app.star:1:5"},
		{"a string is returned", "def app(environ, start_response):\n" + start +
			"    return \"hello\"\n", "app.star:3:5"},
		{"a number in the body", "def app(environ, start_response):\n" + start +
			"    return [\"a\", 3]\n", "app.star:3:5"},
		{"one of two returns", "def app(environ, start_response):\n" + start +
			"    if not environ:\n        return str(1)\n    return str(2)\n", "app.star:1:5"},
		{"a function that is called returns it", `def page(environ, start_response):
    start_response("200 OK", [])
    return "hello"
def wrap(inner):
    def wrapped(environ, start_response):
        return inner(environ, start_response)
    return wrapped
app = wrap(page)
`, "app.star:3:5"},
		{"start_response is forgotten", "def app(environ, start_response):\n    x = 1\n" +
			"    return [b\"x\"]\n", "app.star:3:5"},
		{"a wait that the server makes", "load(\"@body\", \"ticks\")\n" +
			"def app(environ, start_response):\n" + start + "    return ticks(9)\n", "app.star:4:17"},
		{"a wait in a loop", "load(\"@body\", \"ticks\")\n" +
			"def app(environ, start_response):\n" + start + "    for x in ticks(9):\n" +
			"        pass\n    return []\n", "app.star:4:5"},
	} {
		t.Run(test.what, func(t *testing.T) {
			app := &site.Application{
				FS:     fstest.MapFS{"app.star": {Data: []byte(test.script)}},
				Limits: runtime.Limits{Time: 100 * time.Millisecond},
			}
			var log journal
			s := &site.Server{Develop: true, Logger: slog.New(slog.NewTextHandler(&log, nil))}
			url := serve(t, s, &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: app}}})
			f := fails(t, url)
			if !strings.HasPrefix(f.Place, test.place) || strings.Contains(f.Message, test.place) {
				t.Errorf("the page says %s: %s, want it at %s", f.Place, f.Message, test.place)
			}
			if len(f.Frames) == 0 || f.Frames[0].Place != f.Place || len(f.Frames[0].Lines) == 0 {
				t.Errorf("the page shows %+v", f.Frames)
			}
			if n := strings.Count(f.Backtrace, "\n"); n > 20 {
				t.Errorf("the backtrace has %d lines", n)
			}
			if want := "place=" + test.place; !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, log.String())
			}
		})
	}
}

// TestSourceThatRan fails in a generation that serves on because the file that was saved does not
// load: what is shown is what runs.
func TestSourceThatRan(t *testing.T) {
	dir := t.TempDir()
	save := func(script string) {
		if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const script = "def app(environ, start_response):\n    return 1 // 0\n"
	save(script)
	s := &site.Server{Develop: true}
	url := serve(t, s, &site.Site{Listen: []string{anywhere},
		Mounts: []site.Mount{{App: site.Dir(dir, "app.star")}}})
	save("# one\n# two\n" + script + "def x(:\n")
	if err := s.Reload(); err == nil {
		t.Fatal("it loads")
	}
	f := fails(t, url)
	if len(f.Frames) == 0 {
		t.Fatalf("the page shows %+v", f)
	}
	for _, l := range f.Frames[0].Lines {
		if l.Here && l.Text != "    return 1 // 0" {
			t.Errorf("line %d is shown as %q", l.Number, l.Text)
		}
	}
}
