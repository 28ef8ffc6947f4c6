package apps_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A browser is a tab of headless Chromium, and what its console has said.
type browser struct {
	t   *testing.T
	tab context.Context

	mu       sync.Mutex
	messages []string
}

// patience is how long a page may take to show what it must.
const patience = time.Minute

// browse opens a browser. It trusts the certificate of s, if s has one.
func browse(t *testing.T, s *site) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("LARKSPUR_REQUIRE_PEERS") == "1" {
			t.Fatal("chromium is not installed, and LARKSPUR_REQUIRE_PEERS=1 asks for it")
		}
		t.Skip("NOT TESTED IN A BROWSER: chromium is not installed")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	}
	if s.Certificate() != nil {
		key := sha256.Sum256(s.Certificate().RawSubjectPublicKeyInfo)
		options = append(options, chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(key[:])))
	}
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	tab, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &browser{t: t, tab: tab}
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chromedp.Cancel(tab) }) // before its directory is removed
	console := chromedp.Console(tab)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.messages = append(b.messages, m.String())
			b.mu.Unlock()
		}
	}()
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// shows waits until the expression is true of the page. It may fail before that: a frame that loads has no body.
func (b *browser) shows(expression string) {
	b.t.Helper()
	b.do(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[bool]("(() => { try { return !!("+expression+") } catch { return false } })()", chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience))(ctx, target)
		return chromedp.Void{}, err
	})
}

// value evaluates an expression in the page.
func value[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.tab, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// silent holds that the console has said nothing.
func (b *browser) silent(page string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		b.t.Errorf("%s: the console says: %s", page, m)
	}
	b.messages = nil
}

// TestBrowser loads each page, wide and as narrow as a phone, and looks at it.
func TestBrowser(t *testing.T) {
	s := start(t, "tour/app.star", "")
	b := browse(t, s)
	for _, width := range []int64{1280, 360} {
		for _, name := range tourPages {
			b.do(chromedp.EmulateViewport(width, 800), chromedp.Navigate(s.URL+"/"+name))
			b.shows(`document.readyState === "complete"`)
			if title := value[string](b, "document.title"); !strings.Contains(title, "Larkspur") {
				t.Errorf("%s: the title is %q", name, title)
			}
			if over := value[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s is %d pixels wider than a screen of %d", name, over, width)
			}
			if font := value[string](b, `getComputedStyle(document.querySelector(".lead")).fontSize`); font == "16px" {
				t.Errorf("%s has no style", name)
			}
			if frames := value[int](b, "Array.from({ length: frames.length }, (_, i) => frames[i]).filter(f => !f.document.body.textContent.trim()).length"); frames > 0 {
				t.Errorf("%s: %d frames are empty", name, frames)
			}
			if width < 500 && !value[bool](b, `(r => r.left >= 0 && r.right <= innerWidth)(document.querySelector("[aria-current]").getBoundingClientRect())`) {
				t.Errorf("%s: its name is out of sight", name)
			}
			b.silent(name)
		}
	}
}

// TestDemonstrations uses what the pages offer.
func TestDemonstrations(t *testing.T) {
	s := start(t, "tour/app.star", "")
	b := browse(t, s)
	click := func(selector string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(selector)) }

	b.do(chromedp.Navigate(s.URL+"/environ"), click("form button"))
	b.shows(`frames[0].document.body.textContent.includes('QUERY_STRING: "q=larks+%26+spurs"')`)
	b.do(click("a[href*=caf]"))
	b.shows(`frames[0].document.body.textContent.includes('PATH_INFO: "/café"')`)

	b.do(chromedp.Navigate(s.URL + "/form"))
	b.shows(`frames[0].document.forms[0]`)
	value[bool](b, `(f => { f.name.value = "<script>x</script>"; f.likes[1].click(); f.querySelector("button").click(); return true })(frames[0].document.forms[0])`)
	b.shows(`frames[0].document.body.textContent.includes("<script>x</script>") && frames[0].document.body.textContent.includes("spurs")`)

	b.do(chromedp.Navigate(s.URL+"/stream"), click("[data-stream$=written]"))
	b.shows(`/^0\.\d\d  line 1, made at .*\n0\.\d\d  line 2/.test(document.getElementById("stream").textContent)`)
	b.do(click("[data-stop]"))
	b.shows(`document.getElementById("stream").textContent.endsWith("left\n")`)

	b.do(chromedp.Navigate(s.URL+"/static"), click("[data-probe]"))
	b.shows(`[...document.getElementById("probe").rows].map(r => r.cells[1].textContent.slice(0, 3)).join() === "200,304,206,206"`)

	b.do(chromedp.Navigate(s.URL+"/mount"), click("a[href$=admin\\/]"))
	b.shows(`frames[0].document.body.textContent.includes('SCRIPT_NAME: "/live/mount/blog/admin"')`)

	b.do(chromedp.Navigate(s.URL + "/lint"))
	b.shows(`frames[0].document.forms[0]`)
	value[bool](b, `(f => { f.app.value = "text"; f.querySelector("button").click(); return true })(frames[0].document.forms[0])`)
	b.shows(`frames[0].document.body.textContent.includes("returned string")`)

	b.do(chromedp.Navigate(s.URL+"/reload"), click("[data-poll]"))
	b.shows(`/[1-9]\d* seconds ago/.test(frames[0].document.body.textContent)`)
	b.silent("the demonstrations")

	// The errors that are asked for are the console's business too.
	b.do(chromedp.Navigate(s.URL+"/catch"), click("form button"))
	b.shows(`frames[0].document.body.textContent.includes("division by zero")`)
	b.do(click("[formaction]"))
	b.shows(`frames[0].document.body.textContent.includes("500 Internal Server Error")`)
}

// TestHintsInBrowser holds that the example's page tells what Chromium has measured of its 103. What Chromium does with
// it is its own affair, and not the same each time.
func TestHintsInBrowser(t *testing.T) {
	s := serve(t, "tour/app.star", "", "")
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	b := browse(t, s)
	b.do(chromedp.Navigate(s.URL + "/live/hints/"))
	b.shows(`document.getElementById("verdict").textContent`)
	said := value[string](b, "document.body.innerText")
	if !regexp.MustCompile(`The hint came after\s+\d{1,3} ms`).MatchString(said) || strings.Contains(said, "did not use the hint") {
		t.Errorf("it says: %s", said)
	}
	b.silent("early hints")
}
