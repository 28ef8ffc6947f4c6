package grant_test

import (
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/stats"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
)

// TestParse reads lines of each kind.
func TestParse(t *testing.T) {
	s, err := grant.Parse([]string{
		"sql:notes=notes.db", "sql:big=postgres://ada:secret@db/big?sslmode=disable",
		"files:uploads=/srv/up:rw", "files:art=art", "files:old=C:\\art:ro",
		"fetch=api.example.com, *.example.org", "fetch=127.0.0.1:9000",
		"env=API_KEY,REGION", "env=REGION", "mail=smtp://u:p@mail.example.com?from=a@example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"databases", s.SQL.Databases, map[string]string{"notes": "notes.db",
			"big": "postgres://ada:secret@db/big?sslmode=disable"}},
		{"directories", s.Files.Dirs, map[string]files.Dir{"uploads": {Path: "/srv/up", Write: true},
			"art": {Path: "art"}, "old": {Path: "C:\\art"}}},
		{"hosts", s.Fetch.Hosts, []string{"api.example.com", "*.example.org", "127.0.0.1:9000"}},
		{"variables", s.Env.Names, []string{"API_KEY", "REGION"}},
		{"mail", s.Mail.URL, "smtp://u:p@mail.example.com?from=a@example.com"},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

// TestForms reads each form as it is written in the documentation.
func TestForms(t *testing.T) {
	for _, f := range grant.Forms() {
		line := strings.NewReplacer("NAME", "name", "HOST", "example.com", "USER", "u", "PASSWORD", "p", "ADDRESS", "a@example.com").Replace(f.Line)
		if _, err := grant.Parse([]string{line}); err != nil {
			t.Errorf("%s: %v", f.Line, err)
		}
	}
}

// TestParseErrors verifies that what is wrong with a line is said, with what to write, and that no
// password is.
func TestParseErrors(t *testing.T) {
	for line, want := range map[string]string{
		"":                              `grant : there is no kind "": sql, files, fetch, env, mail, state or stats`,
		"sqll:notes=notes.db":           `there is no kind "sqll" (did you mean sql?)`,
		"sql=notes.db":                  `"" is not a name: a-z, 0-9, - and _, as in sql:NAME=FILE`,
		"sql:Notes=notes.db":            `"Notes" is not a name`,
		"sql:notes":                     `it says not where notes is: write sql:notes=FILE`,
		"files:up=:rw":                  `it says not where up is: write files:up=DIR:rw`,
		"files:../x=a":                  `"../x" is not a name`,
		"fetch":                         `it grants nothing: write fetch=HOST`,
		"state:x=y":                     `state has no names: write state=DIR`,
		"state=http://ada:secret@host":  `grant state=http://...@host: state: http://host is no server of NATS`,
		"state=nats://host?x=y":         `there is no x behind the ?: creds=FILE and ca=FILE`,
		"stats=all":                     `stats has neither names nor values: write stats`,
		"stats:all":                     `write stats`,
		"fetch:x=y":                     `fetch has no names: write fetch=HOST`,
		"fetch=10.0.0.0/8":              `it is not public`,
		"env=A B":                       `"A B" is not the name of a variable`,
		"mail=smtp://ada:secret@host:x": `grant mail=smtp://...@host:x: `,
		"mail=http://ada:secret@host":   `grant mail=http://...@host: `,
		"sql:a=mysql://ada:secret@host": `grant sql:a=mysql://...@host: `,
	} {
		_, err := grant.Parse([]string{line})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the password: %v", line, err)
		}
	}
	for _, twice := range []string{"sql:a=b", "files:a=b", "mail=smtp://h", "state=a"} {
		if _, err := grant.Parse([]string{twice, twice}); err == nil {
			t.Errorf("%s is granted twice", twice)
		}
	}
}

// TestAsks verifies that what an application asks for is found in its scripts, with its place, and
// what of it is granted, although nothing of it is run.
func TestAsks(t *testing.T) {
	app := &site.Application{FS: fstest.MapFS{
		"app.star": {Data: []byte(`load("@sql", open = "database")
load("@env", "env")
load("lib.star", "feed")

db = open("notes")
old = open("old")
key = env["API_KEY"] + env.get("REGION", "eu")

def app(environ, start_response):
    return feed()
`)},
		"lib.star": {Data: []byte(`load("@fetch", "fetch")
load("@files", "files")
load("@mail", "send")
load("@kv", "bucket")
load("@middleware", "middleware", "rate_limit")

limits = [rate_limit(1, 1, shared = False), rate_limit(1, 1), middleware.rate_limit(1, 1, shared = True)]

def feed():
    files.directory("cache")
    fetch("https://example.com:8443/feed")
    fetch("http://127.0.0.1:9000/" + "x")
    return fetch(files)
`)},
	}}
	s, err := grant.Parse([]string{"sql:notes=notes.db", "env=API_KEY", "fetch=example.org", "state=data"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range s.Asks(app) {
		text := a.Place.String() + " " + a.Line
		if a.Granted {
			text += " granted"
		}
		got = append(got, text)
	}
	want := []string{
		"lib.star:3:1 mail=smtp://USER:PASSWORD@HOST?from=ADDRESS",
		"lib.star:7:63 state=DIR granted",
		"lib.star:10:5 files:cache=DIR:rw",
		"lib.star:11:5 fetch=example.com:8443",
		"app.star:5:6 sql:notes=FILE granted",
		"app.star:6:7 sql:old=FILE",
		"app.star:7:7 env=API_KEY granted",
		"app.star:7:24 env=REGION",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestStatsOfAnotherProcess verifies that a process which is connected to another one sees the numbers of that, as
// far as it grants them.
func TestStatsOfAnotherProcess(t *testing.T) {
	front, err := grant.Parse([]string{"stats"})
	if err != nil {
		t.Fatal(err)
	}
	front.Stats.Read = func() (n stats.Numbers) { n.Requests.Ended = 5; return n }
	for set, want := range map[*grant.Set]string{front: `"ended":5`, new(grant.Set): "not granted"} {
		var there grant.Set
		there.Connect(set.Dial)
		said := ""
		c, err := there.Stats.Connect(t.Context(), "", "")
		if err != nil {
			said = err.Error()
		} else if text, err := io.ReadAll(c); err == nil {
			said = string(text)
			c.Close()
		}
		if !strings.Contains(said, want) {
			t.Errorf("got %s, want %s", said, want)
		}
	}
}
