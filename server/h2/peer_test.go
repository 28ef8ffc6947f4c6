package h2_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

//go:embed testdata/peer/page.html
var browserPage []byte

// profile is a set of settings that a client announces.
type profile struct {
	name   string
	scheme string
	window uint32 // SETTINGS_INITIAL_WINDOW_SIZE
	table  uint32 // SETTINGS_HEADER_TABLE_SIZE
	frame  uint32 // SETTINGS_MAX_FRAME_SIZE
}

var profiles = []profile{
	{"plain", "http", 65535, 4096, 16 << 10},
	{"plain TLS", "https", 65535, 4096, 16 << 10},
	{"small", "https", 1, 0, 16 << 10},
	{"large", "https", 1<<31 - 1, 64 << 10, 1 << 20},
}

// tried are the profiles that clients are given: in short mode one of them.
func tried() []profile {
	if testing.Short() {
		return profiles[1:2]
	}
	return profiles
}

// with adds what is tried unless each byte takes a WINDOW_UPDATE.
func (p profile) with(names ...string) []string {
	if p.window > 1 {
		names = append(names, "upload", "download")
	}
	return names
}

// host is a service with something for each thing that a client may try.
type host struct {
	*service
	download  []byte
	sum       string
	cancelled atomic.Bool
	report    chan string
}

func newHost(t *testing.T) *host {
	h := &host{download: bytes.Repeat([]byte("0123456789abcdef"), 4<<16), report: make(chan string, 1)}
	h.sum = fmt.Sprintf("%x", sha256.Sum256(h.download))
	h.service = serve(t, h, func(s *http.Server) {
		s.HTTP2 = &http.HTTP2Config{MaxReadFrameSize: 1 << 20, MaxDecoderHeaderTableSize: 64 << 10, MaxEncoderHeaderTableSize: 64 << 10}
	})
	return h
}

func (h *host) url(scheme string) string {
	if scheme == "https" {
		return "https://" + h.secure
	}
	return "http://" + h.plain
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/upload":
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%d %x", n, sum.Sum(nil))
	case "/download":
		w.Header().Set("X-Sha256", h.sum)
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Write(h.download)
	case "/echo":
		c := http.NewResponseController(w)
		c.EnableFullDuplex()
		c.Flush()
		buf := make([]byte, 64<<10)
		for {
			n, err := r.Body.Read(buf)
			w.Write(buf[:n])
			c.Flush()
			if err != nil {
				return
			}
		}
	case "/wait":
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		h.cancelled.Store(true)
	case "/cancelled": // says yes as soon as a /wait was cancelled
		for start := time.Now(); !h.cancelled.Swap(false); time.Sleep(time.Millisecond) {
			if time.Since(start) > 10*time.Second {
				io.WriteString(w, "no")
				return
			}
		}
		io.WriteString(w, "yes")
	case "/trailers":
		w.Header().Set("Trailer", "X-Trailer")
		io.WriteString(w, "body")
		w.Header().Set("X-Trailer", "value")
	case "/headers":
		for name, values := range r.Header {
			if strings.HasPrefix(name, "X-") {
				w.Header()[name] = values
			}
		}
	case "/page":
		if p, ok := w.(http.Pusher); ok {
			for _, target := range []string{"/promised/a", "/promised/b"} {
				if err := p.Push(target, nil); err != nil && !errors.Is(err, http.ErrNotSupported) {
					http.Error(w, err.Error(), http.StatusInternalServerError)
					return
				}
			}
		}
		io.WriteString(w, "the page")
	case "/promised/a", "/promised/b":
		io.WriteString(w, "promised "+r.URL.Path)
	case "/browser":
		w.Header().Set("Content-Type", "text/html")
		w.Write(browserPage)
	case "/report":
		body, _ := io.ReadAll(r.Body)
		h.report <- string(body)
	default:
		io.WriteString(w, "hello, world\n")
	}
}

// need returns the path of a program. Where it is absent the test is skipped, or fails if
// LARKSPUR_REQUIRE_PEERS is 1 and the program is one that a full run must have.
func need(t *testing.T, name string, must bool) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		lack(t, must, "%s is not installed: nothing is known of how it gets on with this server", name)
	}
	return path
}

func lack(t *testing.T, must bool, format string, args ...any) {
	t.Helper()
	if must && os.Getenv("LARKSPUR_REQUIRE_PEERS") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf("SKIPPED: "+format, args...)
}

// run runs a program to its end, at most two minutes, and returns what it printed.
func run(t *testing.T, program string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return pipe(t, "", program, args...)
}

// pipe is run with something to read on the program's standard input.
func pipe(t *testing.T, input, program string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// verdicts reads the lines "ok NAME" and "not ok NAME: why", and requires one for each of names.
func verdicts(t *testing.T, lines, stderr string, names ...string) {
	t.Helper()
	var ok []string
	in := bufio.NewScanner(strings.NewReader(lines))
	for in.Scan() {
		if name, found := strings.CutPrefix(in.Text(), "ok "); found {
			ok = append(ok, name)
		} else {
			t.Error(in.Text())
		}
	}
	for _, name := range names {
		if !slices.Contains(ok, name) {
			t.Errorf("nothing good was heard of %q\n%s", name, stderr)
		}
	}
}

// TestPeerNode: Node's http2.
func TestPeerNode(t *testing.T) {
	t.Parallel()
	node := need(t, "node", true)
	for _, p := range tried() {
		t.Run(p.name, func(t *testing.T) {
			h := newHost(t)
			out, errs, _ := run(t, node, "testdata/peer/node.mjs", h.url(p.scheme), fmt.Sprint(p.window), fmt.Sprint(p.table), fmt.Sprint(p.frame))
			verdicts(t, out, errs, p.with("get", "head", "trailers", "duplex", "many", "cancel", "push", "headers")...)
		})
	}
}

// TestPeerPython: Python's h2, which is strict about what it reads.
func TestPeerPython(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	const python = "/usr/bin/python3" // Debian's, which Debian's python3-h2 belongs to
	if _, _, err := run(t, python, "-c", "import h2"); err != nil {
		lack(t, true, "%s has no module h2 (Debian: python3-h2): nothing is known of how it gets on with this server", python)
	}
	for _, p := range tried() {
		t.Run(p.name, func(t *testing.T) {
			h := newHost(t)
			out, errs, _ := run(t, python, "testdata/peer/client.py", h.url(p.scheme), fmt.Sprint(p.window), fmt.Sprint(p.table), fmt.Sprint(p.frame))
			verdicts(t, out, errs, p.with("get", "head", "trailers", "duplex", "many", "cancel", "push", "headers")...)
		})
	}
}

// TestPeerJava: Java's HttpClient, over TLS: in cleartext it knows only the Upgrade of RFC 7540, which
// RFC 9113 has dropped.
func TestPeerJava(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	java := need(t, "java", false)
	for _, p := range tried() {
		if p.scheme == "http" {
			continue
		}
		if p.name == "small" {
			p.window, p.table = 1<<14, 0 // the smallest that it has
		}
		t.Run(p.name, func(t *testing.T) {
			h := newHost(t)
			out, errs, _ := run(t, java, "-Djdk.internal.httpclient.disableHostnameVerification=true",
				fmt.Sprint("-Djdk.httpclient.windowsize=", p.window),
				fmt.Sprint("-Djdk.httpclient.connectionWindowSize=", max(p.window, 65535)),
				fmt.Sprint("-Djdk.httpclient.hpack.maxheadertablesize=", p.table),
				fmt.Sprint("-Djdk.httpclient.maxframesize=", p.frame),
				"testdata/peer/Client.java", h.url("https"))
			verdicts(t, out, errs, "get", "head", "upload", "download", "stream", "many", "cancel", "push", "headers")
		})
	}
}

// TestPeerChromium: a browser. It takes no promises; it does everything else that browsers do.
func TestPeerChromium(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	chromium := need(t, "chromium", true)
	h := newHost(t)
	profile := t.TempDir()
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--ignore-certificate-errors", "--user-data-dir="+profile, "--remote-debugging-port=0", h.url("https")+"/browser")
	var errs record
	cmd.Stderr = &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it and its children
		<-ended
		// They may write for a moment more.
		for start := time.Now(); os.RemoveAll(profile) != nil && time.Since(start) < 5*time.Second; {
			time.Sleep(50 * time.Millisecond)
		}
	}()
	select {
	case lines := <-h.report:
		verdicts(t, lines, errs.String(), "protocol", "get", "head", "upload", "download", "stream", "many", "cancel", "headers")
	case err := <-ended:
		ended <- err
		t.Errorf("chromium ended: %v\n%s", err, errs.String())
	case <-time.After(90 * time.Second):
		t.Errorf("no report in 90 s\n%s", errs.String())
	}
}
