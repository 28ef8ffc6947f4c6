package markdown_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/markdown"
)

func TestRender(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"# Title\n\nA *word*, **two** and `code`.",
			"<h1>Title</h1>\n<p>A <em>word</em>, <strong>two</strong> and <code>code</code>.</p>\n"},
		{"~~old~~", "<p><del>old</del></p>\n"},
		{"see https://example.org/a?b=c&d", `<p>see <a href="https://example.org/a?b=c&amp;d">` +
			"https://example.org/a?b=c&amp;d</a></p>\n"},
		{"|a|b|\n|-|-:|\n|1|2|", "<table>\n<thead>\n<tr>\n<th>a</th>\n" +
			`<th style="text-align:right">b</th>` + "\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n" +
			`<td style="text-align:right">2</td>` + "\n</tr>\n</tbody>\n</table>\n"},
		{"- a\n  - b\n", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>\n"},
		{"> q", "<blockquote>\n<p>q</p>\n</blockquote>\n"},
		{"[a](/b \"c\") ![d](e.png)",
			"<p><a href=\"/b\" title=\"c\">a</a> <img src=\"e.png\" alt=\"d\"></p>\n"},
		{"[a][b]\n\n[b]: #c", "<p><a href=\"#c\">a</a></p>\n"},
		{"<me@example.org>", "<p><a href=\"mailto:me@example.org\">me@example.org</a></p>\n"},
		{"<localhost:5001/foo> <a+b:c&d> <javascript:alert(1)> *<x-y:z>*",
			"<p>localhost:5001/foo a+b:c&amp;d javascript:alert(1) <em>x-y:z</em></p>\n"},
		{"a < b & \"c\" \x00", "<p>a &lt; b &amp; &quot;c&quot; \ufffd</p>\n"},
		{"```js\nalert('x')\n```", "<pre><code class=\"language-js\">alert('x')\n</code></pre>\n"},
	} {
		got, err := markdown.Render(test.text)
		if err != nil || got != test.want {
			t.Errorf("%q\n got %q, %v\nwant %q", test.text, got, err, test.want)
		}
	}
}

// vectors are texts that a page must not be harmed by.
var vectors = []string{
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a <b onclick=alert(1)>b</b>",
	"<svg/onload=alert(1)>", "<div\nonclick=alert(1)>", "<!-- --><script>alert(1)</script>",
	"<?php alert(1) ?>", "<![CDATA[<script>alert(1)</script>]]>", "<!X <script>alert(1)</script>",
	"[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](<javascript:alert(1)>)",
	"[x](<java\tscript:alert(1)>)", "[x](< javascript:alert(1)>)", "[x](<\x01javascript:alert(1)>)",
	"[x](&#106;avascript:alert(1))", "[x](&#x6A;avascript:alert(1))", "[x](javascript&colon;alert(1))",
	"[x](java&Tab;script:alert(1))", "[x](java&NewLine;script:alert(1))", "[x](javascript\\:alert(1))",
	"[x](vbscript:x)", "[x](file:///etc/passwd)", "[x](data:text/html,<script>alert(1)</script>)",
	"![x](data:text/html;base64,PHNjcmlwdD4=)", "![x](javascript:alert(1))",
	"![x\" onerror=\"alert(1)](y)", "[x](y \"\\\" onclick=\\\"alert(1)\")", "[x](y\"onclick=\"alert)",
	"<javascript:alert(1)>", "<data:text/html,x>", "<vbscript:x>", "[x]: javascript:alert(1)\n\n[x]",
	"[x][y]\n\n[y]: <javascript:alert(1)>", "```\" onclick=\"alert(1)\nx\n```",
	"```<script>\nx\n```", "|<script>|\n|-|\n|<img src=x onerror=y>|",
	"[x](view-source:javascript:alert(1))", "[x](blob:x)", "[x](intent:x)", "[x](jar:javascript:x)",
	"[<img src=x onerror=alert(1)>](y)", "http://a\"onclick=\"alert(1)", "www.a.b<script>",
	"[x](&#0000106&#0000097vascript:alert(1))", "[x](\u2028javascript:alert(1))",
	"[x](ｊavascript:alert(1))", "&lt;script&gt;", "\\<script>", "<scr<script>ipt>alert(1)</script>",
	"[a](java&#10;script:alert(1))", "[a](&#1;javascript:alert(1))", "[a](javas&#99;ript:alert(1))",
}

// allowed are the only tags and attributes that come out.
var allowed = regexp.MustCompile(`^</?(p|a|img|em|strong|del|code|pre|h[1-6]|ul|ol|li|blockquote|` +
	`hr|br|table|thead|tbody|tr|th|td)( (href|src|alt|title|class|start|style)="[^"<>]*")*>$`)

var (
	tags      = regexp.MustCompile(`<[^>]*>?`)
	addresses = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	harmless  = regexp.MustCompile(`^$|^(https?|mailto|tel|sms|s?ftp|ircs?|xmpp|matrix|geo|news):|` +
		`^[^:]*$|^[^:]*[/?#]`)
)

func checkSafe(t *testing.T, text, html string) {
	t.Helper()
	for _, tag := range tags.FindAllString(html, -1) {
		if !allowed.MatchString(tag) {
			t.Errorf("%q gives %q, with the tag %q", text, html, tag)
		}
	}
	for _, address := range addresses.FindAllStringSubmatch(html, -1) {
		if !harmless.MatchString(strings.ToLower(address[1])) {
			t.Errorf("%q gives %q, with the address %q", text, html, address[1])
		}
	}
}

func TestRenderIsSafe(t *testing.T) {
	for _, text := range vectors {
		for _, around := range []string{"%s", "> %s", "- %s", "# %s", "*%s*", "a\n%s\nb", "|a|\n|-|\n|%s|"} {
			text := fmt.Sprintf(around, text)
			html, err := markdown.Render(text)
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			checkSafe(t, text, html)
		}
	}
}

// Each of these takes goldmark alone seconds, minutes or a gigabyte; or would, if it were not as
// good as it is.
func TestRenderIsLinear(t *testing.T) {
	racetest.Skip(t)
	const n = 20_000
	r := strings.Repeat
	ticks := func() string {
		var b strings.Builder
		for i := 0; b.Len() < 4*n; i++ {
			b.WriteString("e" + r("`", i))
		}
		return b.String()
	}
	nested := func() string {
		var b strings.Builder
		for i := range 900 {
			b.WriteString(r(" ", 2*i) + "- a\n")
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"quotes": r(">", n), "quotes twice": r("> ", n) + "a\n" + r("> ", n) + "b",
		"lists": r("- ", n) + "a", "numbers": r("1. ", n) + "a", "lists by indentation": nested(),
		"brackets": r("[", n) + "a" + r("]", n), "open brackets": r("[", n),
		"closed brackets": r("]", n), "images": r("![[]()", n), "links": r("[a](", n),
		"links in angles": r("[a](<b", n), "emphasis": r("*a_ ", n), "strong": r("**a *a ", n),
		"stars": r("*", n) + "a" + r("*", n), "mixed": r("_*", n), "strikes": r("~~a~~", n),
		"ticks": ticks(), "code": r("`a``b```", n), "definitions": r("[a]: b\n", n),
		"tags": r("<a ", n), "comments": r("<!-- ", n), "instructions": r("<? ", n),
		"sections": r("<![CDATA[", n), "references": r("&amp", n), "escapes": r("\\", n),
		"wide table":   r("|a", n) + "|\n" + r("|-", n) + "|\n" + r("|a", n) + "|\n",
		"ragged table": r("|a", 1000) + "|\n" + r("|-", 1000) + "|\n" + r("|\n", 20_000),
		"quoted table": "> " + r("|a", 1000) + "|\n> " + r("|-", 1000) + "|\n" + r("> |\n", 20_000),
		"addresses":    r("http://a", n), "hosts": r("www.a.b(", n), "mails": r("a@b.c ", n),
		"titles": r("a\n===\n", n), "fences": r("```\n", n), "blank lines": r("\n", n),
	} {
		var err error
		if d := hosttest.CPU(func() { _, err = markdown.Render(text) }); d > 4*time.Second {
			t.Errorf("%s: %d bytes took %v (%v)", name, len(text), d, err)
		} else {
			t.Log(name, d)
		}
	}
	if _, err := markdown.Render(r("a", markdown.MaxBytes+1)); err == nil {
		t.Error("a text of more than 1 MiB was rendered")
	}
}

// TestMarks: a paragraph has a bounded number of marks, and the next one has its own.
func TestMarks(t *testing.T) {
	html, err := markdown.Render(strings.Repeat("*a* ", 200) + "\n\n*b*")
	if err != nil || strings.Count(html, "<em>") != 129 || !strings.Contains(html, "<em>b</em>") {
		t.Errorf("%d of emphasis, %v: %.200s", strings.Count(html, "<em>"), err, html)
	}
}

// FuzzRender verifies that nothing harmful comes out of any text, and nothing panics.
func FuzzRender(f *testing.F) {
	for _, text := range vectors {
		f.Add(text)
	}
	f.Add("|a|b|\n|-|-|\n|`|`\\||c|\n\n1. x\n   > y\n\n[a]: <b> 'c'\n[a]")
	f.Fuzz(func(t *testing.T, text string) {
		html, err := markdown.Render(text)
		if err == nil {
			checkSafe(t, text, html)
		}
	})
}
