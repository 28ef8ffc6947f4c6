// Package browsertest opens pages in headless Chromium, for the tests of apps and of cmd/larkspur.
//
// The package is for tests only. It lies below testdata so that it is neither built nor shown with
// the packages of the module.
package browsertest

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what it must.
const patience = time.Minute

// A Tab is one of a browser that tests may share, in a session of its own: it has no cookie, no stored
// file and no cached response of another. It knows what its console has said.
type Tab struct {
	t   *testing.T
	ctx context.Context

	mu   sync.Mutex
	said []string
}

// Open opens a tab that lives as long as the test. It trusts the certificate, unless that is nil.
// Without Chromium the test is skipped, or fails if LARKSPUR_REQUIRE_PEERS is 1.
func Open(t *testing.T, trusted *x509.Certificate) *Tab {
	t.Helper()
	browser, err := shared.browser(t, trusted)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &Tab{t: t, ctx: ctx}
	// It is there with the first step.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.said = append(b.said, m.String())
			b.mu.Unlock()
		}
	}()
	return b
}

// Do does these steps.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// Go opens a page.
func (b *Tab) Go(url string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url))
}

// Click clicks what a CSS selector selects, once it is there.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector)))
		if err == nil {
			return
		}
		// The page may have put another element in the place of the one that was found.
		if ctx.Err() != nil || !strings.Contains(err.Error(), "Could not find node") {
			b.t.Fatal(err)
		}
	}
}

// Shows waits until an expression is true of the page, which may be another one at any time. It may
// fail before that: a frame that loads has no body.
func (b *Tab) Shows(expression string) {
	b.t.Helper()
	truth := "(() => { try { return !!(" + expression + ") } catch { return false } })()"
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) { // the page tells nobody
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](truth))
		if err == nil && ok {
			return
		}
		if time.Since(began) > patience {
			html := chromedp.Evaluate[string]("document.documentElement.outerHTML")
			page, _ := chromedp.Run(b.ctx, html)
			b.t.Fatalf("not shown: %s (%v); the page is\n%s", expression, err, page)
		}
	}
}

// Value evaluates an expression in the page.
func Value[T any](b *Tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Console returns what the console has said since it was asked last.
func (b *Tab) Console() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said
	b.said = nil
	return said
}

// Says waits until the console has said something that contains text, and drops what it has said until
// then.
func (b *Tab) Says(text string) {
	b.t.Helper()
	var all []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		said := b.Console()
		all = append(all, said...)
		if slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, text) }) {
			return
		}
	}
	b.t.Fatalf("the console does not say %q: %q", text, all)
}

// Silent checks that the console has said nothing since it was asked last.
func (b *Tab) Silent(page string) {
	b.t.Helper()
	for _, line := range b.Console() {
		b.t.Errorf("%s: the console says: %s", page, line)
	}
}
