package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestREPLInterrupt ends a loop without an end with a signal; the statement after it runs.
func TestREPLInterrupt(t *testing.T) {
	c := exec.Command("larkspur", "repl")
	c.Dir = t.TempDir()
	in, err := c.StdinPipe()
	must(t, err)
	out, err := c.StdoutPipe()
	must(t, err)
	failures, err := c.StderrPipe()
	must(t, err)
	must(t, c.Start())
	kill := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
	defer kill.Stop()

	_, err = io.WriteString(in, "for i in [1]:\n    print(\"looping\")\n    while True:\n        pass\n\n")
	must(t, err)
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "looping\n" {
		t.Fatalf("it printed %q, %v before it was interrupted", line, err)
	}
	must(t, c.Process.Signal(os.Interrupt))
	_, err = io.WriteString(in, "1 + 1\n")
	must(t, err)
	must(t, in.Close())
	if line, err := lines.ReadString('\n'); line != "2\n" {
		t.Errorf("it printed %q, %v after it was interrupted", line, err)
	}
	said, err := io.ReadAll(failures)
	must(t, err)
	if string(said) != "interrupted\n" {
		t.Errorf("it said %q, want interrupted", said)
	}
	must(t, ended(c.Wait(), "1"))
}
