package server_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server"
)

// peerProgram finds a program, or skips the test; where peers are required it fails.
func peerProgram(t *testing.T, name string) string {
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

// hinted is an application that hints, answers, and has two resources.
const hinted = `
def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path != "/page":
        start_response("200 OK", [("Content-Type", "text/css")])
        return ["resource " + path]
    if "wsgi.early_hints" in environ:
        environ["wsgi.early_hints"]([("Link", "</early.css>; rel=preload; as=style")])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Link", "</late.css>; rel=preload; as=style")])
    return ["the page"]
`

// TestPushPeers has what clients of others get: those that take promises the promises, with the right bodies, the others a
// 103 with what is hinted, and all of them the page.
func TestPushPeers(t *testing.T) {
	both(t, func(t *testing.T, secure bool) {
		s := servePushes(t, secure, hinted, nil)
		run := func(t *testing.T, name string, args ...string) string {
			t.Helper()
			out, err := exec.Command(peerProgram(t, name), args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, out)
			}
			return string(out)
		}
		expect := func(t *testing.T, out string, has []string, none ...string) {
			t.Helper()
			for _, s := range has {
				if !strings.Contains(out, s) {
					t.Errorf("%q is missing in\n%s", s, out)
				}
			}
			for _, s := range none {
				if strings.Contains(out, s) {
					t.Errorf("there must be no %q in\n%s", s, out)
				}
			}
		}
		t.Run("nghttp", func(t *testing.T) {
			expect(t, run(t, "nghttp", "-v", "--no-verify-peer", s.URL+"/page"),
				[]string{"recv PUSH_PROMISE", ":path: /early.css", ":path: /late.css", "the page", "resource /early.css", "resource /late.css"}, ":status: 103")
		})
		t.Run("nghttp --no-push", func(t *testing.T) {
			expect(t, run(t, "nghttp", "-v", "--no-push", "--no-verify-peer", s.URL+"/page"),
				[]string{":status: 103", "link: </early.css>; rel=preload; as=style", "the page"}, "recv PUSH_PROMISE", "resource")
		})
		t.Run("node", func(t *testing.T) {
			want := "page: the page\npromised /early.css: resource /early.css\npromised /late.css: resource /late.css\n"
			if got := run(t, "node", "testdata/push_client.js", s.URL); got != want {
				t.Errorf("node gets\n%s\nwant\n%s", got, want)
			}
		})
		t.Run("curl", func(t *testing.T) {
			args := []string{"-sik", "--http2-prior-knowledge", s.URL + "/page"}
			if secure {
				args[1] = "--http2"
			}
			expect(t, run(t, "curl", args...), []string{"HTTP/2 103", "link: </early.css>; rel=preload; as=style", "HTTP/2 200", "the page"})
		})
		t.Run("curl over HTTP/1.1", func(t *testing.T) {
			expect(t, run(t, "curl", "-sik", "--http1.1", s.URL+"/page"), []string{"HTTP/1.1 200", "</late.css>; rel=preload", "the page"}, "103")
		})
	})
}

// TestPushHints1 verifies that a 103 over HTTP/1.1 is one that curl takes, where it is switched on.
func TestPushHints1(t *testing.T) {
	s := servePushes(t, false, hinted, func(h *server.Handler) { h.Push = &push.Policy{HintHTTP1: true} })
	out, err := exec.Command(peerProgram(t, "curl"), "-si", s.URL+"/page").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 103") || !strings.Contains(string(out), "the page") {
		t.Errorf("%v\n%s", err, out)
	}
}
