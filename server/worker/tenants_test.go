package worker_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime"
	libhost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
	"github.com/larkspur-web/larkspur/runtime/testdata/bombtest"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/worker"
	"github.com/larkspur-web/larkspur/server/worker/sandbox"
)

// Tenants are applications that nobody has read, at /process/N and /worker/N of a front that is a
// process of its own, and which has another application at /.
type tenants struct {
	Dir              string
	Process, Workers int
}

const tenantsKey = "LARKSPUR_TEST_TENANTS"

// intrusions are what code of Go tries in a worker: it must fail.
var intrusions = map[string]func() error{
	"kill the front":  func() error { return syscall.Kill(os.Getppid(), syscall.SIGKILL) },
	"trace the front": func() error { return trace(os.Getppid()) },
	"read the environment of the front": func() error {
		_, err := os.ReadFile("/proc/" + strconv.Itoa(os.Getppid()) + "/environ")
		return err
	},
	"open the memory of the front": func() error {
		_, err := os.OpenFile("/proc/"+strconv.Itoa(os.Getppid())+"/mem", os.O_RDWR, 0)
		return err
	},
	"read a file":  func() error { _, err := os.ReadFile("/etc/passwd"); return err },
	"write a file": func() error { return os.WriteFile("/tmp/larkspur-intruder", nil, 0o666) },
	"connect": func() error {
		if _, err := net.Dial("tcp", "127.0.0.1:80"); !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		return nil // it was tried
	},
	"listen":        func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
	"run a program": func() error { return exec.Command("/bin/true").Run() },
}

func trace(pid int) error {
	const seize = 0x4206
	if _, _, errno := syscall.Syscall6(syscall.SYS_PTRACE, seize, uintptr(pid), 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// intruder is a script that tries all of them, and answers with those that did not fail.
const intruder = `load("@test", "intrude")

def app(environ, start_response):
    start_response("200 OK", [])
    return [intrude()]
`

// intrude tries all intrusions.
func intrude() string {
	var done []string
	for name, try := range intrusions {
		if try() == nil {
			done = append(done, name)
		}
	}
	return strings.Join(done, ", ")
}

// tenant is the script of tenant i of n: bombs of all kinds, and in workers an intruder.
func tenant(i, n int) string {
	all := slices.DeleteFunc(bombtest.All(), func(b bombtest.Bomb) bool { return b.Bare() })
	return all[i*max(len(all)/n, 1)%len(all)].Source()
}

// beTenants is the process of the front.
func beTenants(text string) {
	var h tenants
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		panic(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	load := func(source string, limits runtime.Limits) *runtime.Program {
		p, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(source)}},
			Limits: limits, Modules: []*libhost.Module{re.Module()}, Logger: quiet}, "app.star")
		if err != nil {
			panic(err)
		}
		return p
	}
	front := &server.Front{Logger: quiet, Handler: &server.Gateway{App: load(hello, runtime.Limits{}), Logger: quiet}}
	for i := range h.Process {
		front.Mounts = append(front.Mounts, server.Mount{Path: fmt.Sprint("/process/", i),
			Handler: &server.Gateway{App: load(tenant(i, h.Process), bombtest.Limits), Logger: quiet}})
	}
	var starting sync.WaitGroup
	for i := range h.Workers {
		s := settings{Dir: filepath.Join(h.Dir, strconv.Itoa(i)), Limits: bombtest.Limits, Confined: true,
			Memory: 256 << 20}
		source := intruder
		if i > 0 && i%4 != 3 {
			source = tenant(i, h.Workers)
		}
		if err := os.Mkdir(s.Dir, 0o777); err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(s.Dir, "app.star"), []byte(source), 0o666); err != nil {
			panic(err)
		}
		config, _ := json.Marshal(s)
		pool := &worker.Pool{Workers: 1, Config: config, Logger: quiet}
		front.Mounts = append(front.Mounts, server.Mount{Path: fmt.Sprint("/worker/", i), Handler: pool})
		starting.Go(func() {
			if err := pool.Start(context.Background()); err != nil {
				panic(err)
			}
		})
	}
	starting.Wait()
	l, err := server.Listen("http://127.0.0.1:0", nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(l.URL)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until who has started this ends
		os.Exit(0)
	}()
	_ = newServer(front).Serve(l)
}

// TestTenants has many applications attack what they run in, in the process of a front and in workers,
// while others ask another one: no request of those fails, and the slowest hundredth of them takes not
// much longer than without the attack, which is measured in turns. LARKSPUR_LONG=1 has ten times as
// many tenants, for longer.
func TestTenants(t *testing.T) {
	racetest.Skip(t)
	long := os.Getenv("LARKSPUR_LONG") == "1"
	rounds, phase, part := 2, 400*time.Millisecond, 10
	if long {
		rounds, phase, part = 4, 5*time.Second, 1
	}
	for _, c := range []struct {
		name string
		tenants
		floor time.Duration // what a busy machine may add
	}{
		{"in the process", tenants{Process: 200}, 3 * time.Second},
		{"in workers", tenants{Workers: 20}, time.Second / 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.Process, c.Workers, c.Dir = c.Process/part, c.Workers/part, t.TempDir()
			url := c.start(t)
			var alone, attacked []time.Duration
			for range rounds {
				alone = append(alone, bystand(t, url, phase))
				stop := c.attack(t, url)
				attacked = append(attacked, bystand(t, url, phase))
				stop()
			}
			t.Logf("p99 of others: %v, under attack %v", alone, attacked)
			if slices.Min(attacked) > 2*slices.Max(alone)+c.floor {
				t.Errorf("others are slow")
			}
		})
	}
}

// start starts the front, and returns its URL.
func (h tenants) start(t *testing.T) string {
	config, _ := json.Marshal(h)
	front := exec.Command(os.Args[0])
	front.Env = append(os.Environ(), tenantsKey+"="+string(config))
	front.Stderr = os.Stderr
	if _, err := front.StdinPipe(); err != nil { // which ends with this process
		t.Fatal(err)
	}
	out, err := front.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := front.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = front.Process.Kill()
		if front.Wait(); front.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("the front has ended by itself: %v", front.ProcessState)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the front says %q, %v", line, err)
	}
	return strings.TrimSpace(line)
}

// attack has each tenant asked all the time, until stop is called.
func (h tenants) attack(t *testing.T, url string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	c := client(t, 2)
	confined := sandbox.Probe(sandbox.Limits{}, sandbox.Access{}).Require() == nil
	ask := func(path string) {
		for ctx.Err() == nil {
			r, _ := http.NewRequestWithContext(ctx, "POST", url+path, nil)
			if res, err := c.Do(r); err == nil {
				text, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if res.StatusCode == http.StatusOK && len(text) > 0 && confined {
					t.Errorf("%s could %s", path, text)
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	for i := range h.Process {
		asking.Go(func() { ask(fmt.Sprintf("/process/%d/", i)) })
	}
	for i := range h.Workers {
		asking.Go(func() { ask(fmt.Sprintf("/worker/%d/", i)) })
	}
	return func() { cancel(); asking.Wait() }
}

// bystand has four clients ask for a while, and returns how long all but the slowest hundredth of
// their requests took at most.
func bystand(t *testing.T, url string, d time.Duration) time.Duration {
	var mu sync.Mutex
	var took []time.Duration
	var asking sync.WaitGroup
	end := time.Now().Add(d)
	for range 4 {
		c := client(t, 2)
		asking.Go(func() {
			var own []time.Duration
			for time.Now().Before(end) {
				began := time.Now()
				res, err := c.Get(url + "/")
				if err != nil {
					t.Errorf("a bystander got %v", err)
					return
				}
				text, _ := io.ReadAll(res.Body)
				res.Body.Close()
				own = append(own, time.Since(began))
				if res.StatusCode != http.StatusOK || string(text) != "Hello, World!" {
					t.Errorf("a bystander got %d %q", res.StatusCode, text)
				}
				time.Sleep(5 * time.Millisecond)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
		})
	}
	asking.Wait()
	slices.Sort(took)
	return took[len(took)*99/100]
}
