package apps_test

import (
	"fmt"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// heard is an expression that is true of a page whose last message is text, of a visitor.
func heard(name, text string) string {
	return fmt.Sprintf(`(m => m && m.querySelector(".who b").innerText === %q && m.querySelector(".text").innerText === %q)(
		document.querySelector(".messages li:last-child"))`, name, text)
}

// TestChatInBrowser has two visitors talk, each of whom sees at once what the other says, and that the other is there.
func TestChatInBrowser(t *testing.T) {
	racetest.Skip(t)
	s := start(t, "chat/app.star", "")
	ada, bob := browsertest.Open(t, nil), browsertest.Open(t, nil)
	enter := func(b *browsertest.Tab, url, name string) {
		t.Helper()
		b.View(1280, false)
		b.Go(url)
		b.Shows(fmt.Sprintf(`(f => { f.elements.name.value = %q; return true })(document.querySelector(".enter"))`, name))
		b.Click(".rooms li:first-child button")
		b.Shows(`document.querySelector(".state")?.textContent === "Live"`)
	}
	say := func(b *browsertest.Tab, text string) {
		t.Helper()
		b.Shows(fmt.Sprintf(`(f => { f.elements.text.value = %q; f.requestSubmit(); return true })(document.querySelector(".say"))`, text))
	}
	ada.Go(s.URL)
	ada.Shows(`document.readyState === "complete"`)
	views(ada, "chat-rooms")
	enter(ada, s.URL, "Ada")
	enter(bob, s.URL, `Bob <img src=x onerror=alert(1)>`[:24])
	const both = `[...document.querySelectorAll(".here li")].map(li => li.innerText.split(" ")[0]).join() === "Ada,Bob"`
	ada.Shows(both)
	bob.Shows(both)

	say(ada, "Is anybody here?")
	bob.Shows(heard("Ada", "Is anybody here?"))
	say(bob, "<b>I am</b>, and I have brought biscuits: those with ginger, of which there are never enough for all.")
	ada.Shows(`document.querySelector(".messages li:last-child .text").innerText.startsWith("<b>I am</b>") && !document.querySelector("img")`)
	say(ada, "Good, I shall put the kettle on.")
	ada.Shows(heard("Ada", "Good, I shall put the kettle on.") + ` && document.querySelectorAll(".mine").length === 2`)
	views(ada, "chat-room")

	// Whoever leaves is noticed, and finds again what was said.
	bob.Silent("a room")
	bob.Go("about:blank")
	ada.Shows(`document.querySelectorAll(".here li").length === 1`)
	bob.Go(s.URL + "/rooms/hall")
	bob.Shows(`document.querySelectorAll(".messages .mine").length === 1`)
	ada.Shows(both)
	ada.Silent("a room")
}
