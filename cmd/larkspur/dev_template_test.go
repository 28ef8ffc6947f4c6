package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// TestDevTemplates edits the templates of an application with a page open: a change shows, a new
// shared file is there, what is wrong with a template shows over the page with its line, and a value
// that is missing on the error page.
func TestDevTemplates(t *testing.T) {
	racetest.Skip(t)
	g := &garden{dir: t.TempDir()}
	g.served = &served{t: t}
	for _, dir := range []string{"pages", "pages/parts"} {
		if err := os.Mkdir(filepath.Join(g.dir, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	g.write("app.star", `load("@html", "html")
load("@route", "get", "router")
load("@template", "templates")

pages = templates("pages", functions = {"twice": lambda x: 2 * x})

def index(environ):
    return pages.response(environ, "index.html", n = 21, mark = html.b("bold <"))

app = router([get("/", index, name = "index")])
`)
	g.write("pages/layout.html", "<!DOCTYPE html>\n<html><head><title>{{block \"title\" .}}t{{end}}</title></head>\n<body>{{block \"content\" .}}{{end}}</body></html>\n")
	g.write("pages/index.html", "{{define \"content\"}}\n<h1>one {{twice .n}}</h1>{{.mark}} <a href=\"{{url_for \"index\"}}\">home</a>\n{{end}}\n")
	g.served = startCommand(t, "dev", "--listen", "http://127.0.0.1:0", g.dir)
	b := browsertest.Open(t, nil)
	b.Go(g.url)
	b.Shows(`document.body.innerText.includes("one 42") && document.querySelector("b").innerText === "bold <" && document.querySelector("a").getAttribute("href") === "/"`)

	g.write("pages/index.html", "{{define \"content\"}}<h1>two</h1>{{end}}\n")
	b.Shows(`document.querySelector("h1").innerText === "two"`)
	g.write("pages/parts/_new.html", "<p>new</p>")
	g.write("pages/_row.html", "<p>row</p>")
	g.write("pages/index.html", "{{define \"content\"}}<h1>three</h1>{{template \"_row.html\"}}{{end}}\n")
	b.Shows(`document.querySelector("p").innerText === "row"`)

	g.write("pages/_row.html", "<p>row</p>\n{{if .x}}<p>{{else}\n")
	b.Shows(overlay + `.textContent.includes("pages/_row.html:2")`)
	b.Shows(overlay + `.textContent.includes("an action ends with }}")`)
	g.write("pages/_row.html", "<p>fixed</p>")
	b.Shows(`!document.querySelector("larkspur-overlay") && document.querySelector("p").innerText === "fixed"`)

	g.write("pages/index.html", "{{define \"content\"}}\n  <h1>{{.mrak}}</h1>\n{{end}}\n")
	b.Shows(`document.body.innerText.includes("the dict has no item mrak; did you mean mark?")`)
	b.Shows(`document.body.innerText.includes("pages/index.html:2:9")`)
	g.write("pages/index.html", "{{define \"content\"}}<h1>four</h1>{{end}}\n")
	b.Shows(`document.querySelector("h1").innerText === "four"`)
	g.stop()
}
