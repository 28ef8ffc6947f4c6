package apps_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// answered is an expression that is true when the form of an operation shows an answer with these texts.
func answered(id string, texts ...string) string {
	var all []string
	for _, text := range texts {
		all = append(all, fmt.Sprintf("o.innerText.includes(%q)", text))
	}
	return fmt.Sprintf("(o => !o.hidden && %s)(document.querySelector(%q))", strings.Join(all, " && "), "#"+id+" output")
}

// filled is an expression that writes into a field of an operation.
func filled(id, field, value string) string {
	return fmt.Sprintf("(f => { f.value = %q; return true })(document.querySelector(%q))", value, "#"+id+" [name='"+field+"']")
}

// TestAPIInBrowser tries operations on the page: a list, what is wrong, a change with the ETag of what was looked at, and
// one that comes too late.
func TestAPIInBrowser(t *testing.T) {
	racetest.Skip(t)
	s := start(t, "api/app.star", "")
	b := browsertest.Open(t, nil)
	b.View(1280, false)
	b.Go(s.URL)
	b.Shows(`document.readyState === "complete" && document.querySelectorAll("details").length === 18`)
	views(b, "api-index")

	open := func(id string) { // and closes what views has opened, to see it
		t.Helper()
		b.Shows(`(document.querySelectorAll("details").forEach(d => { d.open = false }), true)`)
		b.Click("#" + id + " > summary")
		b.Shows(fmt.Sprintf("document.querySelector(%q).open", "#"+id))
	}
	open("list_books")
	b.Shows(filled("list_books", "limit", "2"))
	b.Shows(filled("list_books", "author", "1"))
	b.Click("#list_books button")
	b.Shows(answered("list_books", "200", "A Wizard of Earthsea", `rel="next"`, `"total": 4`))
	views(b, "api-list")

	open("add_book")
	b.Shows(filled("add_book", "body", `{"title": "", "author": 99, "pages": 1}`))
	b.Click("#add_book button")
	b.Shows(answered("add_book", "422", "#/title", "#/pages"))
	views(b, "api-problem")

	open("find_book")
	b.Click("#find_book button")
	b.Shows(answered("find_book", "200", `"1-1"`))
	open("change_book")
	b.Shows(`document.querySelector("#change_book [name=If-Match]").value === '"1-1"'`)
	b.Click("#change_book button")
	b.Shows(answered("change_book", "200", `"1-2"`, "The Lathe of Heaven"))
	b.Shows(`document.querySelector("#change_book [name=If-Match]").value === '"1-2"'`)
	b.Shows(filled("change_book", "If-Match", `"1-1"`))
	b.Click("#change_book button")
	b.Shows(answered("change_book", "412", "changed meanwhile"))
	views(b, "api-change")

	open("remove_book")
	b.Shows(filled("remove_book", "id", "1"))
	b.Click("#remove_book button")
	b.Shows(answered("remove_book", "204"))
	for _, line := range b.Console() {
		if !strings.Contains(line, "status of 422") && !strings.Contains(line, "status of 412") {
			t.Errorf("the console says: %s", line)
		}
	}
}
