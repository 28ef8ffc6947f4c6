package main

import (
	"os"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
)

// TestLibraryPages looks at the library of the tour: searches it, and runs examples, with a script
// and without.
func TestLibraryPages(t *testing.T) {
	racetest.Skip(t)
	t.Chdir(t.TempDir())
	b := browsertest.Open(t, nil)
	s := startCommand(t, "dev", "--listen", "http://127.0.0.1:0")
	look(b, "library", s.url+"/library", says("@http"))
	look(b, "library-search", s.url+"/library?q=cookie", says("set_cookie("))
	look(b, "library-nothing", s.url+"/library?q=no+such+thing", says("Nothing has all of these words"))
	look(b, "library-ran", s.url+"/library/json?run=json.decode", says("Run again")+` && document.querySelector(".gives")`)
	l := site.Library(grant.Modules()...)
	for i, e := range append(l.Entries(), l.Tables...) {
		if i%5 != 0 && !browsertest.Shooting() && os.Getenv("LARKSPUR_LONG") != "1" {
			continue // they are made alike
		}
		name := strings.TrimPrefix(e.Name, "@")
		glance(b, "library-"+name, s.url+"/library/"+name, `document.querySelector("section.entry")`)
	}
	b.View(1280, false)
	b.Go(s.url + "/library")
	b.Shows(`document.readyState === "complete"`)
	b.Shows(`((q) => { q.value = "json deco"; q.dispatchEvent(new Event("input", { bubbles: true })); return true })(document.forms[0].q)`)
	b.Shows(`document.querySelector("#found .found a")?.textContent === "json.decode(x, [default])" && location.search === "?q=json+deco"`)
	b.Click("#found .found a")
	b.Shows(`location.pathname === "/library/json" && location.hash === "#json.decode"`)
	b.Click(`[id="example-json.decode"] button`)
	b.Shows(`document.querySelectorAll('[id="example-json.decode"] .gives').length === 3 && location.search === ""`)
	b.Silent("the library")
	look(b, "library-missing", s.url+"/library/htpp", says("did you mean http?"))
	s.stop()
}
