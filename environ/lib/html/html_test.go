package html_test

import (
	"strings"
	"sync"
	"testing"

	libhtml "github.com/larkspur-web/larkspur/environ/lib/html"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
	"golang.org/x/net/html"
)

// opened are the values of the module.
var opened = sync.OnceValues(func() (starlark.StringDict, error) {
	return libhtml.Module().Values(new(host.Load))
})

// eval evaluates an expression in which html and x are known.
func eval(t testing.TB, expr string, x starlark.Value) (starlark.Value, error) {
	t.Helper()
	values, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	env := starlark.StringDict{"html": values["html"], "x": x}
	return starlark.EvalOptions(&syntax.FileOptions{Set: true}, new(starlark.Thread), "x", expr, env)
}

// document is a page with what stands in its head behind the usual, and its body.
func document(head, body string) string {
	return "<!DOCTYPE html>\n" + `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" ` +
		`content="width=device-width, initial-scale=1">` + head + `</head>` + body + `</html>`
}

// TestHarmless verifies that what is written as something harmless is said, with what to write.
func TestHarmless(t *testing.T) {
	values, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	for expr, want := range map[string]string{
		`html.a(href = "javascript:x")`: `html.a: href = "javascript:x" can load or run something, and is written as ` +
			`"#ZgotmplZ"; write html.raw(...) around what is yours and trusted`,
		`html.img(src = "data:image/svg+xml,x")`: `html.img: src = "data:image/svg+xml,x" can load or run something, ` +
			`and is written as "#ZgotmplZ"; write html.raw(...) around what is yours and trusted`,
		`html.p(style = "background: url(x)")`: `html.p: style = "background: url(x)" can load or run something, and ` +
			`is written as "ZgotmplZ"; write html.raw(...) around what is yours and trusted`,
		`html.a(href = "https://x", title = "ZgotmplZ")`: "",
		`html.img(src = "data:image/png;base64,AAAA")`:   "",
	} {
		said := ""
		thread := &starlark.Thread{Print: func(_ *starlark.Thread, text string) { said += text }}
		env := starlark.StringDict{"html": values["html"]}
		if _, err := starlark.EvalOptions(&syntax.FileOptions{}, thread, "x", expr, env); err != nil || said != want {
			t.Errorf("%s: %v\n got %s\nwant %s", expr, err, said, want)
		}
	}
}

// TestElements writes elements.
func TestElements(t *testing.T) {
	for expr, want := range map[string]string{
		`html.p()`: `<p></p>`,
		`html.p("a", 1, 2.5, None, False, True, b"<")`:                          `<p>a12.5True&lt;</p>`,
		`html.p(["a", [html.b("c"), ("d",)]], set([1]))`:                        `<p>a<b>c</b>d1</p>`,
		`html.p(html.raw("<i>"), html.fragment(1, 2))`:                          `<p><i>12</p>`,
		`html.div(html.p("text", class_ = "a"), id = "x")`:                      `<div id="x"><p class="a">text</p></div>`,
		`html.label("a", for_ = "b", data_user_id = 1)`:                         `<label for="b" data-user-id="1">a</label>`,
		`html.input(disabled = True, checked = False, name = None, value = "")`: `<input disabled value="">`,
		`html.p(aria_hidden = True, aria_busy = False, aria_label = None)`:      `<p aria-hidden="true" aria-busy="false"></p>`,
		`html.p(draggable = False, hidden = False)`:                             `<p draggable="false"></p>`,
		`html.p(class_ = ["a", None, "b", False])`:                              `<p class="a b"></p>`,
		`html.p(class_ = {"a": True, "b": 0, "c": [1]})`:                        `<p class="a c"></p>`,
		`html.p({"z-y.z": 1, "viewBox": "0 0"}, "t")`:                           `<p z-y.z="1" viewBox="0 0">t</p>`,
		`html.p(style = {"color": "red", "margin": 0, "top": None})`:            `<p style="color: red; margin: 0"></p>`,
		`html.p(style = "width: calc(1px + 2%)")`:                               `<p style="width: calc(1px + 2%)"></p>`,
		`html.p(style = "background: url(x)")`:                                  `<p style="ZgotmplZ"></p>`,
		`html.p(style = html.raw("background: url('x')"))`:                      `<p style="background: url(&#39;x&#39;)"></p>`,
		`html.a(href = "javascript:x")`:                                         `<a href="#ZgotmplZ"></a>`,
		`html.a(href = html.raw("javascript:x('y')"))`:                          `<a href="javascript:x(&#39;y&#39;)"></a>`,
		`html.a(href = "mailto:a@b"), html.a(href = "tel:1")`:                   ``,
		`html.a(href = "/a:b?c=d&e")`:                                           `<a href="/a:b?c=d&amp;e"></a>`,
		`html.a(href = "HTTPS://x")`:                                            `<a href="HTTPS://x"></a>`,
		`html.img(srcset = "a.png 1x, javascript:x 2x")`:                        `<img srcset="a.png 1x,#ZgotmplZ">`,
		`html.p(onclick = html.raw("f('a')"))`:                                  `<p onclick="f(&#39;a&#39;)"></p>`,
		`html.meta(content = "0; URL='/a'")`:                                    `<meta content="0; URL=&#39;/a&#39;">`,
		`html.iframe(srcdoc = "<b>")`:                                           `<iframe srcdoc="&amp;lt;b&amp;gt;"></iframe>`,
		`html.iframe(srcdoc = html.b("a"))`:                                     `<iframe srcdoc="&lt;b&gt;a&lt;/b&gt;"></iframe>`,
		`html.textarea("\n</textarea>")`:                                        "<textarea>\n\n&lt;/textarea&gt;</textarea>",
		`html.title(html.raw("<b>&amp;"))`:                                      `<title>&lt;b&gt;&amp;</title>`,
		`html.script(src = "/a.js", async_ = True)`:                             `<script src="/a.js" async></script>`,
		`html.script(html.json("</script><!--"))`:                               `<script>"\u003c/script\u003e\u003c!--"</script>`,
		`html.style(html.raw("p > a { color: red }"))`:                          `<style>p > a { color: red }</style>`,
		`html.del_("a"), html.br()`:                                             ``,
		`html.br()`:                                                             `<br>`,
		`html.document("Hi", title = "<T>", lang = "de", head = [html.link(rel = "icon")], class_ = "x")`: `<!DOCTYPE html>` + "\n" +
			`<html lang="de"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>&lt;T&gt;</title><link rel="icon"></head><body class="x">Hi</body></html>`,
		`html.document(html.body("Hi", class_ = "x"), title = "T")`: document(`<title>T</title>`, `<body class="x">Hi</body>`),
		`html.document(html.head(html.title("T"), html.link(rel = "icon")), html.body("Hi"))`: document(
			`<title>T</title><link rel="icon">`, `<body>Hi</body>`),
		`html.document("Hi", head = html.head(html.title("T")))`:       document(`<title>T</title>`, `<body>Hi</body>`),
		`html.document("Hi", head = [html.title("T"), html.meta()])`:   document(`<title>T</title><meta>`, `<body>Hi</body>`),
		`html.document("Hi", title = "U", head = [html.base()])`:       document(`<title>U</title><base>`, `<body>Hi</body>`),
		`html.img(src = "data:image/png;base64,iVBORw0KGgo=")`:         `<img src="data:image/png;base64,iVBORw0KGgo=">`,
		`html.img(src = "DATA:Image/AVIF;base64,AAAA")`:                `<img src="DATA:Image/AVIF;base64,AAAA">`,
		`html.video(poster = "data:image/webp;base64,AAAA")`:           `<video poster="data:image/webp;base64,AAAA"></video>`,
		`html.img(src = "data:image/svg+xml,<svg onload='alert(1)'>")`: `<img src="#ZgotmplZ">`,
		`html.img(src = "data:image/png,a;base64/text/html")`:          `<img src="data:image/png,a;base64/text/html">`,
		`html.img(src = "data:text/html,<script>1</script>")`:          `<img src="#ZgotmplZ">`,
		`html.img(src = "data:image/png")`:                             `<img src="#ZgotmplZ">`,
		`html.a(href = "data:image/png;base64,AAAA")`:                  `<a href="#ZgotmplZ"></a>`,
		`html.iframe(src = "data:image/png;base64,AAAA")`:              `<iframe src="#ZgotmplZ"></iframe>`,
		`html.raw(html.b("x"))`:                                        `<b>x</b>`,
	} {
		v, err := eval(t, expr, starlark.None)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if m, ok := v.(host.Markup); want != "" && (!ok || m.HTML() != want) {
			t.Errorf("%s:\n got %s\nwant %s", expr, v, want)
		}
	}
}

// TestMisuse is wrong use by the author, who is told what to write.
func TestMisuse(t *testing.T) {
	for expr, want := range map[string]string{
		`html.br("a")`:                                  "html.br: <br> has no children",
		`html.p(len)`:                                   "html.p: a child is the function len: call it",
		`html.p([{"a": 1}])`:                            "a list of children has a dict",
		`html.p(x)`:                                     "a child is thing, neither text nor a number",
		`html.p(title = x)`:                             "html.p: title: the value is thing, not a string",
		`html.p(title = [["a"]])`:                       "a list of values has list in it",
		`html.p({1: 2})`:                                "a dict of attributes has the key int",
		`html.p({"a b": 2})`:                            `"a b" is not the name of an attribute`,
		`html.p({"class": 2}, class_ = 1)`:              "the attribute class is given twice",
		`html.p(onclick = "f()")`:                       "onclick: it is a program, which is trusted: write html.raw(...)",
		`html.p(hx_on_click = "f()")`:                   "it is a program",
		`html.p(title = {"a": 1})`:                      "only class and style take a dict",
		`html.script("f()")`:                            "<script> takes no text, which is not escaped there",
		`html.style(1)`:                                 "<style> takes no text",
		`html.script(html.b())`:                         "<script> has no elements in it",
		`html.script(html.raw("</Script>"))`:            `has "</script" in it`,
		`html.title(html.b())`:                          "<title> has no elements in it",
		`html.element("x y")`:                           `"x y" is not the name of an element`,
		`html.element("xmp")`:                           "<xmp> is not in HTML any more",
		`html.element("SCRIPT", "f()")`:                 "takes no text",
		`html.element("svg:script", "f()")`:             "takes no text",
		`html.element()`:                                "name it",
		`html.element(1)`:                               "the name is int",
		`html.fragment(id = 1)`:                         "it has no attribute",
		`html.fragment({"id": 1})`:                      "it has no attributes",
		`html.raw(1)`:                                   "text is int, not a string",
		`html.json(len)`:                                "cannot encode",
		`html.p("x" * (33 << 20))`:                      "the HTML is larger than 32 MiB",
		`html.p(title = "x" * (33 << 20))`:              "the HTML is larger than 32 MiB",
		`html.escape("<" * (9 << 20))`:                  "the HTML is larger than 32 MiB",
		`html.document("x", lang = x)`:                  "lang: the value is thing",
		`html.document(html.body("x"), html.p())`:       "html.document: it makes the <body> itself, and a child is another: write what is in that",
		`html.document(html.body("x"), class_ = "a")`:   "html.document: it makes the <body> itself",
		`html.document([html.body("x")])`:               "html.document: it makes the <body> itself",
		`html.document(html.document("x"))`:             "html.document: a child is a whole document: write what is in its body",
		`html.document(html.element("html", "x"))`:      "html.document: it makes the <html> itself",
		`[html.p(y) for y in [["x" * (16 << 20)] * 3]]`: "the HTML is larger than 32 MiB",
	} {
		_, err := eval(t, expr, thing{"thing"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %.300v, want %s", expr, err, want)
		}
	}
}

// TestNesting bounds elements in elements, and lists in lists.
func TestNesting(t *testing.T) {
	for name, want := range map[string]string{
		"div":      "elements are nested more than 1000 deep",
		"fragment": "elements are nested more than 1000 deep",
		"double":   "the HTML is larger than 32 MiB",
	} {
		var v starlark.Value = starlark.String("word")
		var err error
		for range 2000 {
			expr := "html." + name + "(x)"
			if name == "double" {
				expr = "html.p(x, x)"
			}
			if v, err = eval(t, expr, v); err != nil {
				break
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	list := starlark.NewList(nil)
	if err := list.Append(list); err != nil {
		t.Fatal(err)
	}
	if _, err := eval(t, "html.p(x)", list); err == nil || !strings.Contains(err.Error(), "lists are nested more than 100 deep") {
		t.Errorf("a list in itself: %v", err)
	}
}

// FuzzElement makes elements of any names and values: what comes out has one element of that name,
// with that attribute and that text.
func FuzzElement(f *testing.F) {
	for _, seed := range [][4]string{
		{"p", "title", "a", "b"}, {"my-card", "data-x", `"><script>`, "</p>"}, {"script", "src", "javascript:x", ""},
		{"a", "href", "java\tscript:x", "x"}, {"svg", "@click", "x", "x"}, {"p", "onclick", "x", "x"}, {"p", "style", "a:url(x)", "x"},
		{"iframe", "srcdoc", "<script>", ""}, {"p", "a=b", "x", "x"}, {"plaintext", "a", "x", "x"}, {"p", "x/y", "\x00", "\xff"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, name, attr, value, text string) {
		x := starlark.Tuple{starlark.String(name), starlark.String(attr), starlark.String(value), starlark.String(text)}
		v, err := eval(t, `html.div(html.element(x[0], x[3], {x[1]: x[2]}))`, x)
		if err != nil {
			if host.Panicked(err) {
				t.Error(err)
			}
			return
		}
		page := "<!DOCTYPE html><body>" + v.(host.Markup).HTML() + "<hr>"
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || !strings.EqualFold(a.Key, attr) && !strings.HasSuffix(strings.ToLower(attr), ":"+a.Key) {
					t.Errorf("%s has the attribute %s", page, a.Key)
				}
				if scheme, _, _ := strings.Cut(strings.TrimSpace(a.Val), ":"); a.Key == "href" && strings.EqualFold(scheme, "javascript") {
					t.Errorf("%s leads to a program", page)
				}
			}
			if n.Data == "script" && n.FirstChild != nil {
				t.Errorf("%s has a script", page)
			}
		}
	})
}

// A thing is a value that HTML has no form for.
type thing struct{ host.Object }

// TestUnescape: the texts on the right are what Python 3.11's html.unescape returns.
func TestUnescape(t *testing.T) {
	vars, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ text, want string }{
		{"", ""}, {"a & b", "a & b"}, {"&lt;&#60;&#x3c;&#X3C&#060g", "<<<<<g"}, {"&amp;#60;", "&#60;"},
		{"&notit; &notin; &nope;", "\u00acit; \u2209 &nope;"}, {"&AMP &copy", "& \u00a9"},
		{"&nLt;&nGt;&amp;nLt;", "\u226a\u20d2\u226b\u20d2&nLt;"},
		{"&# &#; &#x &#x; &#xg; &#-1; &&#65;&", "&# &#; &#x &#x; &#xg; &#-1; &A&"},
		{"a&#1;&#11;&#31;&#127;&#xFFFE;&#x10ffff;&#xfdd0;b", "ab"}, {"&#9;&#10;&#12;&#13;", "\t\n\f\r"},
		{"&#128;&#150;&#x9f;&#x81;", "\u20ac\u2013\u0178\u0081"},
		{"&#0;&#xd800;&#x110000;&#99999999999999999999;", "\ufffd\ufffd\ufffd\ufffd"},
		{"&#x1F600;&#xFDCF;&#xfffd;", "\U0001f600\ufdcf\ufffd"},
	} {
		args := starlark.Tuple{starlark.String(test.text)}
		v, err := starlark.Call(new(starlark.Thread), vars["unescape"], args, nil)
		if err != nil || v != starlark.String(test.want) {
			t.Errorf("unescape(%q) = %v, %v; want %q", test.text, v, err, test.want)
		}
	}
}
