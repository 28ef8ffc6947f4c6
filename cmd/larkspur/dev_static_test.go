package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// plantStatic develops an application that serves files: a page with this in its head, and its
// style sheet. The page has an ETag of its content, which a browser asks with.
func plantStatic(t *testing.T, head string) *garden {
	t.Helper()
	g := &garden{dir: t.TempDir()}
	g.served = &served{t: t}
	if err := os.Mkdir(filepath.Join(g.dir, "public"), 0o755); err != nil {
		t.Fatal(err)
	}
	g.write("public/index.html", "<!doctype html><html><head>"+head+
		"<link rel=stylesheet href=/style.css></head><body><p>text</p></body></html>")
	g.paint(1)
	g.write("app.star", `load("@static", "static")
app = static("public")
`)
	g.served = startCommand(t, "dev", "--listen", "http://127.0.0.1:0", g.dir)
	return g
}

func (g *garden) paint(shade int) {
	g.t.Helper()
	g.write("public/style.css", fmt.Sprintf("p { color: rgb(%[1]d, %[1]d, %[1]d) }", shade))
}

// painted is what a page shows with a shade.
func painted(shade int) string {
	return fmt.Sprintf(`document.readyState === "complete" &&
		getComputedStyle(document.querySelector("p")).color === "rgb(%[1]d, %[1]d, %[1]d)"`, shade)
}

// TestDevFollowsAStaticPage saves style sheets and the script in turn: the page stays for the one
// and is asked for again for the other, which the browser's own copy must not answer.
func TestDevFollowsAStaticPage(t *testing.T) {
	racetest.Skip(t)
	g := plantStatic(t, "")
	b := browsertest.Open(t, nil)
	b.Go(g.url)
	b.Shows(painted(1))
	for n := range 3 {
		b.Shows(`window.stays = true`)
		g.paint(2 + 2*n)
		b.Shows(painted(2+2*n) + ` && window.stays`)
		g.paint(3 + 2*n)
		b.Shows(painted(3+2*n) + ` && window.stays`)
		g.write("app.star", fmt.Sprintf("load('@static', 'static')\napp = static('public')\n# %d\n", n))
		b.Shows(`!window.stays && document.readyState === "complete"`)
	}
	g.stop()
}

// TestDevPolicyInMeta follows a page whose own policy would end the connection of the script.
func TestDevPolicyInMeta(t *testing.T) {
	racetest.Skip(t)
	g := plantStatic(t, `<meta http-equiv=Content-Security-Policy
		content="default-src 'none'; style-src 'self'">`)
	b := browsertest.Open(t, nil)
	b.Go(g.url)
	b.Shows(painted(1) + ` && (window.stays = true)`)
	g.paint(2)
	b.Shows(painted(2) + ` && window.stays`)
	g.write("app.star", "load('@static', 'static')\napp = static('public')\n# again\n")
	b.Shows(`!window.stays && ` + painted(2))
	g.stop()
}

// TestDevBrokenOff opens a page whose application fails after the first block, which shows over it.
func TestDevBrokenOff(t *testing.T) {
	racetest.Skip(t)
	g := &garden{dir: t.TempDir()}
	g.served = &served{t: t}
	source := `load("@body", "body_map")

def app(environ, start_response):
    def block(n):
        return "<p>row %d</p>" % (12 // (2 - n))

    start_response("200 OK", [("Content-Type", "text/html")])
    return body_map(block, [0, 1, 2, 3])
`
	g.write("app.star", source)
	g.served = startCommand(t, "dev", "--listen", "http://127.0.0.1:0", g.dir)
	b := browsertest.Open(t, nil)
	b.Go(g.url + "/_larkspur/")
	b.Shows(`(setTimeout(() => location.href = "/"), true)`) // to go there would fail, as the page does
	b.Shows(overlay + `.querySelector("h1").textContent === "The page broke off"`)
	b.Shows(overlay + `.querySelector("pre .here").textContent.includes("(2 - n)")`)
	b.Shows(overlay + `.querySelector("h2").textContent.includes("app.star:5:")`)
	b.Shows(`document.querySelectorAll("p").length === 2`)
	g.write("app.star", "load('@body', 'body_map')\n"+
		"def app(environ, start_response):\n"+
		"    start_response('200 OK', [('Content-Type', 'text/html')])\n"+
		"    return body_map(lambda n: '<p>%d' % n, [0, 1, 2])\n")
	b.Shows(`!document.querySelector("larkspur-overlay") && document.querySelectorAll("p").length === 3`)
	g.stop()
}
