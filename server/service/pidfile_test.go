//go:build unix

package service_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/larkspur-web/larkspur/server/service"
)

// TestServing verifies that a file names who serves as long as a process holds it: that of one which was
// killed may name any other one.
func TestServing(t *testing.T) {
	if name := os.Getenv("LARKSPUR_TEST_PID_FILE"); name != "" {
		p, err := service.OpenPIDFile(name)
		if err == nil {
			err = p.Write()
		}
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString(".")
		select {}
	}
	name := filepath.Join(t.TempDir(), "pid")
	c := exec.Command(os.Args[0], "-test.run=^TestServing$")
	c.Env = append(os.Environ(), "LARKSPUR_TEST_PID_FILE="+name)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, _ = out.Read(make([]byte, 1)) // it serves
	pid, err := service.Serving(name)
	if err != nil || pid != c.Process.Pid {
		t.Errorf("while it serves: %d, %v", pid, err)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	if _, err := service.ReadPID(name); err != nil {
		t.Errorf("the file is left: %v", err)
	}
	if pid, err := service.Serving(name); err == nil {
		t.Errorf("process %d was killed, and is said to serve", pid)
	}
}
