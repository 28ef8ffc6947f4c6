package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime"
	libhost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"golang.org/x/tools/txtar"
)

// TestContract runs testdata/script over real sockets: each file is an application, app.star and
// what it loads, and before it a sentence that says what is proved and these commands, one a line.
// Words are separated by spaces, or quoted: '...' as it stands, "..." as in Go.
//
//	config KEY VALUE              sets up the server; see configure
//	skip WHERE REASON             is not run in that mode (http1, h2c, h2) or variant (wrapped, lint)
//	lint REGEXP                   the application breaks the contract on purpose: under lint the first
//	                              request must be logged or answered so, instead of all that follows
//	send METHOD TARGET [NAME:VALUE]... [< BODY | << BLOCK...]
//	                              asks, with a body of known or of unknown length
//	raw BYTES [cut]               asks in HTTP/1 octets, in the mode http1 only; cut: no more will come
//	status N                      what was answered
//	reason LINE                   the whole status line, in HTTP/1
//	header NAME VALUE...          has these fields of the name, in order; none means none at all
//	one NAME                      has one field of the name
//	body TEXT                     is whole, and is TEXT; also match REGEXP
//	broken TEXT                   broke off after TEXT
//	hint NAME VALUE               the next 103 has that one field
//	hints N                       so many 103s came
//	log REGEXP                    a record of the log is so, after the one that the last log found
//	silent REGEXP                 none is
//
// Each is run in every mode and variant: bare, wrapped twice in an identity middleware, and under
// apps/lint.star. A record with a code that no log command found fails the script: no fault goes unseen.
func TestContract(t *testing.T) {
	scripts := readScripts(t)
	for _, m := range modes {
		t.Run(m.String(), func(t *testing.T) {
			site := newSite(t, m)
			for _, v := range variants {
				t.Run(v.name, func(t *testing.T) {
					for _, s := range scripts {
						t.Run(s.name, func(t *testing.T) { s.run(t, site, v) })
					}
				})
			}
		})
	}
}

// A variant is what stands between the server and the application.
type variant struct{ name, entry, source string }

var variants = []variant{
	{"bare", "app.star", ""},
	{"wrapped", "wrapped.star", `
load("app.star", "app")
load("identity.star", "identity")
wrapped = identity(identity(app))
`},
	{"lint", "linted.star", `
load("app.star", "app")
load("lint.star", "lint")
linted = lint(app)
`},
}

// files are what the applications find beside their own.
var files = map[string]string{"identity.star": "testdata/identity.star", "lint.star": "../apps/lint.star"}

// A script is a file of testdata/script.
type script struct {
	name  string
	lines [][]string // the words of each command
	at    []int      // its line
	files map[string]string
}

var word = regexp.MustCompile(`'[^']*'|"(?:[^"\\]|\\.)*"|\S+`)

func readScripts(t testing.TB) []*script {
	t.Helper()
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var scripts []*script
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := &script{name: strings.TrimSuffix(filepath.Base(path), ".txtar"), files: map[string]string{}}
		for _, f := range archive.Files {
			s.files[f.Name] = string(f.Data)
		}
		lines := strings.Split(string(archive.Comment), "\n")
		if !strings.HasSuffix(lines[0], ".") {
			t.Errorf("%s: the first line is no sentence", path)
		}
		for i, line := range lines[1:] {
			words := word.FindAllString(line, -1)
			if len(words) == 0 {
				continue
			}
			for i, w := range words {
				switch w[0] {
				case '\'':
					words[i] = w[1 : len(w)-1]
				case '"':
					if words[i], err = strconv.Unquote(w); err != nil {
						t.Fatalf("%s: %s: %v", path, w, err)
					}
				}
			}
			if c, ok := commands[words[0]]; !ok || len(words) <= c.args {
				t.Fatalf("%s:%d: %s is no command, or lacks arguments", path, i+2, line)
			}
			s.lines, s.at = append(s.lines, words), append(s.at, i+2)
		}
		scripts = append(scripts, s)
	}
	return scripts
}

// find returns the arguments of the first command of that name whose first argument is one of
// which, if there are any; nil for none.
func (s *script) find(name string, which ...string) []string {
	for _, l := range s.lines {
		if l[0] == name && (len(which) == 0 || slices.Contains(which, l[1])) {
			return l[1:]
		}
	}
	return nil
}

func (s *script) run(t *testing.T, site *site, v variant) {
	if skip := s.find("skip", site.mode.name, v.name); skip != nil {
		t.Skip(strings.Join(skip[1:], " "))
	}
	if s.find("raw") != nil && site.mode.proto != "HTTP/1.1" {
		t.Skip("the script speaks HTTP/1 octets")
	}
	session := &session{t: t, site: site}
	session.start(s, v)
	breaks := s.find("lint")
	for i, l := range s.lines {
		session.at = fmt.Sprintf("%s.txtar:%d", s.name, s.at[i])
		if v.name == "lint" && breaks != nil && l[0] != "send" && l[0] != "raw" {
			continue
		}
		commands[l[0]].run(session, l[1:])
		if v.name == "lint" && breaks != nil {
			if !regexp.MustCompile(breaks[0]).MatchString(session.text) {
				session.logged(breaks)
			}
			return
		}
	}
	site.wait()
	if v.name == "lint" && breaks == nil {
		session.silent([]string{"lint: "})
	}
	for _, r := range session.log.all() {
		if r.code != "" && !r.found {
			t.Errorf("the script does not say that this is logged: %s", r.text)
		}
	}
}

var commands = map[string]struct {
	args int
	run  func(*session, []string)
}{
	"config": {2, func(*session, []string) {}}, // see start
	"skip":   {2, func(*session, []string) {}}, // see run
	"lint":   {1, func(*session, []string) {}},
	"send":   {2, (*session).send},
	"raw":    {1, (*session).raw},
	"status": {1, (*session).status},
	"reason": {1, (*session).reason},
	"header": {1, (*session).header},
	"one":    {1, (*session).one},
	"body":   {1, (*session).body},
	"match":  {1, (*session).match},
	"broken": {1, (*session).broken},
	"hint":   {2, (*session).hint},
	"hints":  {1, (*session).hints},
	"log":    {1, (*session).logged},
	"silent": {1, (*session).silent},
}

// A session is a script while it runs in one mode and variant.
type session struct {
	t       *testing.T
	at      string // the line of the script
	site    *site
	handler *server.Handler
	host    *host
	log     *logbook
	next    int // the record behind the one that was found last
	answer
}

func (s *session) failf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s: %s\nthe answer: %v\nthe log:\n%s", s.at, fmt.Sprintf(format, args...), &s.answer, s.log)
}

// start puts the application of a script in the place that site serves.
func (s *session) start(script *script, v variant) {
	tree := fstest.MapFS{v.entry: {Data: []byte(v.source)}}
	for name, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		tree[name] = &fstest.MapFile{Data: data}
	}
	for name, data := range script.files {
		tree[name] = &fstest.MapFile{Data: []byte(data)}
	}
	s.log, s.host = &logbook{}, newHost()
	h := &server.Handler{Logger: s.log.logger(), Slots: &server.Slots{}}
	c := &runtime.Config{FS: tree, Logger: h.Logger, Modules: []*libhost.Module{http.Module(), body.Module(), static.Module(), s.host.module()}}
	for _, l := range script.lines {
		if l[0] == "config" {
			if err := configure(h, c, l[1], l[2]); err != nil {
				s.t.Fatalf("config %s %s: %v", l[1], l[2], err)
			}
		}
	}
	entry := v.entry
	if v.source != "" {
		entry += ":" + strings.TrimSuffix(v.entry, ".star")
	}
	p, err := runtime.Load(c, entry)
	if err != nil {
		s.t.Fatal(err)
	}
	h.App = p
	s.handler = h
	s.site.serve(h)
}

// configure sets what a script asks for.
func configure(h *server.Handler, c *runtime.Config, key, value string) (err error) {
	var n int
	if value != "" && value[0] >= '0' && value[0] <= '9' && !strings.HasSuffix(value, "s") {
		n, err = strconv.Atoi(value)
	}
	switch key {
	case "mount":
		h.Mount = value
	case "name":
		h.ServerName = value
	case "env":
		name, value, _ := strings.Cut(value, "=")
		h.Environ = map[string]string{name: value}
	case "body":
		h.MaxBody = int64(n)
	case "calls":
		h.Slots.Calls = n
	case "steps":
		c.Limits.Steps = uint64(n)
	case "depth":
		c.Limits.Depth = n
	case "time":
		c.Limits.Time, err = time.ParseDuration(value)
	case "hints":
		h.Push = &push.Policy{HintHTTP1: value == "http1", NoHints: value == "none"}
	default:
		err = fmt.Errorf("there is no such key")
	}
	return err
}

func (s *session) status(args []string) {
	if got := strconv.Itoa(s.code); got != args[0] || s.err != nil {
		s.failf("the status is %s, want %s", got, args[0])
	}
}

func (s *session) reason(args []string) {
	if s.line != args[0] {
		s.failf("the status line is %s", s.line)
	}
}

func (s *session) one(args []string) {
	if got := s.fields.Values(args[0]); len(got) != 1 {
		s.failf("%s is %q, want one", args[0], got)
	}
}

func (s *session) header(args []string) {
	if got := s.fields.Values(args[0]); !slices.Equal(got, args[1:]) {
		s.failf("%s is %q, want %q", args[0], got, args[1:])
	}
}

func (s *session) body(args []string) {
	if s.text != args[0] || s.cut != nil || s.err != nil {
		s.failf("the body is %q (%v), want %q", s.text, s.cut, args[0])
	}
}

func (s *session) match(args []string) {
	if !regexp.MustCompile(`\A(?s:`+args[0]+`)\z`).MatchString(s.text) || s.cut != nil || s.err != nil {
		s.failf("the body is %q (%v), want a match of %s", s.text, s.cut, args[0])
	}
}

func (s *session) broken(args []string) {
	if s.cut == nil || s.text != args[0] {
		s.failf("the body is %q (%v), want it broken off after %q", s.text, s.cut, args[0])
	}
}

func (s *session) hint(args []string) {
	if len(s.early) == 0 {
		s.failf("there is no further 103")
	}
	if got := s.early[0]; len(got) != 1 || got.Get(args[0]) != args[1] {
		s.failf("the 103 has %v", got)
	}
	s.early = s.early[1:]
}

func (s *session) hints(args []string) {
	if got := strconv.Itoa(len(s.early)); got != args[0] {
		s.failf("%s hints came, want %s", got, args[0])
	}
}

func (s *session) logged(args []string) {
	s.site.wait()
	want := regexp.MustCompile(`(?s)` + args[0])
	for i, r := range s.log.all() {
		if i >= s.next && want.MatchString(r.text) {
			r.found = true
			s.next = i + 1
			return
		}
	}
	s.failf("there is no further record %s", args[0])
}

func (s *session) silent(args []string) {
	s.site.wait()
	want := regexp.MustCompile(`(?s)` + args[0])
	for _, r := range s.log.all() {
		if want.MatchString(r.text) {
			s.failf("the log has %s", r.text)
		}
	}
}
