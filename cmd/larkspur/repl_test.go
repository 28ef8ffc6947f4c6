package main

import (
	"bufio"
	"io"
	"os"
	"testing"
	"time"
)

// TestREPLInterrupt ends a loop without an end with a signal; the statement after it runs.
func TestREPLInterrupt(t *testing.T) {
	s := &session{t: t, at: "repl", dir: t.TempDir()}
	c := s.command([]string{"repl"})
	in, err := c.StdinPipe()
	s.must(err)
	out, err := c.StdoutPipe()
	s.must(err)
	failures, err := c.StderrPipe()
	s.must(err)
	s.must(c.Start())
	kill := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	defer kill.Stop()

	_, err = io.WriteString(in, "for i in [1]:\n    print(\"looping\")\n    while True:\n        pass\n\n")
	s.must(err)
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "looping\n" {
		t.Fatalf("it printed %q, %v before it was interrupted", line, err)
	}
	s.must(c.Process.Signal(os.Interrupt))
	_, err = io.WriteString(in, "1 + 1\n")
	s.must(err)
	s.must(in.Close())
	if line, err := lines.ReadString('\n'); line != "2\n" {
		t.Errorf("it printed %q, %v after it was interrupted", line, err)
	}
	said, err := io.ReadAll(failures)
	s.must(err)
	if string(said) != "interrupted\n" {
		t.Errorf("it said %q, want interrupted", said)
	}
	s.status(c.Wait(), "1")
}
