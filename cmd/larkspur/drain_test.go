package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// slow is an application that answers in two halves, and says when it is called.
const slow = `
load("@body", "body_map")
load("@time", "time")

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    def block(text):
        time.sleep(0.3)
        return text
    return body_map(block, ["first ", "second"])
`

// serveScript serves a script in a process of its own.
func serveScript(t *testing.T, script string, args ...string) *daemon {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"serve", "--listen", "http://127.0.0.1:0", "app.star"}, args...)
	c := exec.Command("larkspur", args...)
	c.Dir = dir
	d, err := startDaemon(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // it has ended if the test went well
	return d
}

// TestDrain ends a server that has 40 requests to answer, over both protocols: each that was begun
// is answered whole, and the status is 0.
func TestDrain(t *testing.T) {
	s := serveScript(t, slow)
	var begun atomic.Int64
	var clients sync.WaitGroup
	enough := make(chan struct{})
	for i := range 40 {
		c := newClient(s.urls[0], i%2 == 1)
		clients.Go(func() {
			res, err := c.http.Get(c.url)
			if err != nil {
				t.Errorf("request %d: %v", i, err)
				return
			}
			defer res.Body.Close()
			if begun.Add(1) == 40 { // the header comes with the first block, when the second is yet to be made
				close(enough)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || string(body) != "first second" {
				t.Errorf("request %d: %q, %v", i, body, err)
			}
			c.http.CloseIdleConnections()
		})
	}
	select {
	case <-enough:
	case <-time.After(patience):
		t.Errorf("%d of 40 requests were begun", begun.Load())
	}
	must(t, s.signal("TERM"))
	clients.Wait()
	must(t, s.end("0"))
	if _, err := http.Get(s.urls[0]); err == nil {
		t.Error("it still serves")
	}
}

// TestSecondSignal ends a server at once that waits for a request without end.
func TestSecondSignal(t *testing.T) {
	s := serveScript(t, endless)
	res := s.begin(t)
	defer res.Body.Close()
	must(t, s.signal("TERM"))
	// The first signal has been taken once no connection is: the kernel makes one of two that wait.
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.urls[0], "http://"))
		if err != nil {
			break
		}
		c.Close()
		if time.Since(began) > patience {
			t.Fatal("it goes on serving")
		}
	}
	must(t, s.signal("TERM"))
	must(t, s.end("1"))
	if got := s.log.String(); !strings.HasSuffix(got, "larkspur: second signal: exiting now, requests were cut off\n") {
		t.Errorf("the log is %s", got)
	}
}

// TestDrainEnds shows that a request without end holds the server for the time to drain only, and
// that this is said, and the status still 0.
func TestDrainEnds(t *testing.T) {
	s := serveScript(t, endless, "--drain", "200ms")
	res := s.begin(t)
	defer res.Body.Close()
	must(t, s.signal("INT"))
	must(t, s.end("0"))
	if got := s.log.String(); !strings.Contains(got, "requests were still running") {
		t.Errorf("the log is %s", got)
	}
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("a stream that was cut looks whole: %q", body)
	}
}

// TestDrainEvents ends a server that has a stream of events, in its own process and in a worker: it ends
// at once, and is whole.
func TestDrainEvents(t *testing.T) {
	for _, args := range [][]string{nil, {"--workers", "1"}} {
		t.Run(fmt.Sprint(args), func(t *testing.T) {
			s := serveScript(t, `
load("@body", "body_map", "ticks")

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return body_map(lambda n: "%d\n\n" % n if n == 0 else "", ticks(0.05))
`, args...)
			res := s.begin(t)
			defer res.Body.Close()
			must(t, s.signal("TERM"))
			if rest, err := io.ReadAll(res.Body); string(rest) != "\n\n" || err != nil {
				t.Errorf("it ends with %q, %v", rest, err)
			}
			must(t, s.end("0"))
			if got := s.log.String(); strings.Contains(got, "level=") {
				t.Errorf("the log is %s", got)
			}
		})
	}
}

const endless = `
load("@body", "body_map", "ticks")

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return body_map(str, ticks(0.05))
`

// begin asks for the stream and returns once it has begun.
func (d *daemon) begin(t *testing.T) *http.Response {
	t.Helper()
	r, err := http.NewRequest("GET", d.urls[0], nil)
	must(t, err)
	r.Header.Set("Accept", "text/event-stream, */*")
	res, err := (&http.Client{Transport: new(http.Transport)}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanf(res.Body, "0"); err != nil {
		t.Fatal(err)
	}
	return res
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestKilled kills a server that has an endless response to a request of HTTP/1.0: whoever reads it
// does not take what has come for the whole.
func TestKilled(t *testing.T) {
	s := serveScript(t, endless)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.urls[0], "http://"))
	must(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	must(t, err)
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	must(t, err)
	_, err = fmt.Fscanf(res.Body, "0")
	must(t, err)
	must(t, s.cmd.Process.Kill())
	if _, err := io.ReadAll(res.Body); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the response ends with %v", err)
	}
}
