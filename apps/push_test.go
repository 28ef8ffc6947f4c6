package apps_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/push/pushtest"
)

// TestPushApp holds what the application of pushes has clients see: the verdicts of its calls, its
// links, and what is new on a second visit.
func TestPushApp(t *testing.T) {
	for _, entry := range []string{"push.star", "test.star"} {
		s := start(t, entry, linted("push.star"))
		c, err := pushtest.Dial(context.Background(), s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		visit := func(want []string, says ...string) *pushtest.Exchange {
			t.Helper()
			x := c.Get("/")
			if err := x.WaitAll(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range x.Promises {
				got = append(got, p.Request.Target)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: promised %q, want %q", entry, got, want)
			}
			for _, s := range says {
				if !strings.Contains(string(x.Body), s) {
					t.Errorf("%s: the page does not say %q:\n%s", entry, s, x.Body)
				}
			}
			if links := strings.Join(x.Header["Link"], ", "); strings.Contains(links, "facts") || !strings.Contains(links, "push.js") {
				t.Errorf("%s: Link is %q", entry, links)
			}
			return x
		}
		x := visit([]string{"/push.css", "/push.js", "/facts.json"}, "takes pushes", "<code>/push.css</code><td>promised", "<code>/mine.txt</code><td>skipped<td>unverified: its Cache-Control is no-store", "unverified: its status is 404")
		if style := x.Promises[0]; style.Ended >= x.Answered {
			t.Errorf("%s: the style sheet ended at %v, the page began at %v", entry, style.Ended, x.Answered)
		}
		visit(nil, "<code>/push.css</code><td>skipped<td>diary")
		if v := c.Violations(); len(v) > 0 {
			t.Errorf("%s: %v", entry, v)
		}
	}
}

// TestPushInBrowser verifies that Chromium, which takes no pushes, has the hint of the application and
// uses it, and has nothing to complain about. Chromium leaves a hint now and then, when it is busy
// with its start: one use in five fresh starts counts.
func TestPushInBrowser(t *testing.T) {
	racetest.Skip(t)
	s := serve(t, "tour/app.star", "", "")
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	var style string
	for range 5 {
		b := browsertest.Open(t, s.Certificate())
		b.Go(s.URL + "/live/push/")
		b.Shows(`document.getElementById("fact").textContent.includes("nectar") ? "yes" : ""`)
		if hint := browsertest.Value[float64](b, `performance.getEntriesByType("navigation")[0].firstInterimResponseStart`); hint <= 0 {
			t.Error("Chromium has seen no 103")
		}
		b.Silent("push")
		style = browsertest.Value[string](b, `performance.getEntriesByType("resource").filter(e => e.name.endsWith("push.css")).map(e => e.initiatorType).join()`)
		if strings.Contains(style, "early-hints") {
			return
		}
	}
	t.Errorf("the style sheet was fetched for %s", style)
}
