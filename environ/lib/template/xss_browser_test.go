package template_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// attacked is how a page notes that something ran which should not have. An address without a path
// is not the page again, and nothing is loaded from elsewhere.
const attacked = `<!DOCTYPE html><html><head><meta charset="utf-8"><base href="/base/">
<meta http-equiv="Content-Security-Policy" content="img-src 'self'; frame-src 'self' data:; object-src 'self' data:"><script>
window.ran = [];
window.xss = window.alert = function () { ran.push(document.currentScript ? document.currentScript.outerHTML : new Error().stack); };
window.use = function (x) { return x; };
window.addEventListener("submit", e => e.preventDefault(), true);
window.addEventListener("click", e => { if (e.target.closest("a, button")) e.preventDefault(); }, true);
</script></head><body>
`

// provoke has every element of the page be used, and returns what ran, and which addresses lead to a
// program.
const provoke = `(() => {
	const bad = [...ran];
	for (const e of document.querySelectorAll("body *")) {
		for (const a of ["href", "src", "action", "formAction", "data"]) {
			let v = e[a];
			if (v && v.baseVal !== undefined) v = v.baseVal;
			if (typeof v === "string" && /^(javascript|vbscript|data|view-source):/i.test(v)) bad.push(a + "=" + v);
		}
		for (const type of ["mouseover", "focus", "error", "load", "toggle", "begin", "click", "start", "pageshow"]) {
			e.dispatchEvent(new Event(type, { bubbles: false, cancelable: true }));
		}
	}
	return bad.concat(ran).slice(0, 5).join("\n---\n");
})()`

// TestVectorsInBrowser writes every vector into every place of one page for each module, and has a
// browser load and use it: nothing of it runs.
func TestVectorsInBrowser(t *testing.T) {
	racetest.Skip(t)
	all := vectors(t)
	pages := map[string]string{
		// What shows that the page notices.
		"/caught": attacked + `<img src="x:x" onerror="xss()"><a href="javascript:xss()">a</a>`,
	}
	for module, list := range map[string][]place{"template": places, "html": made} {
		var page strings.Builder
		page.WriteString(attacked)
		for _, p := range list {
			write := templated
			if module == "html" {
				write = elements
			}
			w := write(t, p.text)
			for i, v := range all {
				if frames(p.text) && i%4 != 0 && !strings.Contains(strings.ToLower(v), "script:") {
					continue // each is a page to load
				}
				if out, err := w(v); err == nil {
					fmt.Fprintf(&page, "<div>%s</div>\n", out)
				}
			}
		}
		pages["/"+module] = page.String()
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if page, ok := pages[r.URL.Path]; ok {
			_, _ = io.WriteString(w, page)
		} else {
			w.WriteHeader(http.StatusNoContent) // what the vectors load
		}
	}))
	defer s.Close()
	b := browsertest.Open(t, nil)
	b.Go(s.URL + "/caught")
	b.Shows(`document.readyState === "complete" && ran.length > 0`)
	if got := browsertest.Value[string](b, provoke); !strings.Contains(got, "href=javascript:xss()") {
		t.Fatalf("the page does not notice: %q", got)
	}
	for module := range map[string][]place{"template": places, "html": made} {
		b.Go(s.URL + "/" + module)
		b.Shows(`document.readyState === "complete" && document.querySelectorAll("body > div").length > 1000`)
		if got := browsertest.Value[string](b, provoke); got != "" {
			t.Errorf("%s: this ran: %s", module, got)
		}
	}
}

// frames reports whether a place is a page in a page.
func frames(text string) bool {
	return strings.Contains(text, "iframe") || strings.Contains(text, "object")
}
