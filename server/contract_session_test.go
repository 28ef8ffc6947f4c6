package server_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime"
	libhost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/rogpeppe/go-internal/testscript"
	"go.starlark.net/starlark"
)

// A variant is what stands between the server and the application.
type variant struct{ name, entry string }

var variants = []variant{
	{"bare", "app.star"},
	{"wrapped", "wrapped.star:wrapped"},
	{"lint", "linted.star:linted"},
}

const (
	wrappedSource = `
load("app.star", "app")
load("identity.star", "identity")
wrapped = identity(identity(app))
`
	lintedSource = `
load("app.star", "app")
load("@lint", "lint")
linted = lint(app)
`
)

// A setting is what applications find beside their own files.
type setting struct {
	files fs.FS
	lint  starlark.StringDict // of apps/lint.star, which is large, so it is loaded once
}

func newSetting(t testing.TB) *setting {
	t.Helper()
	identity, err := os.ReadFile("testdata/identity.star")
	if err != nil {
		t.Fatal(err)
	}
	modules := []*libhost.Module{http.Module(), body.Module()}
	lint, err := runtime.LoadFile(&runtime.Config{FS: apps.FS, Modules: modules}, "lint.star")
	if err != nil {
		t.Fatal(err)
	}
	return &setting{lint: lint.Globals(), files: fstest.MapFS{
		"identity.star": {Data: identity},
		"wrapped.star":  {Data: []byte(wrappedSource)},
		"linted.star":   {Data: []byte(lintedSource)},
	}}
}

// An overlay is a tree over another.
type overlay struct{ over, under fs.FS }

func (o overlay) Open(name string) (fs.File, error) {
	f, err := o.over.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return o.under.Open(name)
	}
	return f, err
}

// A session is an application while it is asked in one mode and variant.
type session struct {
	fatalf  func(format string, args ...any)
	site    *site
	variant variant
	handler *server.Handler
	config  runtime.Config
	host    *host
	log     *logbook
	next    int  // the record behind the one that was found last
	begun   bool // the application is loaded, and what the site serves
	linted  bool // the lint has refused the application
	answer
}

// newSession makes a session of the application app.star of a tree.
func newSession(
	beside *setting, site *site, v variant, tree fs.FS, fatalf func(string, ...any),
) *session {
	s := &session{fatalf: fatalf, site: site, variant: v, host: newHost(), log: &logbook{}}
	s.handler = &server.Handler{Logger: s.log.logger(), Slots: &server.Slots{}}
	s.config = runtime.Config{
		FS:     overlay{tree, beside.files},
		Logger: s.handler.Logger,
		Modules: []*libhost.Module{
			http.Module(), body.Module(), static.Module(), response.Module(), s.host.module(),
			{Name: "lint", Members: []libhost.Member{{Name: "lint", Value: beside.lint["lint"]}}},
		},
	}
	return s
}

type sessionKey struct{}

// sessionOf returns the session of a script.
func sessionOf(ts *testscript.TestScript) *session {
	s := ts.Value(sessionKey{}).(*session)
	s.fatalf = ts.Fatalf
	return s
}

func (s *session) failf(format string, args ...any) {
	s.fatalf("%s\nthe answer: %v\nthe log:\n%s", fmt.Sprintf(format, args...), &s.answer, s.log)
}

// begin loads the application, and has the site serve it, unless it does.
func (s *session) begin() {
	if s.begun {
		return
	}
	p, err := runtime.Load(&s.config, s.variant.entry)
	if err != nil {
		s.failf("%v", err)
	}
	s.begun, s.handler.App = true, p
	s.site.serve(s.handler)
}

// atEnd returns what no command has said, after the last.
func (s *session) atEnd() error {
	if !s.begun || s.linted {
		return nil
	}
	s.site.wait()
	for _, r := range s.log.all() {
		switch {
		case s.variant.name == "lint" && strings.Contains(r.text, "lint: "):
			return fmt.Errorf("the lint logs %s", r.text)
		case r.code != "" && !r.found:
			return fmt.Errorf("the script does not say that this is logged: %s", r.text)
		}
	}
	return nil
}

// configure sets what a script asks for.
func (s *session) configure(args []string) {
	if s.begun {
		s.failf("the application is loaded already")
	}
	key, value := args[0], args[1]
	var err error
	number := func() (n int) {
		n, err = strconv.Atoi(value)
		return n
	}
	switch h, limits := s.handler, &s.config.Limits; key {
	case "mount":
		h.Mount = value
	case "name":
		h.ServerName = value
	case "env":
		name, value, _ := strings.Cut(value, "=")
		h.Environ = map[string]string{name: value}
	case "body":
		h.MaxBody = int64(number())
	case "calls":
		h.Slots.Calls = number()
	case "steps":
		limits.Steps = uint64(number())
	case "depth":
		limits.Depth = number()
	case "time":
		limits.Time, err = time.ParseDuration(value)
	case "idle":
		h.IdleTimeout, err = time.ParseDuration(value)
	case "hints":
		h.Push = &push.Policy{HintHTTP1: value == "http1", NoHints: value == "none"}
	default:
		err = errors.New("there is no such key")
	}
	if err != nil {
		s.failf("config %s %s: %v", key, value, err)
	}
}

func (s *session) send(args []string) {
	s.begin()
	var body io.Reader
	fields := args[2:]
	length := int64(0)
	for i, f := range fields {
		if f == "<" || f == "<<" {
			text := strings.Join(fields[i+1:], "")
			body = strings.NewReader(text)
			if length = int64(len(text)); f == "<<" {
				body, length = blocks(fields[i+1:]), -1
			}
			fields = fields[:i]
			break
		}
	}
	r, err := s.site.request(args[0], args[1], body)
	if err != nil {
		s.failf("%v", err)
	}
	r.ContentLength = length
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ":")
		value = strings.TrimPrefix(value, " ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header[name] = append(r.Header[name], value)
	}
	s.answer = s.site.ask(r)
}

// blocks is a reader that gives one after the other.
func blocks(texts []string) io.Reader {
	readers := make([]io.Reader, len(texts))
	for i, text := range texts {
		readers[i] = strings.NewReader(text)
	}
	return io.MultiReader(readers...)
}

func (s *session) raw(args []string) {
	s.begin()
	s.answer = s.site.octets(args[0], len(args) > 1)
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
	if args[0] != "body" {
		s.failf("there is a body to match, and no %s", args[0])
	}
	want := regexp.MustCompile(`\A(?s:` + args[1] + `)\z`)
	if !want.MatchString(s.text) || s.cut != nil || s.err != nil {
		s.failf("the body is %q (%v), want a match of %s", s.text, s.cut, args[1])
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

// refused checks that the lint has found fault with the application.
func (s *session) refused(args []string) {
	s.linted = true
	if !regexp.MustCompile(args[0]).MatchString(s.text) {
		s.logged(args)
	}
}
