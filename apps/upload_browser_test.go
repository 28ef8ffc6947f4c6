package apps_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// views looks at the page as each screen shows it, light and dark.
func views(b *browsertest.Tab, name string) {
	for _, width := range browsertest.Widths {
		for _, dark := range []bool{false, true} {
			view := fmt.Sprintf("%s-%d-%s", name, width, map[bool]string{false: "light", true: "dark"}[dark])
			b.View(width, dark)
			b.Shoot(view)
			b.Look(view)
		}
	}
	b.View(1280, false)
}

// watched has the page note what its progress bars say.
const watched = `(() => {
	window.bars = [];
	new MutationObserver(changes => changes.forEach(c => {
		if (c.target.matches("progress")) bars.push(c.target.value);
	})).observe(document.querySelector(".sent"), { subtree: true, attributes: true, attributeFilter: ["value"] });
	return true;
})()`

// dropped is an expression that drops files on the page, each given by a name, a type and a content.
func dropped(files ...string) string {
	return fmt.Sprintf(`(files => {
	const data = new DataTransfer();
	for (let i = 0; i < files.length; i += 3)
		data.items.add(new File([files[i + 2]], files[i], { type: files[i + 1] }));
	const event = type => new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
	document.body.dispatchEvent(event("dragover"));
	const over = document.querySelector("form.over");
	document.body.dispatchEvent(event("drop"));
	return over !== null && !document.querySelector("form.over");
})(JSON.parse(%q))`, jsonOf(files))
}

func jsonOf(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

// lists is an expression that is true of a page that lists files in this order.
func lists(names ...string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".kept a")].map(a => a.textContent).join() === %q &&
		!document.querySelector(".sent li")`, strings.Join(names, ","))
}

// TestUploadInBrowser shares files as a visitor does: by the field, by dropping them, without scripts.
func TestUploadInBrowser(t *testing.T) {
	racetest.Skip(t)
	s := start(t, "upload.star", "")
	b := browsertest.Open(t, nil)
	b.View(1280, false)
	dir := t.TempDir()
	notes, plain := filepath.Join(dir, "notes.txt"), filepath.Join(dir, "plain.txt")
	for _, name := range []string{notes, plain} {
		if err := os.WriteFile(name, []byte(strings.Repeat("A line of the notes, which is not very long.\n", 100)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	b.Go(s.URL)
	b.Shows(`document.readyState === "complete" && document.querySelector(".none")`)
	views(b, "upload-empty")

	b.Shows(watched)
	b.Do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{notes}))
	b.Shows(lists("notes.txt"))
	if bars := browsertest.Value[[]float64](b, "bars"); len(bars) == 0 || bars[len(bars)-1] != 1 {
		t.Errorf("the progress was %v", bars)
	}

	// What is dropped has hostile names and contents, and is kept for a week.
	const evil = `<img src=x onerror=parent.evil=1>.html`
	b.Click(`.ages label:nth-of-type(3)`)
	if !browsertest.Value[bool](b, dropped(evil, "text/html", "<script>parent.evil = 1</script>",
		"drawing.png", "image/png", "<svg xmlns='http://www.w3.org/2000/svg' onload='evil = 1'/>")) {
		t.Error("the page does not show that files are over it")
	}
	b.Shows(`document.querySelectorAll(".kept li").length === 3 && document.body.innerText.includes("7 days left")`)
	if !browsertest.Value[bool](b, `[...document.querySelectorAll(".kept a")].some(a => a.textContent === "`+evil+`")`) {
		t.Error("a name is not shown as it is")
	}
	// A picture that is one.
	if !browsertest.Value[bool](b, `(() => {
		const canvas = document.createElement("canvas");
		[canvas.width, canvas.height] = [640, 360];
		const c = canvas.getContext("2d");
		const g = c.createLinearGradient(0, 0, 640, 360);
		g.addColorStop(0, "#4b3fb5"); g.addColorStop(1, "#f3b06a");
		c.fillStyle = g; c.fillRect(0, 0, 640, 360);
		canvas.toBlob(blob => {
			const data = new DataTransfer();
			data.items.add(new File([blob], "an evening in the hills.png", { type: "image/png" }));
			document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
		});
		return true;
	})()`) {
		t.Error("there is no canvas")
	}
	b.Shows(`document.querySelectorAll(".kept li").length === 4`)
	views(b, "upload-list")

	// What the server does not take is said beside what it has.
	b.Shows(`(() => {
		const data = new DataTransfer();
		data.items.add(new File([new Uint8Array(11 << 20)], "large.bin"));
		data.items.add(new File(["small"], "small.txt", { type: "text/plain" }));
		document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
		return true;
	})()`)
	b.Shows(`document.querySelector(".sent .failed") && document.querySelectorAll(".kept li").length === 5 &&
		document.querySelectorAll(".sent li").length === 1`)
	views(b, "upload-failed")
	for _, line := range b.Console() {
		if !strings.Contains(line, "status of 413") {
			t.Errorf("the console says: %s", line)
		}
	}

	open := func(name string) string {
		t.Helper()
		b.Go(s.URL)
		b.Shows(`document.readyState === "complete"`)
		b.Shows(`(() => { const a = [...document.querySelectorAll(".kept a")].find(a => a.textContent === "` + name + `"); a.click(); return true })()`)
		b.Shows(`document.querySelector("h1.name")?.textContent === "` + name + `" && document.readyState === "complete"`)
		return browsertest.Value[string](b, `document.getElementById("link").value`)
	}
	open("notes.txt")
	b.Shows(`document.querySelector("pre").textContent.startsWith("A line of the notes")`)
	if !browsertest.Value[bool](b, `!document.querySelector("[data-copy]").hidden && document.getElementById("link").value === location.href`) {
		t.Error("the link cannot be copied")
	}
	views(b, "upload-text")
	open("an evening in the hills.png")
	b.Shows(`document.querySelector(".picture img").naturalWidth === 640`)
	views(b, "upload-image")
	open(evil)
	b.Shows(`document.querySelector("pre").textContent.includes("<script>")`)
	views(b, "upload-html")
	b.Silent("the pages of files")

	// What is no picture is none, and what is opened by itself runs nothing.
	at := open("drawing.png")
	b.Shows(`document.querySelector(".picture img").complete`)
	if browsertest.Value[bool](b, `document.querySelector(".picture img").naturalWidth > 0 || "evil" in window`) {
		t.Error("what is no picture is shown as one")
	}
	b.Go(at + "/view")
	if browsertest.Value[bool](b, `"evil" in window`) {
		t.Error("what was uploaded has run")
	}
	got := browsertest.Value[string](b, `(() => { const x = new XMLHttpRequest(); try { x.open("GET", "/", false); x.send(); return x.responseText } catch { return "refused" } })()`)
	if got != "refused" {
		t.Errorf("what was uploaded may read the site: %s", got)
	}
	b.Says("Connecting to ") // what was refused

	open("small.txt")
	b.Click("form[action$=remove] button")
	b.Shows(`document.querySelectorAll(".kept li").length === 4 && !document.body.innerText.includes("small.txt")`)

	// Without scripts.
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.Go(s.URL)
	b.Do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{plain}))
	b.Click(".send button")
	b.Shows(`document.querySelector("h1.name").textContent === "plain.txt"`)
	b.Click("form[action$=remove] button")
	b.Shows(`document.querySelectorAll(".kept li").length === 4 && !document.body.innerText.includes("plain.txt")`)
	b.Silent("the share")
}
