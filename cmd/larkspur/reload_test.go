package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/watch"
)

const (
	edits     = 400
	editors   = 250 * time.Millisecond // from the last write until it must serve, and then asks
	asks      = 20                     // of a client, whose time tells how busy the machine is
	settled   = 20                     // every so many edits, wait for it
	seedEdits = 20260908
)

// script is version n of an application that answers "whole n". It consists of two files. Half of it is a script
// too, of which the answer is "torn".
func script(n int) (app, lib string) {
	version := strconv.Itoa(n)
	app = "load(\"lib/words.star\", \"WORDS\")\n" +
		"ANSWER = [\"torn\"]\n" +
		"def app(environ, start_response):\n" +
		"    start_response(\"200 OK\", [(\"Content-Type\", \"text/plain\")])\n" +
		"    return ANSWER\n" + half +
		"ANSWER[0] = WORDS[0] + \" " + version + "\"\n"
	lib = "WORDS = [\"torn\"]\n" + half + "WORDS[0] = \"whole\"\n"
	return app, lib
}

const half = "# here a writer may pause\n"

// A release is the directory that an editor works in, behind a symlink.
type release struct {
	t    *testing.T
	base string
	n    int // of the release that current points to
	rand *rand.Rand

	mu      sync.Mutex // held during an edit
	stalled bool       // since the last pause, the machine held up a writer for longer than a change settles
}

// excused reports whether half a file may have been taken for a whole one: nobody can tell the two apart if the writer
// has closed the file, and is held up before it opens it again.
func (r *release) excused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stalled
}

func (r *release) write(dir string, n int) {
	r.t.Helper()
	app, lib := script(n)
	r.must(os.MkdirAll(filepath.Join(r.base, dir, "lib"), 0o755))
	r.must(os.WriteFile(filepath.Join(r.base, dir, "lib/words.star"), []byte(lib), 0o644))
	r.must(os.WriteFile(filepath.Join(r.base, dir, "app.star"), []byte(app), 0o644))
}

func (r *release) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// pieces writes a file in two halves, by a writer that keeps it open, or opens it again.
func (r *release) pieces(path, content string, pause time.Duration, reopen bool) {
	r.t.Helper()
	first, rest, _ := strings.Cut(content, half)
	began := time.Now()
	f, err := os.Create(path)
	r.must(err)
	_, err = f.WriteString(first)
	r.must(err)
	if reopen {
		r.must(f.Close())
	}
	time.Sleep(pause) // the subject of the test: a writer that is slow
	if reopen {
		f, err = os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		r.must(err)
		r.stalled = r.stalled || time.Since(began) > watch.Settle/2
	}
	_, err = f.WriteString(half + rest)
	r.must(err)
	r.must(f.Close())
}

// edit makes version n, by one of the ways in which files change.
func (r *release) edit(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	current := filepath.Join(r.base, "current")
	app, lib := script(n)
	path := filepath.Join(current, "app.star")
	switch r.rand.IntN(6) {
	case 0:
		r.must(os.WriteFile(path, []byte(app), 0o644))
	case 1:
		r.pieces(path, app, time.Duration(r.rand.IntN(20))*time.Millisecond, true)
	case 2:
		pause := time.Duration(r.rand.IntN(10)) * time.Millisecond
		if r.rand.IntN(10) == 0 {
			pause = 200 * time.Millisecond // far longer than any settling
		}
		r.pieces(filepath.Join(current, "lib/words.star"), lib, pause, false)
		r.pieces(path, app, pause, false)
	case 3:
		r.must(os.WriteFile(path+".tmp", []byte(app), 0o644))
		r.must(os.Rename(path+".tmp", path))
	case 4:
		r.must(os.WriteFile(path, []byte("def app(environ,\n"+app), 0o644)) // does not parse
		time.Sleep(time.Duration(r.rand.IntN(5)) * time.Millisecond)
		r.must(os.WriteFile(path, []byte(app), 0o644))
	case 5:
		old := r.n
		r.n = n
		r.write(fmt.Sprintf("r%d", n), n)
		r.must(os.Symlink(fmt.Sprintf("r%d", n), filepath.Join(r.base, "next")))
		r.must(os.Rename(filepath.Join(r.base, "next"), current))
		r.must(os.RemoveAll(filepath.Join(r.base, fmt.Sprintf("r%d", old))))
	}
}

// A client asks without pause and remembers the last version that it was served.
type client struct {
	http   http.Client
	url    string
	asked  int
	served atomic.Int64
}

func newClient(url string, cleartext2 bool) *client {
	t := &http.Transport{Protocols: new(http.Protocols)}
	t.Protocols.SetHTTP1(!cleartext2)
	t.Protocols.SetUnencryptedHTTP2(cleartext2)
	return &client{http: http.Client{Transport: t}, url: url}
}

var errTorn = errors.New("half a file answered")

func (c *client) ask(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if string(body) == "torn" {
		return errTorn
	}
	n, err := strconv.Atoi(strings.TrimPrefix(string(body), "whole "))
	if res.StatusCode != http.StatusOK || err != nil {
		return fmt.Errorf("%s: %q", res.Status, body)
	}
	if last := int(c.served.Swap(int64(n))); n < last {
		return fmt.Errorf("version %d after version %d", n, last)
	}
	c.asked++
	return nil
}

// TestEdits edits a script four hundred times, in all the ways in which editors and deployments do, while clients
// ask for it over sockets: no request fails, none is answered by half a file, and the last edit serves within 250 ms
// of being written, in the median of 20 times, and as long as 20 requests take: the machine may be busy with other
// tests.
func TestEdits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 seconds")
	}
	r := &release{t: t, base: t.TempDir(), rand: rand.New(rand.NewPCG(seedEdits, 0))}
	r.write("r0", 0)
	r.must(os.Symlink("r0", filepath.Join(r.base, "current")))
	server := startServe(t, "--watch", filepath.Join(r.base, "current"))

	asking, stop := context.WithCancel(t.Context())
	defer stop()
	var clients []*client
	var group sync.WaitGroup
	for i := range 4 {
		c := newClient(server.url, i%2 == 1)
		clients = append(clients, c)
		group.Go(func() {
			for asking.Err() == nil {
				err := c.ask(context.WithoutCancel(asking))
				if errors.Is(err, errTorn) && r.excused() {
					continue
				}
				if err != nil {
					t.Errorf("after %d requests: %v", c.asked, err)
					return
				}
			}
		})
	}
	began := time.Now()
	var took []time.Duration
	for n := 1; n <= edits && !t.Failed(); n++ {
		r.edit(n)
		written := time.Now()
		if n%settled != 0 {
			continue
		}
		for _, c := range clients {
			for c.served.Load() != int64(n) && !t.Failed() {
				if time.Since(written) > 5*time.Second {
					t.Fatalf("version %d does not serve; %d does", n, c.served.Load())
				}
				time.Sleep(time.Millisecond) // the measure is of clients that know nothing of edits
			}
		}
		took = append(took, time.Since(written))
		r.mu.Lock()
		r.stalled = false
		r.mu.Unlock()
	}
	stop()
	group.Wait()
	asked, elapsed := 0, time.Since(began)
	for _, c := range clients {
		asked += c.asked
		c.http.CloseIdleConnections()
	}
	slices.Sort(took)
	median, limit := took[len(took)/2], editors+asks*elapsed*time.Duration(len(clients))/time.Duration(asked)
	t.Logf("%d requests; edits served after %v in the median, %v at most", asked, median.Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	if median > limit {
		t.Errorf("edits served after %v in the median, want at most %v", median, limit)
	}
	server.stop()
}

// A served application is a larkspur serve or dev in this process.
type served struct {
	t      *testing.T
	url    string
	cancel context.CancelFunc
	exit   chan int
	log    *logbook
}

// startServe runs larkspur serve on a free port of the loopback.
func startServe(t *testing.T, args ...string) *served {
	t.Helper()
	return startCommand(t, append([]string{"serve", "--listen", "http://127.0.0.1:0"}, args...)...)
}

// startCommand runs a command that serves until it has announced its first listener.
func startCommand(t *testing.T, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &served{t: t, cancel: cancel, exit: make(chan int, 1), log: &logbook{urls: make(chan string, 10)}}
	go func() {
		s.exit <- run(ctx, args, io.Discard, s.log)
	}()
	t.Cleanup(func() { cancel() })
	select {
	case s.url = <-s.log.urls:
	case code := <-s.exit:
		t.Fatalf("exit status %d: %s", code, s.log)
	case <-time.After(patience):
		t.Fatalf("it does not listen: %s", s.log)
	}
	return s
}

// stop has it drain, and wants it to exit with 0.
func (s *served) stop() {
	s.t.Helper()
	s.cancel()
	select {
	case code := <-s.exit:
		if code != 0 {
			s.t.Errorf("exit status %d, want 0: %s", code, s.log)
		}
	case <-time.After(patience):
		s.t.Errorf("it does not end: %s", s.log)
	}
}

// A logbook is stderr: it keeps what is written and hands out the URLs that are announced.
type logbook struct {
	mu   sync.Mutex
	text strings.Builder
	urls chan string
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	for line := range strings.Lines(string(p)) {
		if url, ok := strings.CutPrefix(line, "listening on "); ok {
			l.urls <- strings.TrimSuffix(strings.TrimSpace(url), " (admin)")
		}
	}
	return len(p), nil
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
