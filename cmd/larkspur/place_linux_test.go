package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/service"
)

// A manager is what systemd is to a service: it opens its sockets, and hears how it does.
type manager struct {
	t      *testing.T
	conn   *net.UnixConn
	socket string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{t: t, socket: filepath.Join(t.TempDir(), "notify")}
	var err error
	m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { m.conn.Close() })
	return m
}

// hears waits until the service has told a state that begins so, and returns it.
func (m *manager) hears(prefix string) string {
	m.t.Helper()
	must(m.t, m.conn.SetReadDeadline(time.Now().Add(patience)))
	for buf := make([]byte, 4096); ; {
		n, err := m.conn.Read(buf)
		if err != nil {
			m.t.Fatalf("no %s: %v", prefix, err)
		}
		if state := string(buf[:n]); strings.HasPrefix(state, prefix) {
			return state
		}
	}
}

// TestSystemd has a server that systemd has started: it takes the socket that was opened for it, with and
// without a word of its address, tells when it is ready, that it lives, reloads, is another process by now,
// and stops; and its successor speaks to the same one.
func TestSystemd(t *testing.T) {
	m := newManager(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	socket, err := l.(*net.TCPListener).File()
	must(t, err)
	url := "http://" + l.Addr().String()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "app.star"), []byte(versioned(1)), 0o644))
	log, err := os.Create(filepath.Join(dir, "log"))
	must(t, err)
	defer log.Close()
	// As systemd does it, the id is that of the process which then is the server.
	c := exec.Command("sh", "-c", `LISTEN_PID=$$ WATCHDOG_PID=$$ exec larkspur "$@"`, "sh",
		"serve", "--pid-file", "pid", "--listen", url, "app.star")
	c.Dir, c.Stderr, c.ExtraFiles = dir, log, []*os.File{socket}
	c.Env = append(os.Environ(), "LISTEN_FDS=1", "NOTIFY_SOCKET="+m.socket, "WATCHDOG_USEC=200000")
	must(t, c.Start())
	socket.Close()
	l.Close() // it is the server's alone now
	t.Cleanup(func() { _ = c.Process.Kill() })
	m.hears(service.Ready)
	m.hears(service.Alive)
	get(t, url)

	must(t, c.Process.Signal(syscall.SIGHUP))
	if got := m.hears("RELOADING=1"); !strings.Contains(got, "\nMONOTONIC_USEC=") {
		t.Errorf("it reloads with %q", got)
	}
	m.hears(service.Ready)

	must(t, c.Process.Signal(restartSignal))
	main, err := strconv.Atoi(strings.TrimPrefix(m.hears("MAINPID="), "MAINPID="))
	must(t, err)
	must(t, c.Wait())
	get(t, url)
	m.hears(service.Alive)
	p, err := os.FindProcess(main)
	must(t, err)
	must(t, p.Signal(os.Interrupt))
	m.hears(service.Stopping)
}

func get(t *testing.T, url string) {
	t.Helper()
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(url)
	must(t, err)
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); string(body) != "version 1" {
		t.Errorf("%s answers %q, %v", url, body, err)
	}
}

// TestSocketUnused refuses to serve where systemd has opened another socket than the one to listen on.
func TestSocketUnused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	must(t, err)
	defer socket.Close()
	c := exec.Command("sh", "-c", `LISTEN_PID=$$ exec larkspur serve --listen http://127.0.0.1:0 httpbin`)
	c.Env, c.ExtraFiles = append(os.Environ(), "LISTEN_FDS=1"), []*os.File{socket}
	out, err := c.CombinedOutput()
	want := "systemd has opened " + l.Addr().String() + ", and no --listen names that"
	if ended(err, "1") != nil || !strings.Contains(string(out), want) {
		t.Errorf("it ends with %v: %s", err, out)
	}
}

// TestUser has root give its rights up once the sockets are open: all threads of the server run as the user,
// with its groups only, the PID file is the user's, its own files have the mode that umask says, and it reads
// nothing from the standard input.
func TestUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir := t.TempDir()
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "app.star"), []byte(versioned(1)), 0o644))
	c := exec.Command("larkspur", "serve", "--user", "nobody:65534", "--chdir", dir, "--umask", "077",
		"--pid-file", "pid", "--listen", "http://127.0.0.1:0", "app.star")
	d, err := startDaemon(c, 1)
	must(t, err)
	t.Cleanup(func() { _ = c.Process.Kill() })
	get(t, d.urls[0])
	proc := filepath.Join("/proc", strconv.Itoa(c.Process.Pid))
	tasks, err := filepath.Glob(filepath.Join(proc, "task/*/status"))
	must(t, err)
	if len(tasks) < 2 {
		t.Errorf("the tasks are %q", tasks)
	}
	for _, task := range tasks {
		status, err := os.ReadFile(task)
		must(t, err)
		for _, want := range []string{"Uid:\t65534\t65534\t65534\t65534\n", "Gid:\t65534\t65534\t65534\t65534\n",
			"Groups:\t65534 \n", "CapEff:\t0000000000000000\n", "Umask:\t0077\n"} {
			if !strings.Contains(string(status), want) {
				t.Errorf("%s lacks %q:\n%s", task, want, status)
			}
		}
	}
	if in, err := os.Readlink(filepath.Join(proc, "fd/0")); in != os.DevNull {
		t.Errorf("the standard input is %s, %v", in, err)
	}
	if pid, err := service.ReadPID(filepath.Join(dir, "pid")); pid != c.Process.Pid {
		t.Errorf("the PID file says %d, %v", pid, err)
	}
	must(t, d.signal("TERM"))
	must(t, d.end("0"))
	if text, err := os.ReadFile(filepath.Join(dir, "pid")); len(text) > 0 {
		t.Errorf("the PID file still says %q, %v", text, err)
	}
}
