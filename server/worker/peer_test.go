package worker_test

import (
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
)

// peer is a program that is installed: without it the test is skipped, or fails where peers are required.
func peer(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("LARKSPUR_REQUIRE_PEERS") == "1" {
		t.Fatalf("%s is not installed, and LARKSPUR_REQUIRE_PEERS=1", name)
	}
	if err != nil {
		t.Skipf("NOT TESTED WITH %s: it is not installed", name)
	}
	return path
}

// promising has a page that hints at a resource, pushes one, and links to one.
const promising = `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path != "/page":
        start_response("200 OK", [("Content-Type", "text/css")])
        return ["resource " + path]
    if "wsgi.early_hints" in environ:
        environ["wsgi.early_hints"]([("Link", "</early.css>; rel=preload; as=style")])
    if "http2.push" in environ:
        environ["http2.push"]("/pushed.css", headers = [("Accept-Language", "de")])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Link", "</late.css>; rel=preload; as=style")])
    return ["the page"]
`

// TestPushPeers has nghttp and Node ask for a page in this process and in workers: they see the same.
func TestPushPeers(t *testing.T) {
	policy := func() *push.Policy { return &push.Policy{VerifyTimeout: patience} }
	worked := build(t, promising, func(_ *house, f *server.Front) { f.Push = policy() })
	app, err := runtime.Load(&runtime.Config{FS: fstest.MapFS{"app.star": {Data: []byte(promising)}}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	own := &house{t: t}
	own.serve(&server.Front{Handler: &server.Gateway{App: app}, Push: policy(), Logger: slog.New(slog.DiscardHandler)})
	promised := regexp.MustCompile(`recv \(stream_id=\d+\) (:path: \S+|accept-language: \S+)`)
	for _, c := range []struct {
		name  string
		what  func(text string) []string
		args  []string
		lines int
	}{
		{"nghttp", func(text string) (all []string) {
			for _, m := range promised.FindAllStringSubmatch(text, -1) {
				all = append(all, m[1])
			}
			return append(all, regexp.MustCompile(`resource \S+\.css|the page`).FindAllString(text, -1)...)
		}, []string{"-v", "--no-dep"}, 8},
		{"node", func(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") },
			[]string{"../testdata/push_client.js"}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen [2][]string
			for i, h := range []*house{own, worked} {
				to := h.url
				if c.name == "nghttp" {
					to += "/page"
				}
				text, err := exec.Command(peer(t, c.name), append(c.args, to)...).CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				seen[i] = c.what(string(text))
				slices.Sort(seen[i])
			}
			if !slices.Equal(seen[0], seen[1]) || len(seen[0]) != c.lines {
				t.Errorf("in this process it sees\n%q\nand in a worker\n%q", seen[0], seen[1])
			}
		})
	}
}

// sleepy takes a moment, in which its worker has the request in its hands.
const sleepy = `
load("@time", "time")

def app(environ, start_response):
    time.sleep(0.03)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["hello"]
`

// TestKillUnderH2load kills workers, one after the other, while h2load asks: no request of it fails.
func TestKillUnderH2load(t *testing.T) {
	racetest.Skip(t)
	args := []string{"-c", "4", "-m", "10", "-n", "600", "--rps", "50"} // of each connection, in a second
	if os.Getenv("LARKSPUR_LONG") == "1" {
		args = []string{"-c", "10", "-m", "20", "-D", "10"}
	}
	h2load := peer(t, "h2load")
	h := build(t, sleepy, func(h *house, _ *server.Front) { h.pool.Workers = 3 })
	loading := make(chan struct{})
	var said []byte
	go func() {
		defer close(loading)
		said, _ = exec.Command(h2load, append(args, h.url+"/")...).CombinedOutput() // it says what fails
	}()
	dead := make(map[int]bool)
	over := func() bool {
		select {
		case <-loading:
			return true
		default:
			return false
		}
	}
	for !over() {
		if pids := h.pool.Pids(); len(pids) == 3 {
			if i := slices.IndexFunc(pids, func(pid int) bool { return !dead[pid] }); i >= 0 {
				dead[pids[i]] = true
				_ = syscall.Kill(pids[i], syscall.SIGKILL)
			}
		}
		time.Sleep(2 * time.Second) // a request that was lost once is not lost with the next
	}
	if len(dead) == 0 || !regexp.MustCompile(`[1-9]\d* succeeded, 0 failed, 0 errored, 0 timeout\n`).Match(said) ||
		!regexp.MustCompile(`: \d+ 2xx, 0 3xx, 0 4xx, 0 5xx\n`).Match(said) {
		t.Errorf("%d workers were killed, and h2load says\n%s", len(dead), said)
	}
	if !strings.Contains(h.log.String(), "lost=") {
		t.Error("none had a request in its hands")
	}
	t.Logf("%d workers killed: %s", len(dead), regexp.MustCompile(`requests: .*`).Find(said))
}
