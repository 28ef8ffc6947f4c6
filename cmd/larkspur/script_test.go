package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/cmd/testdata/scripttest"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the command that is found as larkspur.
func TestMain(m *testing.M) {
	testscript.Main(browsertest.Browsers{M: m}, map[string]func(){"larkspur": main})
}

// patience is how long an event may take that must come, on a machine that is busy with other tests.
const patience = time.Minute

// language is what the scripts of testdata/script may say.
var language = &scripttest.Language{
	About: "They run the command `larkspur`, to its end or as a server, in a directory of " +
		"files. It keeps what it caches in `$WORK/cache`.",
	Example: "serve_watch",
	Commands: []scripttest.Command{
		{
			Usage: "exits STATUS PROGRAM [ARG]...",
			Doc:   "runs a program as `exec` does, which must end with that status.",
			Run: func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(ended(ts.Exec(args[1], args[2:]...), args[0]))
			},
		},
		{
			Usage: "match FILE REGEXP",
			Doc: "all of a file, or of `stdout` or `stderr`, is a match, in which `.` may be a " +
				"newline. Newlines at its end do not count.",
			Run: func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(match(ts.ReadFile(args[0]), args[1]))
			},
		},
		{
			Usage: "start N ARG...",
			Doc: "runs `larkspur ARG...` until it has announced N listeners, which are `$URL`, " +
				"`$URL2` and so on.",
			Run: start,
		},
		{
			Usage: "signal NAME",
			Doc:   "sends the server that signal: HUP, INT, TERM or USR1.",
			Run: func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(running(ts).signal(args[0]))
			},
		},
		{
			Usage: "killworker",
			Doc:   "kills one of the workers of the server, by SIGKILL.",
			Run: func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Check(running(ts).kill())
			},
		},
		{
			Usage: "killat URL LOG STATUS REGEXP",
			Doc: "posts to the server, kills a worker once the log has a match of LOG, and the answer is as " +
				"for `get`.",
			Run: func(ts *testscript.TestScript, _ bool, args []string) {
				r, err := http.NewRequest(http.MethodPost, args[0], strings.NewReader(""))
				ts.Check(err)
				r.Header.Set("Accept", "text/html")
				killed := make(chan error, 1)
				d, want := running(ts), regexp.MustCompile(args[1])
				go func() {
					for began := time.Now(); !want.MatchString(d.log.String()) && time.Since(began) < patience; {
						time.Sleep(5 * time.Millisecond)
					}
					killed <- d.kill()
				}()
				ask(ts, r, args[2], args[3])
				ts.Check(<-killed)
			},
		},
		{
			Usage: "await FILE [REGEXP]",
			Doc:   "waits until there is the file, and what is in it has a match.",
			Run: func(ts *testscript.TestScript, _ bool, args []string) {
				want := regexp.MustCompile(strings.Join(args[1:], " "))
				for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
					if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && want.Match(text) {
						return
					}
					if time.Since(began) > patience {
						ts.Fatalf("there is no %s", strings.Join(args, " with "))
					}
				}
			},
		},
		{
			Usage: "end STATUS",
			Doc:   "waits for the end of the server, which must have that status.",
			Run: func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(running(ts).end(args[0]))
				*sceneOf(ts) = scene{}
			},
		},
		{
			Usage: "[!] log REGEXP",
			Doc: "waits until what the server has said on stderr has a match. Negated: it has " +
				"none.",
			Run: said,
		},
		{
			Usage: "get URL STATUS REGEXP [NAME:VALUE]...",
			Doc: "asks with these fields; the answer has that status, and all of its body is a " +
				"match, as in `match`.",
			Run: func(ts *testscript.TestScript, _ bool, args []string) {
				r, err := http.NewRequest(http.MethodGet, args[0], nil)
				ts.Check(err)
				for _, field := range args[3:] {
					name, value, _ := strings.Cut(field, ":")
					r.Header.Set(name, value)
					if name == "Host" {
						r.Host = value
					}
				}
				ask(ts, r, args[1], args[2])
			},
		},
		{
			Usage: "post URL STATUS BYTES",
			Doc:   "sends a body of so many bytes; the answer has that status.",
			Run: func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[2])
				ts.Check(err)
				r, err := http.NewRequest(http.MethodPost, args[0], strings.NewReader(strings.Repeat("x", n)))
				ts.Check(err)
				ask(ts, r, args[1], ".*")
			},
		},
		{
			Usage: "mode FILE OCTAL",
			Doc:   "the file has that mode.",
			Run: func(ts *testscript.TestScript, _ bool, args []string) {
				info, err := os.Stat(ts.MkAbs(args[0]))
				ts.Check(err)
				if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[1] {
					ts.Fatalf("%s has the mode %s, want %s", args[0], got, args[1])
				}
			},
		},
	},
}

func TestLanguage(t *testing.T) { language.Check(t) }

func TestScripts(t *testing.T) {
	racetest.Skip(t)
	p := language.Params()
	p.Deadline = time.Now().Add(8 * time.Minute) // for one that hangs; it is of all together
	p.Setup = func(env *testscript.Env) error {
		env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
		s := new(scene)
		env.Values[scene{}] = s
		env.Defer(func() {
			if s.server != nil {
				_ = s.server.cmd.Process.Kill() // if the script failed
			}
		})
		scripttest.AtEnd(env, func() error {
			if s.server != nil {
				return errors.New("the server was not ended")
			}
			return nil
		})
		return nil
	}
	testscript.Run(t, p)
}

// A scene is what a command of a script leaves for the next. Its zero value is the key that it has.
type scene struct{ server *daemon }

func sceneOf(ts *testscript.TestScript) *scene { return ts.Value(scene{}).(*scene) }

// running returns the server of a script.
func running(ts *testscript.TestScript) *daemon {
	s := sceneOf(ts)
	if s.server == nil {
		ts.Fatalf("no server was started")
	}
	return s.server
}

func start(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	c := exec.Command("larkspur", args[1:]...)
	c.Dir = ts.Getenv("WORK")
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+ts.Getenv("XDG_CACHE_HOME"),
		"LARKSPUR_SECRET="+ts.Getenv("LARKSPUR_SECRET"))
	s := sceneOf(ts)
	s.server, err = startDaemon(c, n)
	ts.Check(err)
	for i, url := range s.server.urls {
		ts.Setenv("URL"+strings.TrimPrefix(strconv.Itoa(i+1), "1"), url)
	}
}

func said(ts *testscript.TestScript, neg bool, args []string) {
	log, want := running(ts).log, regexp.MustCompile(args[0])
	if neg {
		if got := log.String(); want.MatchString(got) {
			ts.Fatalf("the log has a match of %s:\n%s", want, got)
		}
		return
	}
	for began := time.Now(); !want.MatchString(log.String()); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			ts.Fatalf("the log has no match of %s:\n%s", want, log)
		}
	}
}

// match returns an error if the whole of a text is no match, but for newlines at its end.
func match(text, pattern string) error {
	if !regexp.MustCompile(`\A(?s:` + pattern + `)\n*\z`).MatchString(text) {
		return fmt.Errorf("got\n%s\nwant a match of %s", text, pattern)
	}
	return nil
}

// ask makes a request, with a client that trusts the certificate that dev keeps, and checks the
// answer.
func ask(ts *testscript.TestScript, r *http.Request, status, pattern string) {
	roots := x509.NewCertPool()
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	if kept, err := os.ReadFile(ts.MkAbs("cache/larkspur/localhost.pem")); err == nil {
		roots.AppendCertsFromPEM(kept)
	}
	if r.URL.Scheme == "unix" {
		socket := ts.MkAbs(r.URL.Opaque + r.URL.Path)
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", socket)
		}
		r.URL = &url.URL{Scheme: "http", Host: "localhost", Path: "/"}
	}
	res, err := (&http.Client{Transport: transport, Timeout: patience}).Do(r)
	ts.Check(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ts.Check(err)
	if got := strconv.Itoa(res.StatusCode); got != status {
		ts.Fatalf("status %s, want %s\n%s", got, status, text)
	}
	ts.Check(match(string(text), pattern))
}

// A daemon is the command in a process of its own, where it serves.
type daemon struct {
	cmd   *exec.Cmd
	log   *logbook
	ended chan error
	urls  []string
}

// startDaemon runs a command until it has announced n listeners.
func startDaemon(c *exec.Cmd, n int) (*daemon, error) {
	d := &daemon{cmd: c, log: &logbook{urls: make(chan string, 10)}, ended: make(chan error, 1)}
	c.Stderr = d.log
	if err := c.Start(); err != nil {
		return nil, err
	}
	go func() { d.ended <- c.Wait() }()
	for range n {
		select {
		case url := <-d.log.urls:
			d.urls = append(d.urls, url)
		case err := <-d.ended:
			return nil, fmt.Errorf("the server ended: %v\n%s", err, d.log)
		case <-time.After(patience):
			_ = c.Process.Kill()
			return nil, fmt.Errorf("the server does not listen:\n%s", d.log)
		}
	}
	return d, nil
}

// signal sends HUP, INT, TERM or USR1.
func (d *daemon) signal(name string) error {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "INT": os.Interrupt, "TERM": syscall.SIGTERM,
		"USR1": syscall.SIGUSR1}
	s, ok := signals[name]
	if !ok {
		return fmt.Errorf("no signal %s", name)
	}
	return d.cmd.Process.Signal(s)
}

// kill kills a child of the server: a worker.
func (d *daemon) kill() error {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", d.cmd.Process.Pid))
	if err != nil {
		return err
	}
	for _, name := range tasks {
		p, _ := os.ReadFile(name)
		for _, field := range strings.Fields(string(p)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				return err
			}
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return errors.New("the server has no worker")
}

// end waits for the end of the command, which must have that status.
func (d *daemon) end(status string) error {
	select {
	case err := <-d.ended:
		if err := ended(err, status); err != nil {
			return fmt.Errorf("%w\n%s", err, d.log)
		}
		return nil
	case <-time.After(patience):
		return fmt.Errorf("the server does not end:\n%s", d.log)
	}
}

// ended returns an error if a command that ended with err did not end with that status, or signal.
func ended(err error, want string) error {
	got := "0"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() < 0:
		got = exit.ProcessState.Sys().(syscall.WaitStatus).Signal().String()
	case errors.As(err, &exit):
		got = strconv.Itoa(exit.ExitCode())
	case err != nil:
		return err
	}
	if got != want {
		return fmt.Errorf("it ended with %s, want %s", got, want)
	}
	return nil
}
