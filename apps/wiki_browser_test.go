package apps_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// tea is a page that has what Markdown can say, and what is too long for a phone.
const tea = `**Tea** is made of leaves and hot [[Water]]. It begins at [[Home]], and there are ~~two~~ many kinds.

## Kinds

| Kind   | Minutes | Heat        | Leaves from                                   |
|--------|---------|-------------|-----------------------------------------------|
| Green  | 2       | 80 °C       | hills that lie high above the sea, and far off |
| Black  | 4       | 100 °C      | plains                                        |

> It is worth waiting for.

1. Boil the water.
2. Wait.
   - Read a book meanwhile: https://example.org/a/very/long/address/that/does/not/end/soon/and/has/no/blank/in/it
3. Pour.

` + "```\ndef brew(kind, minutes):\n" +
	"    return pot.with_water(kind.temperature).for_minutes(minutes).poured_into(cups = 2, milk = None)\n```\n" + `

Supercalifragilisticexpialidocious-and-then-some-more-letters-that-are-one-word-without-a-blank.

![A picture from elsewhere](https://example.org/x.png) is not fetched. <script>window.evil = 1</script>
`

// fill is an expression that types into the fields of a form, by their names.
func fill(fields map[string]string) string {
	said, err := json.Marshal(fields)
	if err != nil {
		panic(err) // strings can be said
	}
	return fmt.Sprintf(`(fields => {
	for (const name in fields) document.querySelector("main [name=" + name + "]").value = fields[name];
	return document.readyState === "complete";
})(%s)`, said)
}

// TestWikiInBrowser reads and writes as a visitor does, and looks at each page.
func TestWikiInBrowser(t *testing.T) {
	racetest.Skip(t)
	s := start(t, "wiki/app.star", "")
	b := browsertest.Open(t, nil)
	look := func(name, shows string) {
		t.Helper()
		b.Shows(shows + ` && document.readyState === "complete"`)
		for _, width := range browsertest.Widths {
			for _, dark := range []bool{false, true} {
				view := fmt.Sprintf("wiki-%s-%d-%s", name, width, map[bool]string{false: "light", true: "dark"}[dark])
				b.View(width, dark)
				b.Shoot(view)
				b.Look(view)
			}
		}
		b.View(1280, false)
	}
	titled := func(title string) string {
		return fmt.Sprintf(`document.querySelector("h1")?.textContent === %q`, title)
	}

	b.Go(s.URL)
	look("home", titled("Home"))
	b.Click("a.missing")
	look("missing", titled("Shopping list"))
	if said := b.Console(); len(said) != 1 || !strings.Contains(said[0], "404") {
		t.Errorf("the console says %q of a page that is missing", said)
	}

	// Who is not logged in is asked to, and comes back.
	b.Go(s.URL + "/p/Tea/edit")
	look("login", titled("Log in"))
	b.Click(`main a[href*="register"]`)
	b.Shows(titled("Register"))
	b.Shows(fill(map[string]string{"name": "Ada <Lovelace>", "password": "correct horse"}))
	b.Click("main button")
	look("register", `document.querySelector("[role=alert]") && `+titled("Register"))
	if said := b.Console(); len(said) != 1 || !strings.Contains(said[0], "400") {
		t.Errorf("the console says %q of a name that is wrong", said)
	}
	b.Shows(fill(map[string]string{"name": "Ada Lovelace", "password": "correct horse"}))
	b.Click("main button")
	b.Shows(titled("Tea") + ` && document.querySelector("textarea")`)

	b.Shows(fill(map[string]string{"text": tea, "note": "What I know of it"}))
	b.Click("button[value=preview]")
	look("preview", `document.querySelector(".preview table")`)
	b.Click("button[value=save]")
	// The picture from elsewhere is refused, and nothing else.
	look("page", titled("Tea")+` && document.querySelector(".foot") && !window.evil`)
	for _, line := range b.Console() {
		if !strings.Contains(line, "https://example.org/x.png") {
			t.Errorf("the console says: %s", line)
		}
	}

	// Somebody else saves the page while it is edited.
	b.Click(`.tabs a[href$="/edit"]`)
	b.Shows(`document.querySelector("input[name=version]")?.value === "1"`)
	bob := registered(t, s, "Bob")
	theirs := strings.Replace(tea, "2. Wait.", "2. Wait, and wait.", 1)
	form := url.Values{"version": {"1"}, "text": {theirs}, "note": {"More waiting"}}
	if status := post(t, bob, s.URL+"/p/Tea/edit", form); status != http.StatusSeeOther {
		t.Fatalf("the page of somebody else is answered by %d", status)
	}
	ours := strings.Replace(tea, "3. Pour.", "3. Pour it, and drink.", 1)
	b.Shows(fill(map[string]string{"text": ours, "note": "Drink it"}))
	b.Click("button[value=save]")
	look("conflict", `document.querySelectorAll("textarea").length === 2 &&
		document.body.innerText.includes("Bob has saved version 2")`)
	if !browsertest.Value[bool](b, `document.querySelector("textarea[readonly]").value.includes("Wait, and wait") &&
		document.querySelector("textarea[name=text]").value.includes("Pour it, and drink")`) {
		t.Error("a conflict does not show both")
	}
	b.Click("button[value=save]")
	b.Shows(titled("Tea") + ` && document.querySelector(".foot").textContent.includes("Version 3")`)

	b.Click(`.tabs a[href$="/history"]`)
	look("history", `document.querySelectorAll(".history li").length === 3`)
	b.Click("main button")
	look("diff", `document.querySelector("tr.in") && document.querySelector("tr.out")`)
	b.Click(".ends .out a")
	look("version", `document.body.innerText.includes("Version 2 of 3")`)
	b.Click("main form button")
	b.Shows(titled("Tea") + ` && document.querySelector(".foot").textContent.includes("Version 4")`)

	b.Shows(`(document.querySelector("[name=q]").value = "wait boil") &&
		document.querySelector(".find").requestSubmit() === undefined`)
	look("search", `document.querySelectorAll("mark").length > 1`)
	b.Click(`header nav a[href="/recent"]`)
	look("recent", titled("Recent changes"))
	b.Click(`header nav a[href="/pages"]`)
	look("pages", titled("Pages"))
	b.Click(".who button")
	b.Shows(titled("Home") + ` && document.querySelector(".who a")`)
	for _, line := range b.Console() {
		if !strings.Contains(line, "https://example.org/x.png") && !strings.Contains(line, "status of 409") {
			t.Errorf("the console says: %s", line)
		}
	}
}
