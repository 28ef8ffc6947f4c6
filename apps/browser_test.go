package apps_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// What TestBrowser asks of a page.
const (
	unstyled    = `getComputedStyle(document.querySelector(".lead")).fontSize === "16px"`
	emptyFrames = `Array.from({ length: frames.length }, (_, i) => frames[i])
		.filter(f => !f.document.body.textContent.trim()).length`
	currentShows = `(r => r.left >= 0 && r.right <= innerWidth)(
		document.querySelector("[aria-current]").getBoundingClientRect())`
)

// TestBrowser loads each page, wide and as narrow as a phone, and looks at it.
func TestBrowser(t *testing.T) {
	racetest.Skip(t)
	s := start(t, "tour/app.star", "")
	b := browsertest.Open(t, s.Certificate())
	for _, width := range []int64{1280, 360} {
		for _, name := range tourPages {
			b.Do(chromedp.EmulateViewport(width, 800))
			b.Go(s.URL + "/" + name)
			b.Shows(`document.readyState === "complete"`)
			title := browsertest.Value[string](b, "document.title")
			if !strings.Contains(title, "Larkspur") {
				t.Errorf("%s: the title is %q", name, title)
			}
			over := browsertest.Value[int](b, "document.documentElement.scrollWidth - innerWidth")
			if over > 0 {
				t.Errorf("%s is %d pixels wider than a screen of %d", name, over, width)
			}
			if browsertest.Value[bool](b, unstyled) {
				t.Errorf("%s has no style", name)
			}
			if frames := browsertest.Value[int](b, emptyFrames); frames > 0 {
				t.Errorf("%s: %d frames are empty", name, frames)
			}
			if width < 500 && !browsertest.Value[bool](b, currentShows) {
				t.Errorf("%s: its name is out of sight", name)
			}
			b.Silent(name)
		}
	}
}

// TestDemonstrations uses what the pages offer.
func TestDemonstrations(t *testing.T) {
	racetest.Skip(t)
	s := start(t, "tour/app.star", "")
	b := browsertest.Open(t, s.Certificate())

	b.Go(s.URL + "/environ")
	b.Click("form button")
	b.Shows(`frames[0].document.body.textContent.includes('QUERY_STRING: "q=larks+%26+spurs"')`)
	b.Click("a[href*=caf]")
	b.Shows(`frames[0].document.body.textContent.includes('PATH_INFO: "/café"')`)

	b.Go(s.URL + "/form")
	b.Shows(`frames[0].document.forms[0]`)
	browsertest.Value[bool](b, `(f => {
		f.name.value = "<script>x</script>";
		f.likes[1].click();
		f.querySelector("button").click();
		return true;
	})(frames[0].document.forms[0])`)
	b.Shows(`(text => text.includes("<script>x</script>") && text.includes("spurs"))(
		frames[0].document.body.textContent)`)

	b.Go(s.URL + "/stream")
	b.Click("[data-stream$=written]")
	b.Shows(`/^0\.\d\d  line 1, made at .*\n0\.\d\d  line 2/.test(
		document.getElementById("stream").textContent)`)
	b.Click("[data-stop]")
	b.Shows(`document.getElementById("stream").textContent.endsWith("left\n")`)

	b.Go(s.URL + "/static")
	b.Click("[data-probe]")
	b.Shows(`[...document.getElementById("probe").rows]
		.map(r => r.cells[1].textContent.slice(0, 3)).join() === "200,304,206,206"`)

	b.Go(s.URL + "/mount")
	b.Click("a[href$=admin\\/]")
	b.Shows(`frames[0].document.body.textContent.includes('SCRIPT_NAME: "/live/mount/blog/admin"')`)

	b.Go(s.URL + "/lint")
	b.Shows(`frames[0].document.forms[0]`)
	browsertest.Value[bool](b, `(f => {
		f.app.value = "text";
		f.querySelector("button").click();
		return true;
	})(frames[0].document.forms[0])`)
	b.Shows(`frames[0].document.body.textContent.includes("returned string")`)

	b.Go(s.URL + "/reload")
	b.Click("[data-poll]")
	b.Shows(`/[1-9]\d* seconds ago/.test(frames[0].document.body.textContent)`)
	b.Silent("the demonstrations")

	// The errors that are asked for are the console's business too.
	b.Go(s.URL + "/catch")
	b.Shows(`document.querySelector("[name=by]").value = "0"`)
	b.Click("form button")
	b.Shows(`frames[0].document.body.textContent.includes("division by zero")`)
	b.Click("[formaction]")
	b.Shows(`frames[0].document.body.textContent.includes("500 Internal Server Error")`)
}

// TestHintsInBrowser checks that the example's page tells what Chromium has measured of its 103.
// What Chromium does with it is its own affair, and not the same each time.
func TestHintsInBrowser(t *testing.T) {
	racetest.Skip(t)
	s := serve(t, "tour/app.star", "", "")
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	b := browsertest.Open(t, s.Certificate())
	b.Go(s.URL + "/live/hints/")
	b.Shows(`document.getElementById("verdict").textContent`)
	said := browsertest.Value[string](b, "document.body.innerText")
	measured := regexp.MustCompile(`The hint came after\s+\d{1,3} ms`)
	if !measured.MatchString(said) || strings.Contains(said, "did not use the hint") {
		t.Errorf("it says: %s", said)
	}
	b.Silent("early hints")
}
