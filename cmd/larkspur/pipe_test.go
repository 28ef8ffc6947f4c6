package main

import (
	"bufio"
	"bytes"
	"fmt"
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

// TestReaderStops has the reader of a log stop, and start again: every request is answered meanwhile,
// and the log says that it has a gap.
func TestReaderStops(t *testing.T) {
	dir := t.TempDir()
	source := strings.Replace(chatty, `"called"`, `"x" * 100000`, 1)
	must(t, os.WriteFile(filepath.Join(dir, "app.star"), []byte(source), 0o644))
	c := exec.Command("larkspur", "serve", "--listen", "http://127.0.0.1:0", "app.star")
	c.Dir = dir
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	c.Stderr = w
	must(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill() }) // it has ended if the test went well
	w.Close()
	url := listensOn(t, r)
	for i := range 30 { // of which a pipe and what may wait hold some 20
		if got := body(t, url); got != "hello" {
			t.Fatalf("request %d: %q", i, got)
		}
	}
	must(t, c.Process.Signal(syscall.SIGTERM))
	log, err := io.ReadAll(r)
	must(t, err)
	if err := c.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if !regexp.MustCompile(`\d+ lines of the log were lost here`).Match(log) {
		t.Error("the log does not say that it has a gap")
	}
}

// TestJournal has nobody read a journal for a while: what is lost is in the middle, and counted.
func TestJournal(t *testing.T) {
	r, w := io.Pipe()
	j := newJournal(w)
	line := []byte(strings.Repeat("x", 99) + "\n")
	const written = 2 * journalSize / 100
	for range written {
		_, _ = j.Write(line)
	}
	read := make(chan string)
	go func() {
		all, _ := io.ReadAll(r)
		read <- string(all)
	}()
	j.close()
	w.Close()
	got := <-read
	kept, last, _ := strings.Cut(got, "larkspur: ")
	n := strings.Count(kept, "\n")
	if n < journalSize/100-1 || n > written/2+1 {
		t.Errorf("%d lines of %d were kept", n, written)
	}
	if want := fmt.Sprintf("%d lines of the log were lost here: nobody read it\n", written-n); last != want {
		t.Errorf("after them it says %q, want %q", last, want)
	}
	j = newJournal(w) // which fails now
	_, _ = j.Write(line)
	j.close()
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
