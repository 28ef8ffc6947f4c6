package apps_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// TestLinksInBrowser makes links as a visitor does, copies one, looks at its chart, and removes it, without scripts too.
func TestLinksInBrowser(t *testing.T) {
	racetest.Skip(t)
	s := start(t, "test.star", `
load("//links/links.star", "links")
_TITLES = {"https://go.dev/doc/effective_go": "Effective Go - The Go Programming Language", "https://example.com/": "<img src=x onerror=alert(1)>"}
app = links(lambda url: _TITLES.get(url))
`)
	b := browsertest.Open(t, nil)
	b.View(1280, false)
	b.Go(s.URL)
	b.Shows(`document.readyState === "complete" && document.querySelector(".none")`)
	views(b, "links-empty")

	send := func(url, name string) {
		t.Helper()
		b.Shows(fmt.Sprintf(`(f => { f.url.value = %q; f.code.value = %q; return true })(document.querySelector(".make"))`, url, name))
		b.Click(".make button")
	}
	for i, link := range [][2]string{
		{"https://example.com/a/path/that/goes/on/and/on/until/nobody/reads/it?with=a&query=that&does=too&and=more&and=more", ""},
		{"https://www.rfc-editor.org/rfc/rfc9457.html", "problems"},
		{"https://example.com/", "a-name-as-long-as-one-may-be-for-a-link"},
		{"https://go.dev/doc/effective_go", "effective-go"},
	} {
		send(link[0], link[1])
		b.Shows(fmt.Sprintf(`document.readyState === "complete" && document.querySelectorAll(".links li").length === %d`, i+1))
	}
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for range 7 {
		res, err := client.Get(s.URL + "/effective-go")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusFound {
			t.Fatalf("the link answers %s", res.Status)
		}
	}
	b.Go(s.URL)
	b.Shows(`document.readyState === "complete" && document.querySelector(".count").innerText === "7 times"`)
	if !browsertest.Value[bool](b, `document.body.innerText.includes("<img src=x onerror=alert(1)>") && !document.querySelector("img")`) {
		t.Error("a title is not shown as it is")
	}
	views(b, "links-list")

	for does, says := range map[string]string{"window.copied = text": "Copied", "throw text": "Not copied"} {
		b.Go(s.URL)
		b.Shows(`document.readyState === "complete"`)
		b.Shows(`navigator.clipboard.writeText = async text => { ` + does + ` }`)
		b.Click(".links [data-copy]")
		b.Shows(fmt.Sprintf(`document.querySelector(".links [data-copy]").innerText === %q`, says))
		if says == "Copied" && !browsertest.Value[bool](b, `copied === location.origin + "/effective-go"`) {
			t.Error("the link is not what was copied")
		}
	}
	b.Silent("the list")

	send("javascript:alert(1)", "")
	b.Shows(`document.readyState === "complete" && document.querySelector("[role=alert]")`)
	views(b, "links-wrong")
	for _, line := range b.Console() {
		if !strings.Contains(line, "status of 422") {
			t.Errorf("the console says: %s", line)
		}
	}

	b.Go(s.URL + "/effective-go+")
	b.Shows(`document.readyState === "complete" && document.querySelector(".some")`)
	views(b, "links-chart")
	if !browsertest.Value[bool](b, `document.querySelector(".some").getBoundingClientRect().height > 100`) {
		t.Error("the chart has no bar")
	}
	b.Silent("the chart")

	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.Go(s.URL + "/effective-go+")
	b.Click("form button")
	b.Shows(`document.querySelectorAll(".links li").length === 3`)
	if !browsertest.Value[bool](b, `[...document.querySelectorAll("[data-copy]")].every(e => e.hidden)`) {
		t.Error("without scripts there are buttons that do nothing")
	}
}
