package worker_test

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
	"github.com/larkspur-web/larkspur/server/worker"
)

// plain answers with the number of its process.
const plain = `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/gate" or path == "/begun":
        if path == "/begun":
            start_response("200 OK", [("Content-Type", "text/plain")])("begun\n")
        note("calls")
        gate(environ["QUERY_STRING"])
        if path == "/begun":
            return ["ended\n"]
    elif path == "/die":
        note("calls")
        die(environ["QUERY_STRING"])
    elif path == "/read":
        environ["wsgi.input"].read(1)
        note("calls")
        gate(environ["QUERY_STRING"])
    elif path == "/hang":
        note("calls")
        hang(environ["QUERY_STRING"])
    elif path == "/take":
        take(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["%d" % pid()]
`

// pids asks until as many processes have answered, and returns them.
func (h *house) pids(n int) []int {
	h.t.Helper()
	seen := map[int]bool{}
	// A worker is chosen that has the least to do, so that all of them answer while requests wait.
	await(h.t, fmt.Sprint(n, " processes"), func() bool {
		var mu sync.Mutex
		var asked sync.WaitGroup
		for range 2 * n {
			asked.Go(func() {
				pid, _ := strconv.Atoi(ask(client(h.t, 2), "GET", h.url+"/", nil).text)
				mu.Lock()
				defer mu.Unlock()
				if pid > 0 {
					seen[pid] = true
				}
			})
		}
		asked.Wait()
		return len(seen) >= n
	})
	var all []int
	for pid := range seen {
		all = append(all, pid)
	}
	return all
}

// TestAnswers has answers that come from as many processes as there are workers, none of which is this.
func TestAnswers(t *testing.T) {
	h := build(t, plain, func(h *house, _ *server.Front) { h.pool.Workers = 3 })
	pids := h.pids(3)
	if len(pids) != 3 {
		t.Errorf("%d processes have answered, want 3", len(pids))
	}
	for _, pid := range pids {
		if pid == os.Getpid() {
			t.Error("this process has answered")
		}
	}
}

// TestLost has what becomes of a request whose worker is killed, by what of it had gone by then.
func TestLost(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		status                   int // 0: the response breaks off after "begun"
		calls                    int // of the application
	}{
		{"a GET is made again", "GET", "/gate", "", 200, 2},
		{"a PUT that has sent nothing is made again", "PUT", "/gate", "", 200, 2},
		{"a POST is not", "POST", "/gate", "", 502, 1},
		{"a PUT that was read is not", "PUT", "/read", "some", 502, 1},
		{"a response that has begun breaks off", "GET", "/begun", "", 0, 1},
	} {
		for version := 1; version <= 2; version++ {
			t.Run(fmt.Sprintf("%s/%d", c.name, version), func(t *testing.T) {
				t.Parallel()
				h := build(t, plain, nil)
				done := make(chan reply)
				go func() {
					var body io.Reader
					if c.body != "" {
						body = strings.NewReader(c.body)
					}
					done <- ask(client(t, version), c.method, h.url+c.path+"?go", body)
				}()
				h.came("go", 1)
				for _, w := range h.pool.Busy() {
					_ = syscall.Kill(w, syscall.SIGKILL)
				}
				if c.calls > 1 {
					h.came("go", 2)
				}
				h.open("go")
				a := <-done
				switch {
				case c.status == 0 && (a.err == nil || a.text != "begun\n"):
					t.Errorf("got %d %q %v, want a response that breaks off", a.status, a.text, a.err)
				case c.status != 0 && (a.err != nil || a.status != c.status):
					t.Errorf("got %d %q %v, want %d", a.status, a.text, a.err, c.status)
				}
				if n := h.notes("calls"); n != c.calls {
					t.Errorf("the application was called %d times, want %d", n, c.calls)
				}
				if c.status == 502 {
					h.log.await(t, "LARK0601", c.method, "status=502")
				}
				h.log.await(t, "a worker has ended", "signal: killed", "lost=1", c.method+" "+c.path)
				if text := h.get("/"); text == "" {
					t.Error("nothing answers any more")
				}
			})
		}
	}
}

// TestKillUnderLoad kills each worker in turn while many ask: what fails is what it had in its hands
// that cannot be made again, and each of those is seen to have failed.
func TestKillUnderLoad(t *testing.T) {
	h := build(t, plain, func(h *house, _ *server.Front) { h.pool.Workers = 3 })
	var stop atomic.Bool
	var clients sync.WaitGroup
	var gets [6]atomic.Int64
	var posts, lost atomic.Int64
	for i := range 6 {
		clients.Go(func() {
			c := client(t, 1+i%2)
			for ; !stop.Load(); time.Sleep(2 * time.Millisecond) {
				method := [...]string{"GET", "GET", "POST"}[i/2]
				a := ask(c, method, h.url+"/", nil)
				switch {
				case method == "GET" && (a.err != nil || a.status != 200):
					t.Errorf("a GET got %d %q %v", a.status, a.text, a.err)
				case method == "GET":
					gets[i].Add(1)
				case a.err == nil && a.status == 200 && a.text != "":
					posts.Add(1)
				case a.err == nil && a.status == 502:
					lost.Add(1)
				default:
					t.Errorf("a POST got %d %q %v", a.status, a.text, a.err)
				}
			}
		})
	}
	dead := map[int]bool{}
	for range fewer(9) {
		for i := range 4 { // what was lost once has been made again, and is not lost with the next
			before := gets[i].Load()
			await(t, "answers", func() bool { return gets[i].Load() > before+2 })
		}
		await(t, "three workers", func() bool { return len(h.pool.Pids()) == 3 })
		for _, pid := range h.pool.Pids() {
			if !dead[pid] {
				dead[pid] = true
				_ = syscall.Kill(pid, syscall.SIGKILL)
				break
			}
		}
	}
	stop.Store(true)
	clients.Wait()
	t.Logf("%d workers killed: %d GETs and %d POSTs answered, %d POSTs lost",
		len(dead), gets[0].Load()+gets[1].Load()+gets[2].Load()+gets[3].Load(), posts.Load(), lost.Load())
	if lost.Load() > int64(2*len(dead)) {
		t.Errorf("%d POSTs are lost with %d workers: more than they had in their hands", lost.Load(), len(dead))
	}
}

// TestDeaths has what the log says of each way to die.
func TestDeaths(t *testing.T) {
	for _, c := range []struct {
		how   string
		cause worker.Cause
		says  []string
	}{
		{"kill", worker.Killed, []string{`cause=signal: killed`}},
		{"exit", worker.Exited, []string{`cause=exit status 7`}},
		{"panic", worker.Crashed, []string{`cause=exit status 2: panic: the application of a test panics`, "main_test.go"}},
		{"overflow", worker.Crashed, []string{`cause=exit status 2: runtime: goroutine stack exceeds 1048576-byte limit`,
			"fatal error: stack overflow"}},
		{"memory", worker.Memory, []string{`cause=exit status 2: fatal error: `, "out of memory"}},
		{"swell", worker.Memory, []string{"cause=", "killed", "MiB"}},
		{"spin", worker.CPU, []string{`cause=limit of CPU time: exit status 152`}},
	} {
		t.Run(c.how, func(t *testing.T) {
			if raced && (c.cause == worker.Memory || c.cause == worker.CPU) {
				t.Skip("the race detector takes too much of it")
			}
			t.Parallel()
			h := build(t, plain, func(h *house, _ *server.Front) {
				switch c.how {
				case "memory":
					h.Memory = 1 << 30
				case "swell":
					h.pool.Memory = 100 << 20
				case "spin":
					h.CPU = time.Second
				}
			})
			a := ask(client(t, 2), "POST", h.url+"/die?"+c.how, nil)
			if a.err != nil || a.status != 502 {
				t.Errorf("got %d %q %v, want 502", a.status, a.text, a.err)
			}
			h.log.await(t, append(c.says, "ERROR a worker has ended", "app=test", "worker=", "lost=1", "doing=[POST /die]")...)
			h.log.await(t, "LARK0601: the worker did not answer: it has died: ", c.says[0][len("cause="):], "status=502", "path=/die")
			h.pids(2) // another one has taken its place
			s := h.pool.Stats()
			if len(s.Deaths) != 1 || s.Deaths[c.cause] != 1 || s.Started != 3 || s.Recycled != 0 || len(s.Workers) != 2 {
				t.Errorf("the statistics are %+v, want one death by %q", s, c.cause)
			}
			for _, w := range s.Workers {
				if w.Busy != 0 || w.Served == 0 || w.Resident <= 0 || !alive(w.PID) {
					t.Errorf("of a worker they are %+v", w)
				}
			}
		})
	}
}

// TestDiesAtOnce has a worker that dies when it is started again: that goes on with pauses, and who
// asks meanwhile is told to come again.
func TestDiesAtOnce(t *testing.T) {
	h := build(t, plain, func(h *house, _ *server.Front) { h.pool.Workers, h.pool.Wait = 1, time.Second/2 })
	h.app(t, "die('exit')\n"+plain)
	began := time.Now()
	_ = syscall.Kill(h.pids(1)[0], syscall.SIGKILL)
	h.log.await(t, "a worker has ended", "signal: killed")
	for version := 1; version <= 2; version++ {
		a := ask(client(t, version), "POST", h.url+"/", nil)
		if a.err != nil || a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("HTTP/%d: got %d %v %q %v, want 503 with Retry-After", version, a.status, a.header, a.text, a.err)
		}
	}
	h.log.await(t, "LARK0602", "status=503")
	line := h.log.await(t, "ERROR a worker cannot be started again", "exit status 7", "again in=400ms")
	if n := strings.Count(h.log.String(), "cannot be started again"); time.Since(began) < 300*time.Millisecond || n > 10 {
		t.Errorf("it was started %d times in %v: %s", n, time.Since(began), line)
	}
	h.app(t, plain)
	await(t, "an answer", func() bool { return ask(client(t, 2), "GET", h.url+"/", nil).status == 200 })
}

// TestHangs has a call that hangs in a builtin, which no limit in the process can end: its worker is
// killed, and nobody else sees anything of it. The log and the page of a developer say at which line.
func TestHangs(t *testing.T) {
	h := build(t, plain, func(h *house, f *server.Front) {
		h.Limits.Time, f.ErrorPage = time.Second, dev.New("").ErrorPage
	})
	done := make(chan reply)
	go func() { done <- ask(client(t, 2), "GET", h.url+"/hang?go", nil) }()
	h.came("go", 1)
	var stop atomic.Bool
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for c := client(t, 2); !stop.Load(); {
				if a := ask(c, "GET", h.url+"/", nil); a.err != nil || a.status != 200 {
					t.Errorf("another got %d %q %v", a.status, a.text, a.err)
				}
			}
		})
	}
	a := <-done
	if a.err != nil || a.status != 504 {
		t.Errorf("got %d %q %v", a.status, a.text, a.err)
	}
	for _, part := range []string{"LARK0601", "a call cannot be stopped", "app.star:21:13"} {
		if !strings.Contains(a.text, part) {
			t.Errorf("the page does not say %q:\n%s", part, a.text)
		}
	}
	if n := h.notes("calls"); n != 1 {
		t.Errorf("it was called %d times: one that hangs would take one worker after the other", n)
	}
	h.log.await(t, "ERROR a call cannot be stopped", "call=GET /hang", "place=app.star:21:13")
	h.log.await(t, "a worker has ended", "killed: a call cannot be stopped, at app.star:21:13", "doing=[GET /hang]")
	h.log.await(t, "LARK0601", "a call cannot be stopped", "status=504", "place=app.star:21:13")
	stop.Store(true)
	clients.Wait()
	h.pids(2)
}

// TestSpread asks one after the other: all workers answer in turns, though none is busy.
func TestSpread(t *testing.T) {
	h := build(t, plain, func(h *house, _ *server.Front) { h.pool.Workers = 3 })
	seen := map[string]int{}
	for range 9 {
		seen[h.get("/")]++
	}
	if len(seen) != 3 || slices.Max(slices.Collect(maps.Values(seen))) != 3 {
		t.Errorf("nine requests are answered by %v", seen)
	}
}

// TestSlowIsNoSilence has one call take long in a worker that answers others: it is left alone.
func TestSlowIsNoSilence(t *testing.T) {
	h := build(t, plain, func(h *house, _ *server.Front) { h.pool.Workers, h.pool.Timeout = 1, time.Second })
	done := make(chan reply)
	go func() { done <- ask(client(t, 2), "GET", h.url+"/gate?go", nil) }()
	h.came("go", 1)
	c, began := client(t, 2), time.Now()
	await(t, "four seconds", func() bool {
		if a := ask(c, "GET", h.url+"/", nil); a.status != 200 {
			t.Fatalf("got %d %q %v", a.status, a.text, a.err)
		}
		return time.Since(began) > 4*time.Second
	})
	h.open("go")
	if a := <-done; a.err != nil || a.status != 200 {
		t.Errorf("the slow one got %d %q %v", a.status, a.text, a.err)
	}
}

// TestRecycling has workers that others take the place of, while many ask.
func TestRecycling(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*house)
		says   string
	}{
		{"requests", func(h *house) { h.pool.MaxRequests = 20 }, "it has answered 20 requests"},
		{"age", func(h *house) { h.pool.MaxAge = time.Second }, "s old"},
		{"size", func(h *house) { h.pool.MaxResident = 100 << 20 }, "MiB resident"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := build(t, plain, func(h *house, _ *server.Front) { c.change(h) })
			before := h.pids(2)
			var stop atomic.Bool
			var clients sync.WaitGroup
			for i := range 4 {
				clients.Go(func() {
					for cl := client(t, 1+i%2); !stop.Load(); {
						if a := ask(cl, [...]string{"GET", "POST"}[i/2], h.url+"/", nil); a.err != nil || a.status != 200 {
							t.Errorf("got %d %q %v", a.status, a.text, a.err)
						}
						time.Sleep(2 * time.Millisecond)
					}
				})
			}
			if c.name == "size" {
				h.get("/take?120")
			}
			h.log.await(t, "INFO a worker is replaced", c.says)
			await(t, "the old one ends", func() bool { return !alive(before[0]) || !alive(before[1]) })
			h.pids(2)
			stop.Store(true)
			clients.Wait()
			if strings.Contains(h.log.String(), "a worker has ended") {
				t.Error("that it ends was a fault")
			}
		})
	}
}

// alive reports whether there is a process that is not a zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// TestUnreadBody has a worker hang that has got a request and does not read its body, of which there is
// more than it takes unread: its pool does not wait for it for ever, as it does for a slow client.
func TestUnreadBody(t *testing.T) {
	h := build(t, plain, func(h *house, _ *server.Front) { h.pool.Workers, h.pool.Timeout = 1, time.Second })
	slow, write := io.Pipe()
	done := make(chan reply)
	go func() { done <- ask(client(t, 2), "POST", h.url+"/read?go", slow) }()
	began := time.Now()
	await(t, "three seconds", func() bool { return time.Since(began) > 3*time.Second })
	h.open("go")
	write.Close()
	if a := <-done; a.err != nil || a.status != 200 {
		t.Errorf("a slow client got %d %q %v", a.status, a.text, a.err)
	}
	a := ask(client(t, 2), "POST", h.url+"/hang?never", strings.NewReader(strings.Repeat("x", 4<<20)))
	const said = "it has answered nothing for 1s"
	if a.err != nil || a.status != 504 || !strings.Contains(h.log.String(), said) {
		t.Errorf("got %d %q %v, and the log\n%s", a.status, a.text, a.err, h.log)
	}
}
