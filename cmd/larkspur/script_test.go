package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// asCommand is set in the environment of the test binary when it is run as the command.
const asCommand = "LARKSPUR_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// patience is how long an event may take that must come.
const patience = 10 * time.Second

// TestScripts runs testdata/script: each file is a directory of files and, before them, a sentence
// and these commands, one a line. Words are separated by spaces, or quoted with '...'; $WORK is the directory,
// $URL, $URL2... are what the server announced.
//
//	exec STATUS ARG...     runs larkspur with ARGs to its end, which must have that exit status
//	input FILE             is what the next exec has on its standard input
//	stdout REGEXP          what it said there, all of it; also stderr
//	start N ARG...         runs larkspur until it has announced N listeners
//	get URL STATUS REGEXP [HEADER:VALUE]...   asks the server; REGEXP is of the body, all of it
//	post URL STATUS BYTES  sends a body of so many bytes
//	log REGEXP             waits until the server has said so on stderr
//	silent REGEXP          it has not
//	signal NAME            sends it HUP, TERM or INT
//	end STATUS             waits for its end
//	has FILE REGEXP...     the file has a match of each
//	copy FROM TO           also remove FILE, same FILE FILE, mode FILE OCTAL
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runScript(t, script)
		})
	}
}

func runScript(t *testing.T, script string) {
	archive, err := txtar.ParseFile(script)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, dir: t.TempDir(), vars: map[string]string{}}
	s.vars["WORK"] = s.dir
	files, err := txtar.FS(archive)
	if err == nil {
		err = os.CopyFS(s.dir, files)
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(archive.Comment), "\n")
	for i, line := range lines[1:] { // the first says what it is about
		s.at = fmt.Sprintf("%s:%d", filepath.Base(script), i+2)
		words := s.words(line)
		if len(words) == 0 {
			continue
		}
		command, ok := commands[words[0]]
		if !ok || len(words) <= command.args {
			t.Fatalf("%s: %s is no command, or lacks arguments", s.at, line)
		}
		command.run(s, words[1:])
	}
	if s.server != nil {
		s.failf("the server was not ended")
	}
}

var commands = map[string]struct {
	args int
	run  func(*session, []string)
}{
	"exec":   {1, (*session).exec},
	"input":  {1, func(s *session, a []string) { s.input = s.path(a[0]) }},
	"stdout": {1, func(s *session, a []string) { s.match("stdout", s.stdout.String(), a[0]) }},
	"stderr": {1, func(s *session, a []string) { s.match("stderr", s.stderr.String(), a[0]) }},
	"start":  {2, (*session).start},
	"get":    {3, (*session).get},
	"post":   {3, (*session).post},
	"log":    {1, (*session).log},
	"silent": {1, (*session).silent},
	"signal": {1, (*session).signal},
	"end":    {1, (*session).end},
	"has":    {2, (*session).has},
	"copy":   {2, (*session).copy},
	"remove": {1, func(s *session, a []string) { s.must(os.Remove(s.path(a[0]))) }},
	"same":   {2, (*session).same},
	"mode":   {2, (*session).mode},
}

// A session is a script while it runs.
type session struct {
	t    *testing.T
	at   string // the line of the script
	dir  string
	vars map[string]string

	input          string       // the file for the next exec, "" for none
	stdout, stderr bytes.Buffer // of exec
	server         *exec.Cmd
	announced      *logbook
	ended          chan error
}

// words splits a line, and puts in the variables.
func (s *session) words(line string) []string {
	var words []string
	for _, m := range regexp.MustCompile(`'([^']*)'|\S+`).FindAllStringSubmatch(line, -1) {
		word := m[0]
		if word[0] == '\'' {
			word = m[1]
		}
		words = append(words, regexp.MustCompile(`\$(WORK|URL\d*)`).ReplaceAllStringFunc(word, func(v string) string { return s.vars[v[1:]] }))
	}
	return words
}

func (s *session) failf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf(s.at+": "+format, args...)
}

func (s *session) must(err error) {
	s.t.Helper()
	if err != nil {
		s.failf("%v", err)
	}
}

func (s *session) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, name)
}

func (s *session) command(args []string) *exec.Cmd {
	exe, err := os.Executable()
	s.must(err)
	c := exec.Command(exe, args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), asCommand+"=1", "XDG_CACHE_HOME="+s.path("cache"))
	return c
}

func (s *session) exec(args []string) {
	s.stdout.Reset()
	s.stderr.Reset()
	c := s.command(args[1:])
	c.Stdout, c.Stderr = &s.stdout, &s.stderr
	if s.input != "" {
		f, err := os.Open(s.input)
		s.must(err)
		defer f.Close()
		c.Stdin, s.input = f, ""
	}
	kill := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	defer kill.Stop()
	s.status(c.Run(), args[0])
}

// status checks how a command ended.
func (s *session) status(err error, want string) {
	s.t.Helper()
	got := "0"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() < 0:
		got = exit.ProcessState.Sys().(syscall.WaitStatus).Signal().String()
	case errors.As(err, &exit):
		got = strconv.Itoa(exit.ExitCode())
	case err != nil:
		s.failf("%v", err)
	}
	if got != want {
		s.failf("it ended with %s, want %s\n%s%s", got, want, &s.stdout, &s.stderr)
	}
}

func (s *session) match(what, got, pattern string) {
	s.t.Helper()
	if !regexp.MustCompile(`\A(?s:` + pattern + `)\n*\z`).MatchString(got) {
		s.failf("%s is\n%s\nwant a match of %s", what, got, pattern)
	}
}

func (s *session) start(args []string) {
	n, err := strconv.Atoi(args[0])
	s.must(err)
	s.announced = &logbook{urls: make(chan string, 10)}
	s.server = s.command(args[1:])
	s.server.Stderr = s.announced
	s.must(s.server.Start())
	server := s.server
	s.ended = make(chan error, 1)
	go func() { s.ended <- server.Wait() }()
	s.t.Cleanup(func() { _ = server.Process.Kill() }) // it has ended if the script went well
	for i := range n {
		select {
		case url := <-s.announced.urls:
			s.vars["URL"+strings.TrimPrefix(strconv.Itoa(i+1), "1")] = url
		case err := <-s.ended:
			s.failf("the server ended: %v\n%s", err, s.announced)
		case <-time.After(patience):
			s.failf("the server does not listen:\n%s", s.announced)
		}
	}
}

func (s *session) signal(args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "INT": os.Interrupt}
	s.must(s.server.Process.Signal(signals[args[0]]))
}

func (s *session) end(args []string) {
	select {
	case err := <-s.ended:
		s.status(err, args[0])
	case <-time.After(patience):
		s.failf("the server does not end:\n%s", s.announced)
	}
	s.server = nil
}

// log waits for something that the server says sooner or later.
func (s *session) log(args []string) {
	want := regexp.MustCompile(args[0])
	for began := time.Now(); !want.MatchString(s.announced.String()); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			s.failf("the log has no match of %s:\n%s", args[0], s.announced)
		}
	}
}

func (s *session) silent(args []string) {
	if got := s.announced.String(); regexp.MustCompile(args[0]).MatchString(got) {
		s.failf("the log has a match of %s:\n%s", args[0], got)
	}
}

// client returns a client that trusts the certificate that dev keeps, and the URL without its socket.
func (s *session) client(url string) (*http.Client, string) {
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}
	if kept, err := os.ReadFile(s.path("cache/larkspur/localhost.pem")); err == nil {
		transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(kept)
	}
	if socket, ok := strings.CutPrefix(url, "unix:"); ok {
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", s.path(socket)) }
		url = "http://localhost/"
	}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}, url
}

func (s *session) get(args []string) {
	client, url := s.client(args[0])
	request, err := http.NewRequest(http.MethodGet, url, nil)
	s.must(err)
	for _, field := range args[3:] {
		name, value, _ := strings.Cut(field, ":")
		request.Header.Set(name, value)
	}
	s.answer(client, request, args[1], args[2])
}

func (s *session) post(args []string) {
	client, url := s.client(args[0])
	n, err := strconv.Atoi(args[2])
	s.must(err)
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(strings.Repeat("x", n)))
	s.must(err)
	s.answer(client, request, args[1], ".*")
}

func (s *session) answer(client *http.Client, request *http.Request, status, pattern string) {
	s.t.Helper()
	res, err := client.Do(request)
	s.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	s.must(err)
	if got := strconv.Itoa(res.StatusCode); got != status {
		s.failf("status %s, want %s\n%s", got, status, body)
	}
	s.match("the body", string(body), pattern)
}

func (s *session) has(args []string) {
	content, err := os.ReadFile(s.path(args[0]))
	s.must(err)
	for _, pattern := range args[1:] {
		if !regexp.MustCompile(pattern).Match(content) {
			s.failf("%s has no match of %s:\n%s", args[0], pattern, content)
		}
	}
}

func (s *session) copy(args []string) {
	content, err := os.ReadFile(s.path(args[0]))
	s.must(err)
	s.must(os.WriteFile(s.path(args[1]), content, 0o600))
}

func (s *session) same(args []string) {
	a, err := os.ReadFile(s.path(args[0]))
	s.must(err)
	b, err := os.ReadFile(s.path(args[1]))
	s.must(err)
	if !bytes.Equal(a, b) {
		s.failf("%s and %s differ", args[0], args[1])
	}
}

func (s *session) mode(args []string) {
	info, err := os.Stat(s.path(args[0]))
	s.must(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[1] {
		s.failf("%s has the mode %s, want %s", args[0], got, args[1])
	}
}
