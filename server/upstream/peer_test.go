package upstream_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/push/pushtest"
)

// peers are servers of others, each with an application that says what goes with /page: in a Link of
// the response, and in a 103 where the server can send one.
var peers = []struct {
	name, program string
	file, source  string
	args          []string // SOCKET and FILE stand for what they name
	promises      []string
}{
	{
		name: "gunicorn", program: "gunicorn", file: "app.py", source: `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/page":
        hints = environ.get("wsgi.early_hints")
        if hints:
            hints([("Link", "</early.css>; rel=preload; as=style")])
        start_response("200 OK", [("Content-Type", "text/plain"), ("Link", "</late.css>; rel=preload; as=style")])
        return [b"the page"]
    start_response("200 OK", [("Content-Type", "text/css"), ("Cache-Control", "max-age=60")])
    return [path.encode()]
`,
		args:     []string{"--bind", "unix:SOCKET", "--workers", "1", "--threads", "4", "app:app"},
		promises: []string{"/late.css"}, // Debian's version has no early hints yet
	},
	{
		name: "puma", program: "puma", file: "config.ru", source: `
run lambda { |env|
  path = env["PATH_INFO"]
  if path == "/page"
    hints = env["rack.early_hints"]
    hints.call("link" => "</early.css>; rel=preload; as=style") if hints
    [200, {"content-type" => "text/plain", "link" => "</late.css>; rel=preload; as=style"}, ["the page"]]
  else
    [200, {"content-type" => "text/css", "cache-control" => "max-age=60"}, [path]]
  end
}
`,
		args:     []string{"--early-hints", "--bind", "unix://SOCKET", "--threads", "4:4", "FILE"},
		promises: []string{"/early.css", "/late.css"},
	},
	{
		name: "Node", program: "node", file: "app.js", source: `
const http = require('node:http')
http.createServer((req, res) => {
	if (req.url === '/page') {
		res.writeEarlyHints({link: '</early.css>; rel=preload; as=style'})
		res.writeHead(200, {'content-type': 'text/plain', link: '</late.css>; rel=preload; as=style'})
		res.end('the page')
	} else {
		res.writeHead(200, {'content-type': 'text/css', 'cache-control': 'max-age=60'})
		res.end(req.url)
	}
}).listen(process.argv[2])
`,
		args:     []string{"FILE", "SOCKET"},
		promises: []string{"/early.css", "/late.css"},
	},
}

// TestPeers has servers of others behind the front: what they link to, and hint at, is promised to a
// client that takes promises, and hinted to one that does not.
func TestPeers(t *testing.T) {
	for _, peer := range peers {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(peer.program)
			switch {
			case err != nil && os.Getenv("LARKSPUR_REQUIRE_PEERS") == "1":
				t.Fatalf("%s is not installed, and LARKSPUR_REQUIRE_PEERS=1", peer.program)
			case err != nil:
				t.Skipf("NOT TESTED WITH %s: it is not installed", peer.program)
			}
			dir := t.TempDir()
			socket, file := filepath.Join(dir, "s"), filepath.Join(dir, peer.file)
			if err := os.WriteFile(file, []byte(peer.source), 0o600); err != nil {
				t.Fatal(err)
			}
			args := slices.Clone(peer.args)
			for i, arg := range args {
				switch arg {
				case "FILE":
					args[i] = file
				case "SOCKET":
					args[i] = socket
				case "unix:SOCKET":
					args[i] = "unix:" + socket
				case "unix://SOCKET":
					args[i] = "unix://" + socket
				}
			}
			start(t, exec.Command(program, args...), dir, socket)
			f := serve(t, nil, "unix:"+socket)
			x := dial(t, f, pushtest.Settings{}).Get("/page")
			if err := x.WaitAll(); err != nil {
				t.Fatal(err)
			}
			var promised []string
			for _, p := range x.Promises {
				promised = append(promised, p.Request.Target)
				if string(p.Body) != p.Request.Target {
					t.Errorf("%s is promised with %q", p.Request.Target, p.Body)
				}
			}
			slices.Sort(promised)
			if !slices.Equal(promised, peer.promises) || string(x.Body) != "the page" {
				t.Errorf("promised %q with %q, want %q; verdicts %q", promised, x.Body, peer.promises, f.verdicts)
			}
			x = dial(t, f, pushtest.Settings{NoPush: true}).Get("/page")
			if err := x.WaitAll(); err != nil {
				t.Fatal(err)
			}
			if hints := len(peer.promises) - 1; len(x.Hints) != hints {
				t.Errorf("there are %d hints, want %d", len(x.Hints), hints)
			}
		})
	}
}

// start starts a program in dir, and waits until it listens on socket.
func start(t *testing.T, c *exec.Cmd, dir, socket string) {
	t.Helper()
	c.Dir = dir
	said, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = c.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-ended
		said.Close()
	})
	client := &http.Client{Transport: &http.Transport{DialContext: dialer(socket)}}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := client.Get("http://peer/")
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			client.CloseIdleConnections()
			return
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(said.Name())
			t.Fatalf("%s has ended: %s", c.Path, text)
		default:
		}
	}
	text, _ := os.ReadFile(said.Name())
	t.Fatalf("%s does not listen: %s", c.Path, text)
}

// dialer connects to a socket, whatever the address.
func dialer(socket string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
}
