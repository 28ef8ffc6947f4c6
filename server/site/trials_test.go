package site_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/server/site"
)

// A shelf is the grant of a module that keeps lines in a file.
type shelf struct {
	file string
	dir  string // of its trial
}

func (s *shelf) add(line string) (int, error) {
	text, err := os.ReadFile(s.file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	text = append(text, line...)
	return len(text), os.WriteFile(s.file, text, 0o600)
}

// Trial is [host.Tester]'s.
func (s *shelf) Trial(dir string) (*host.Trial, error) {
	s.dir = dir
	stand := &shelf{file: filepath.Join(dir, "lines")}
	return &host.Trial{
		Grant: stand,
		Members: []host.Member{{
			Name: "kept", Doc: "What was kept.", Result: "a string",
			Fn: func() (string, error) {
				text, err := os.ReadFile(stand.file)
				return string(text), err
			},
		}},
		Begin: func() error { return os.RemoveAll(stand.file) },
	}, nil
}

// TestTrials verifies that tests get another grant than users, which begins anew with each of them,
// that @test has what the module adds to it, and that nothing of it is left.
func TestTrials(t *testing.T) {
	users := filepath.Join(t.TempDir(), "lines")
	grant := &shelf{file: users}
	app := &site.Application{
		Modules: []*host.Module{{
			Name: "shelf", Doc: "Keeps lines.", Grant: "a file",
			Open: func(l *host.Load) (any, error) { return l.Grant, nil },
			Members: []host.Member{{
				Name: "add", Doc: "Adds a line.", Result: "how many bytes there are",
				Params: []host.Param{{Name: "line", Doc: "the line"}},
				Fn:     func(s *shelf, line string) (int, error) { return s.add(line) },
			}},
		}},
		Grants: map[string]any{"shelf": grant},
		FS: fstest.MapFS{
			"app.star": {Data: []byte(`
load("@shelf", "add")

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [str(add("x"))]
`)},
			"app_test.star": {Data: []byte(`
load("@test", "client", "eq", "kept")
load("app.star", "app")

def test_one():
    eq(client(app).get("/").text, "1")
    eq(client(app).get("/").text, "2")
    eq(kept(), "xx")

def test_two():
    eq(client(app).get("/").text, "1")
`)},
		},
	}
	s, err := app.Tests(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	err = s.Run(context.Background(), []string{"app_test.star"}, func(r *suite.Result) {
		if passed++; r.Err != nil {
			t.Errorf("%s: %v", r.Name, r.Err)
		}
	})
	if err != nil || passed != 2 {
		t.Errorf("%d tests ran, %v", passed, err)
	}
	for _, gone := range []string{users, grant.dir} {
		if _, err := os.Stat(gone); gone == "" || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: got %v, want that nothing is there", gone, err)
		}
	}
}
