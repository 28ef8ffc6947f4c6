package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/lib/sql/sqltest"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
)

// TestNotes runs the program of the README that has a database, as it stands there, on SQLite and on
// PostgreSQL, and again: what it keeps outlives it.
func TestNotes(t *testing.T) {
	racetest.Skip(t)
	dir := filepath.Join(t.TempDir(), "site")
	for _, s := range readme(t) {
		file := ""
		switch {
		case s.kind == "html" || s.kind == "sql":
			file = fileBefore(t, s)
		case s.kind == "python" && strings.Contains(s.text, "database("):
			file = "site/app.star"
		}
		if file != "" {
			write(t, filepath.Join(dir, strings.TrimPrefix(file, "site/")), s.text)
		}
	}
	cluster := new(sqltest.Cluster)
	t.Cleanup(cluster.Stop)
	for name, where := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "notes.db") },
		"postgres": func(t *testing.T) string { return cluster.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			line, secret := "sql:notes="+where(t), session.Random()
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Jar: jar}
			var base string
			ask := func(path string, form url.Values) string {
				t.Helper()
				var res *http.Response
				var err error
				if form == nil {
					res, err = client.Get(base + path)
				} else {
					res, err = client.PostForm(base+path, form)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				return res.Status + "\n" + string(body)
			}
			has := func(page string, wants ...string) {
				t.Helper()
				for _, want := range wants {
					if !strings.Contains(page, want) {
						t.Errorf("the page lacks %q:\n%s", want, page)
					}
				}
			}
			var end func()
			base, end = serveNotes(t, dir, line, secret)
			has(ask("/login", url.Values{"user": {"ada"}}), "200 OK", "There are none yet.")
			has(ask("/notes", url.Values{"title": {"one"}}), "<h1>one</h1>")
			has(ask("/notes", url.Values{"title": {"two <2>'; DROP TABLE notes; --"}}),
				"<h1>two &lt;2&gt;&#39;; DROP TABLE notes; --</h1>")
			end()
			// The cookie is of the host alone, whatever the port.
			base, end = serveNotes(t, dir, line, secret)
			defer end()
			has(ask("/", nil), `<a href="/notes/1">one</a>`, `<a href="/notes/2">two &lt;2&gt;`)
			has(ask("/notes/1", nil), "<h1>one</h1>")
			has(ask("/notes/3", nil), "404 Not Found", "there is no such note")
			has(ask("/notes", url.Values{"name": {"x"}}), "400 Bad Request", "title")
		})
	}
}

// serveNotes serves the application in dir with what a line grants.
func serveNotes(t *testing.T, dir, line string, secret session.Keeper) (base string, end func()) {
	t.Helper()
	granted, err := grant.Parse([]string{line})
	if err != nil {
		t.Fatal(err)
	}
	app := site.Dir(dir, "")
	granted.To(app)
	app.Grants[session.Name] = secret
	quiet := slog.New(slog.DiscardHandler)
	program, err := runtime.Load(app.Config(quiet), app.Name())
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&server.Handler{App: program, Logger: quiet})
	return s.URL, func() {
		s.Close()
		program.Close()
		if err := granted.Close(); err != nil {
			t.Error(err)
		}
	}
}
