package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestApps tests what is below a PATH, by one test of the applications that come with Larkspur: TestClone
// runs them all.
func TestApps(t *testing.T) {
	var out, errs bytes.Buffer
	args := []string{"test", "--run", "^test_mounted_without_a_slash$", "../../apps"}
	if status := run(t.Context(), args, &out, &errs); status != exitOK {
		t.Errorf("status %d\n%s%s", status, &out, &errs)
	}
	for _, want := range []string{"tour_test.star", "ok 1 passed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
}

// TestClone runs what the README says, typed where it was cloned: each application in it is tested
// as its own.
func TestClone(t *testing.T) {
	t.Chdir("../..")
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"test"}, &out, &errs); status != exitOK {
		t.Errorf("status %d\n%s%s", status, &out, &errs)
	}
	for _, file := range []string{"apps/tour_test.star", "cmd/larkspur/starter/page/app_test.star"} {
		if !strings.Contains(out.String(), filepath.FromSlash(file)+"\n") {
			t.Errorf("%s did not run:\n%s", file, &out)
		}
	}
}

// TestWatch verifies that a change runs the tests again, and that a file which does not load ends nothing.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	save := func(body string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "x_test.star"), []byte("def test_x():\n    "+body+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	save("pass")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	status := make(chan int, 1)
	go func() { status <- run(ctx, []string{"test", "-watch", dir}, w, io.Discard) }()
	lines := make(chan string, 1000)
	go func() {
		var pending []byte
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			pending = append(pending, buf[:n]...)
			for {
				line, rest, ok := bytes.Cut(pending, []byte("\n"))
				if !ok {
					break
				}
				lines <- string(line)
				pending = bytes.Clone(rest)
			}
			if err != nil {
				return
			}
		}
	}()
	expect := func(want string) {
		t.Helper()
		late := time.After(patience)
		for {
			select {
			case line := <-lines:
				if strings.Contains(line, want) {
					return
				}
			case <-late:
				t.Fatalf("no line has %q", want)
			}
		}
	}
	expect("ok 1 passed")
	expect("waiting for a change")
	save("fail('no')")
	expect("FAIL 0 passed, 1 failed")
	expect("waiting")
	save("= 1")
	expect("it does not load")
	expect("waiting")
	save("return")
	expect("ok 1 passed")
	expect("waiting")
	stop()
	if got := <-status; got != exitOK {
		t.Errorf("status %d", got)
	}
	w.Close()
}
