package pushtest_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/push/pushtest"
)

// need finds a program, or skips the test; where peers are required it fails.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("LARKSPUR_REQUIRE_PEERS") == "1" {
		t.Fatalf("%s is not installed, and LARKSPUR_REQUIRE_PEERS=1", program)
	}
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	return path
}

// nodeServer pushes two files before it answers, with a 103 and trailers, and says where it listens.
const nodeServer = `
const http2 = require('node:http2')
const server = http2.createServer()
server.on('stream', (stream, headers) => {
	if (headers[':path'] !== '/page') { stream.respond({':status': 404}, {endStream: true}); return }
	const push = (path, body) => new Promise(done => {
		if (!stream.pushAllowed) return done()
		stream.pushStream({':path': path, 'accept': 'text/css'}, (err, pushed) => {
			pushed.on('error', () => {})
			pushed.respond({':status': 200, 'content-type': 'text/css'})
			pushed.end(body)
			done()
		})
	})
	push('/a.css', 'a {}').then(() => push('/b.css', 'b {}'.repeat(50000))).then(() => {
		stream.additionalHeaders({':status': 103, 'link': '</c.css>; rel=preload'})
		stream.on('wantTrailers', () => stream.sendTrailers({'x-sum': '17'}))
		stream.respond({':status': 200, 'content-type': 'text/html'}, {waitForTrailers: true})
		stream.end('<title>node</title>')
	})
})
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))
`

// start runs a server until the end of the test and returns what it says.
func start(t *testing.T, program string, args ...string) *bufio.Scanner {
	t.Helper()
	server := exec.Command(program, args...)
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	return bufio.NewScanner(out)
}

func TestNode(t *testing.T) {
	said := start(t, need(t, "node"), "-e", nodeServer)
	if !said.Scan() {
		t.Fatalf("node does not listen: %v", said.Err())
	}
	url := said.Text()
	c := dial(t, url, nil)
	for range 3 {
		page := c.Get("/page")
		if err := page.WaitAll(); err != nil {
			t.Fatal(err)
		}
		if got, want := targets(page.Promises), "/a.css /b.css"; got != want {
			t.Fatalf("promised were %q, want %q", got, want)
		}
		a, b := page.Promises[0], page.Promises[1]
		if string(a.Body) != "a {}" || b.Size != 200_000 || b.Wait() != nil || a.Request.Header.Get("Accept") != "text/css" {
			t.Errorf("%q and %d bytes", a.Body, b.Size)
		}
		if string(page.Body) != "<title>node</title>" || page.Trailer.Get("X-Sum") != "17" || len(page.Hints) != 1 {
			t.Errorf("%q, trailer %v, hints %v", page.Body, page.Trailer, page.Hints)
		}
	}
	if x := c.Get("/none"); x.Wait() != nil || x.Status != 404 {
		t.Errorf("status %d", x.Status)
	}
	orderly(t, c)

	refusing := dial(t, url, &pushtest.Settings{OnPromise: pushtest.Refuse})
	page := refusing.Get("/page")
	if err := page.WaitAll(); err != nil || len(page.Promises) != 2 || page.Promises[0].Status != 0 {
		t.Errorf("refused: %d promises, %v", len(page.Promises), err)
	}
	orderly(t, refusing)

	without := dial(t, url, &pushtest.Settings{NoPush: true})
	page = without.Get("/page")
	if err := page.WaitAll(); err != nil || len(page.Promises) != 0 {
		t.Errorf("without push: %d promises, %v", len(page.Promises), err)
	}
	orderly(t, without)
}

// TestNghttpd runs a server for each client: nghttpd 1.52 may hang when a connection is reset.
func TestNghttpd(t *testing.T) {
	program := need(t, "nghttpd")
	large := strings.Repeat("0123456789", 20_000)
	for name, s := range map[string]pushtest.Settings{
		"defaults": {},
		"large":    {InitialWindowSize: 1 << 20, ConnectionWindow: 1 << 24, MaxFrameSize: 1 << 20, HeaderTableSize: -1},
		"small":    {InitialWindowSize: 100},
		"no push":  {NoPush: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range map[string]string{"page.html": "<title>page</title>", "a.css": "a {}", "b.css": large} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			_, port, _ := net.SplitHostPort(l.Addr().String())
			l.Close()
			said := start(t, program, "--no-tls", "--verbose", "--address=127.0.0.1", "-d", dir, "-p/page.html=/a.css,/b.css", port)
			if !said.Scan() {
				t.Fatalf("nghttpd does not listen: %v", said.Err())
			}
			go func() {
				for said.Scan() { // it says much, and has to get rid of it
				}
			}()
			c := dial(t, "http://127.0.0.1:"+port, &s)
			page := c.Get("/page.html")
			if err := page.WaitAll(); err != nil {
				t.Fatal(err)
			}
			want := "/a.css /b.css"
			if s.NoPush {
				want = ""
			}
			if got := targets(page.Promises); got != want {
				t.Fatalf("promised were %q, want %q", got, want)
			}
			for _, p := range page.Promises {
				if err := p.Wait(); err != nil || p.Request.Target == "/b.css" && string(p.Body) != large {
					t.Errorf("%s: %d bytes, %v", p.Request.Target, p.Size, err)
				}
			}
			upload := c.Do(pushtest.Request{Method: "POST", Target: "/page.html", Body: make([]byte, 1<<20)})
			if err := upload.Wait(); err != nil || upload.Status != 200 {
				t.Errorf("upload: %d, %v", upload.Status, err)
			}
			orderly(t, c)
		})
	}
}
