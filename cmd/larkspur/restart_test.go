package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/service"
	"github.com/larkspur-web/larkspur/server/site"
)

// A line is a server of which one process takes the place of another.
type line struct {
	t       *testing.T
	dir     string
	pidFile string
	first   *exec.Cmd
	ended   chan error
	urls    []string
}

// startLine starts the first process, in a directory with app.star.
func startLine(t *testing.T, script string, listen int, args ...string) *line {
	t.Helper()
	l := &line{t: t, dir: t.TempDir(), ended: make(chan error, 1)}
	l.pidFile = filepath.Join(l.dir, "pid")
	l.write(script)
	log, err := os.Create(filepath.Join(l.dir, "log"))
	must(t, err)
	defer log.Close()
	l.first = exec.Command("larkspur", append([]string{"serve", "--pid-file", "pid"}, args...)...)
	l.first.Dir, l.first.Stderr = l.dir, log
	must(t, l.first.Start())
	go func() { l.ended <- l.first.Wait() }()
	t.Cleanup(func() {
		if pid, err := service.ReadPID(l.pidFile); err == nil {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
		_ = l.first.Process.Kill()
		l.await("the end", func() bool { return !exists(l.pidFile) })
	})
	l.await("the first process", func() bool {
		urls := regexp.MustCompile(`listening on (\S+)\n`).FindAllStringSubmatch(l.log(), -1)
		for _, u := range urls {
			l.urls = append(l.urls, u[1])
		}
		_, err := service.ReadPID(l.pidFile)
		return len(urls) >= listen && err == nil
	})
	return l
}

func (l *line) write(script string) {
	l.t.Helper()
	must(l.t, os.WriteFile(filepath.Join(l.dir, "app.star"), []byte(script), 0o644))
}

func (l *line) log() string {
	text, err := os.ReadFile(filepath.Join(l.dir, "log"))
	must(l.t, err)
	return string(text)
}

// await waits until it is so.
func (l *line) await(what string, so func() bool) {
	l.t.Helper()
	for began := time.Now(); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			l.t.Fatalf("no %s; the log:\n%s", what, l.log())
		}
	}
}

// restart runs larkspur restart, and returns what it says.
func (l *line) restart() (string, error) {
	out, err := exec.Command("larkspur", "restart", "--pid-file", l.pidFile).CombinedOutput()
	return string(out), err
}

// versioned is an application that says which version it is.
func versioned(n int) string {
	return fmt.Sprintf(`
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["version %d"]
`, n)
}

// TestRestart restarts a server three times under clients that ask without pause, over both protocols, on
// connections that they keep and on new ones, by TCP and by a unix socket: no request fails, the sockets
// stay, and what serves is the new script.
func TestRestart(t *testing.T) {
	for _, args := range [][]string{nil, {"--workers", "1"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			l := startLine(t, versioned(0), 2, append(args, "--listen", "http://127.0.0.1:0",
				"--listen", "unix:socket?mode=600", "app.star")...)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var clients sync.WaitGroup
			var asked, version atomic.Int64
			client := func(transport *http.Transport) {
				c := http.Client{Transport: transport}
				defer transport.CloseIdleConnections()
				for ctx.Err() == nil {
					res, err := c.Get(l.urls[0])
					if err != nil {
						t.Errorf("a request failed: %v", err)
						return
					}
					body, err := io.ReadAll(res.Body)
					res.Body.Close()
					var n int64
					if _, scan := fmt.Sscanf(string(body), "version %d", &n); err != nil || scan != nil {
						t.Errorf("it answers %q, %v", body, err)
						return
					}
					version.Store(max(version.Load(), n))
					asked.Add(1)
					time.Sleep(5 * time.Millisecond) // so that connections are idle, too
				}
			}
			for i := range 2 {
				transport := newClient("", i == 1).http.Transport.(*http.Transport)
				clients.Go(func() { client(transport) })
			}
			clients.Go(func() { client(&http.Transport{DisableKeepAlives: true}) })
			clients.Go(func() {
				client(&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(l.dir, "socket"))
				}})
			})
			for n := 1; n <= 3; n++ {
				before := asked.Load()
				l.write(versioned(n))
				if said, err := l.restart(); err != nil {
					t.Fatalf("restart: %v, %s\n%s", err, said, l.log())
				}
				l.await("requests", func() bool { return asked.Load() > before+10 && version.Load() == int64(n) })
			}
			stop()
			clients.Wait()
			if err := <-l.ended; err != nil {
				t.Errorf("the first process ends with %v", err)
			}
			if info, err := os.Stat(filepath.Join(l.dir, "socket")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the socket is %v, %v", info, err)
			}
			if log := l.log(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
				t.Errorf("the log is\n%s", log)
			}
		})
	}
}

// TestRestartState restarts a server that keeps state, over TLS: the new process goes on with what the old
// one has counted, and not one of the requests meanwhile is lost or counted twice.
func TestRestartState(t *testing.T) {
	const script = `
load("@kv", "counter")

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(counter("visits").add())]
`
	cert, key := certificateFiles(t)
	l := startLine(t, script, 1, "--listen", "https://127.0.0.1:0", "--tls-cert", cert, "--tls-key", key,
		"--data", "data", "app.star")
	c := http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer c.CloseIdleConnections()
	var asked int
	restarted := make(chan error, 1)
	go func() {
		said, err := l.restart()
		if err == nil {
			err = <-l.ended
		} else {
			err = fmt.Errorf("%w: %s", err, said)
		}
		restarted <- err
	}()
	for after := 0; after < 20; {
		res, err := c.Get(l.urls[0])
		must(t, err)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		asked++
		if err != nil || string(body) != fmt.Sprint(asked) {
			t.Fatalf("request %d: %s %q, %v\n%s", asked, res.Status, body, err, l.log())
		}
		select {
		case err := <-restarted:
			must(t, err)
			after = 1
		default:
			if after > 0 {
				after++
			}
		}
	}
}

// certificateFiles makes a certificate for localhost, and its key.
func certificateFiles(t *testing.T) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	_, err := site.Localhost(dir)
	must(t, err)
	return filepath.Join(dir, "localhost.pem"), filepath.Join(dir, "localhost.pem")
}

// TestRestartFails restarts a server into a script that does not load, and into a program that is none:
// restart says why, and the old process serves on, which the next restart can end.
func TestRestartFails(t *testing.T) {
	l := startLine(t, versioned(1), 1, "--listen", "http://127.0.0.1:0", "app.star")
	pid, err := service.ReadPID(l.pidFile)
	must(t, err)
	l.write("def app(environ, start_response):\n")
	for range 2 {
		said, err := l.restart()
		if err == nil || !strings.Contains(said, "app.star:2:1: the block of the line before is indented") ||
			!strings.Contains(said, fmt.Sprintf("process %d serves on", pid)) {
			t.Fatalf("restart says %v, %s", err, said)
		}
		if got := l.get(); got != "version 1" {
			t.Errorf("it answers %s", got)
		}
	}
	if log := l.log(); !strings.Contains(log, "level=ERROR msg=\"the restart has failed, this process serves on\"") {
		t.Errorf("the log is\n%s", log)
	}
	l.write(versioned(2))
	if said, err := l.restart(); err != nil {
		t.Fatalf("restart: %v, %s", err, said)
	}
	must(t, <-l.ended)
	if got := l.get(); got != "version 2" {
		t.Errorf("it answers %s", got)
	}
}

func (l *line) get() string {
	l.t.Helper()
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(l.urls[0])
	must(l.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(l.t, err)
	return string(body)
}

// TestRestartNobody says what is wrong where there is nobody to restart.
func TestRestartNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	for _, test := range []struct{ content, want string }{
		{"", "it names no process"},
		{"-4\n", "it names no process"},
		{"999999999\n", "process already finished"},
	} {
		must(t, os.WriteFile(file, []byte(test.content), 0o600))
		if _, err := restart(t.Context(), file, time.Second); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %s", test.content, err, test.want)
		}
	}
	must(t, os.Remove(file))
	if _, err := restart(t.Context(), file, time.Second); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
}
