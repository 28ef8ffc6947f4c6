package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// chatty is an application that writes to the log whenever it is loaded or called.
const chatty = `
print("loaded")
def app(environ, start_response):
    print("called")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["hello"]
`

// TestReaderGone has nobody read the standard output and the log of a server any more: it answers
// every request that follows, loads the script again, and ends in order.
func TestReaderGone(t *testing.T) {
	for _, command := range []string{"serve", "dev", "push learn"} {
		t.Run(command, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, "app.star"), []byte(chatty), 0o644))
			args := append(strings.Fields(command), "--listen", "http://127.0.0.1:0", "app.star")
			if command == "push learn" {
				args = append(args, "--output", "map") // what it prints is not a log
			}
			c := exec.Command("larkspur", args...)
			c.Dir = dir
			r, w, err := os.Pipe()
			must(t, err)
			c.Stdout, c.Stderr = w, w
			must(t, c.Start())
			t.Cleanup(func() { _ = c.Process.Kill() }) // it has ended if the test went well
			w.Close()
			url := listensOn(t, r)
			r.Close()

			for i := range 10 {
				if got := body(t, url); got != "hello" {
					t.Fatalf("request %d: %q", i, got)
				}
			}
			must(t, c.Process.Signal(syscall.SIGTERM))
			if err := c.Wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

// listensOn reads a log to the line that names a listener, whose URL it returns.
func listensOn(t *testing.T, log io.Reader) string {
	t.Helper()
	announced := regexp.MustCompile(`^listening on (http\S+)`)
	var all bytes.Buffer
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if m := announced.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
		all.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("the server does not listen:\n%s", &all)
	return ""
}

// body is what a GET of the URL brings.
func body(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	return string(text)
}

// TestReaderGoneOfCheck has a command that is no server end as others do in a pipeline, by SIGPIPE
// and without a word.
func TestReaderGoneOfCheck(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "app.star"), []byte("app = missing\n"), 0o644))
	c := exec.Command("larkspur", "check", "app.star")
	c.Dir = dir
	r, w, err := os.Pipe()
	must(t, err)
	r.Close()
	var said bytes.Buffer
	c.Stdout, c.Stderr = w, &said
	err = c.Run()
	w.Close()
	if ended(err, "broken pipe") != nil || said.Len() > 0 {
		t.Errorf("it ended with %v, and said %q", err, &said)
	}
}
