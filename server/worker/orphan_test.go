package worker_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/worker"
)

// beFront is the process of a front, which says where it is, and which its workers are.
func beFront(dir string) {
	config, _ := json.Marshal(settings{Dir: dir})
	quiet := slog.New(slog.DiscardHandler)
	pool := &worker.Pool{Workers: 3, Config: config, Logger: quiet}
	if err := pool.Start(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	l, err := server.Listen("http://127.0.0.1:0", nil)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(l.URL, strings.Trim(fmt.Sprint(pool.Pids()), "[]"))
	_ = newServer(&server.Front{Handler: pool, Logger: quiet}).Serve(l)
}

// TestOrphans kills a front: its workers end, those too that are busy, or hang.
func TestOrphans(t *testing.T) {
	s := &settings{Dir: t.TempDir()}
	s.app(t, plain)
	front := exec.Command(os.Args[0])
	front.Env = append(os.Environ(), "LARKSPUR_TEST_FRONT="+s.Dir)
	front.Stderr = os.Stderr
	out, err := front.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := front.Start(); err != nil {
		t.Fatal(err)
	}
	defer front.Wait()
	defer front.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) != 4 {
		t.Fatalf("the front says %q, %v", line, err)
	}
	h := &house{settings: s, t: t, url: fields[0]}
	for _, path := range []string{"/hang?a", "/gate?b"} {
		go ask(client(t, 2), "POST", h.url+path, nil)
	}
	h.came("a", 1)
	h.came("b", 1)
	if err := front.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, field := range fields[1:] {
		pid, _ := strconv.Atoi(field)
		await(t, "the end of worker "+field, func() bool { return !alive(pid) || !ours(pid) })
	}
}

// ours reports whether a process is one of this program: numbers are used again.
func ours(pid int) bool {
	p, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return bytes.Contains(p, []byte("worker"))
}

// TestStart has the time from the start of a worker to its first answer, and its size at rest.
func TestStart(t *testing.T) {
	h := build(t, plain, func(h *house, _ *server.Front) { h.pool.Workers = 1 })
	best := patience
	var size int64
	for range 5 {
		old := h.pool.Pids()
		began := time.Now()
		if err := h.pool.Reload(context.Background()); err != nil {
			t.Fatal(err)
		}
		h.get("/")
		best = min(best, time.Since(began))
		if now := h.pool.Pids(); fmt.Sprint(now) == fmt.Sprint(old) {
			t.Fatal("it is the same process")
		}
		size = h.pool.Resident()
	}
	t.Logf("start to first answer: %v; at rest %.1f MiB", best, float64(size)/(1<<20))
	if size > 25e6 && !raced {
		t.Errorf("a worker at rest has %d bytes", size)
	}
}
