package xml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/xml"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// eval evaluates an expression in which parse is known, and text.
func eval(t testing.TB, expr, text string) (starlark.Value, error) {
	t.Helper()
	env, err := xml.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	env["text"] = starlark.String(text)
	return starlark.EvalOptions(&syntax.FileOptions{Recursion: true}, new(starlark.Thread), "expr", expr, env)
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ text, expr, want string }{
		{"<a/>", "(x.tag, x.attrib, x.text, x.tail, len(x))", `("a", {}, None, None, 0)`},
		{`<?xml version="1.0" encoding="UTF-8"?>` + "\n<!-- c --><a>b<!-- d -->e<?f g?></a>\n", "x.text", `"be"`},
		{"\ufeff<a>b</a>", "x.text", `"b"`},
		{"<a>b<c>d</c>e<f/>g</a>", "(x.text, [(y.tag, y.text, y.tail) for y in x])",
			`("b", [("c", "d", "e"), ("f", None, "g")])`},
		{"<a b='c' d=\"e&amp;&#x41;&#66;\"/>", "(x.attrib, x.keys(), x.items(), x.get('b'), x.get('z'), x.get('z', 1))",
			`({"b": "c", "d": "e&AB"}, ["b", "d"], [("b", "c"), ("d", "e&AB")], "c", None, 1)`},
		{"<a>&lt;&gt;&amp;&apos;&quot;&#228;</a>", "x.text", `"<>&'\"ä"`},
		{"<a><![CDATA[<b>&amp;]]></a>", "x.text", `"<b>&amp;"`},
		{`<a xmlns="urn:x" xmlns:p="urn:y"><p:b p:c="d" e="f" xml:lang="g"/></a>`,
			"(x.tag, x[0].tag, x[0].attrib, x.attrib)",
			`("{urn:x}a", "{urn:y}b", {"{urn:y}c": "d", "e": "f", "{http://www.w3.org/XML/1998/namespace}lang": "g"}, {})`},
		{"<a><b/><c/></a>", "(x[1].tag, x[-1].tag, bool(x[0]), type(x), str(x))",
			`("c", "c", True, "xml.element", "<xml.element a>")`},
		{"<a>1<b>2<c>3</c>4</b>5</a>", "(x.itertext(), [y.tag for y in x.iter()], [y.tag for y in x.iter('c')])",
			`(["1", "2", "3", "4", "5"], ["a", "b", "c"], ["c"])`},
		{"<a><b>1</b><b/></a>", "(x.findtext('b'), x.findtext('c'), x.findtext('c', 0), x.findall('b')[1].text, x.findtext('b[2]'))",
			`("1", None, 0, None, "")`},
	} {
		v, err := eval(t, "(lambda x: "+test.expr+")(parse(text))", test.text)
		if err != nil || v.String() != test.want {
			t.Errorf("%s of %q\n got %v, %v\nwant %s", test.expr, test.text, v, err, test.want)
		}
	}
}

func TestFind(t *testing.T) {
	const text = `<r><a i="1"><b>x</b><b>y</b></a><a i="2"><c><b>z</b></c></a><d><a i="3"/></d></r>`
	for _, test := range []struct{ path, want string }{
		{"a", `["1", "2"]`}, {"./a", `["1", "2"]`}, {"*", `["1", "2", "d"]`}, {".//a", `["1", "2", "3"]`},
		{"a/b", `["x", "y"]`}, {"a//b", `["x", "y", "z"]`}, {".//b", `["x", "y", "z"]`}, {"*/*", `["x", "y", "c", "3"]`},
		{"a/c/b", `["z"]`}, {"a[1]", `["1"]`}, {"a[2]", `["2"]`}, {"a[last()]", `["2"]`}, {"a[3]", `[]`},
		{"a[@i]", `["1", "2"]`}, {"a[@i='2']", `["2"]`}, {`.//a[@i="3"]`, `["3"]`}, {"a[@i='2'][1]", `["2"]`},
		{"a[c]", `["2"]`}, {"a[b='y']", `["1"]`}, {"a/b[.='y']", `["y"]`}, {"a[c='z']", `["2"]`}, {"a[b][@i='2']", `[]`},
		{".//b[1]", `["x", "z"]`}, {".//*[@i]", `["1", "2", "3"]`}, {"nothing", `[]`}, {".", `["r"]`}, {"d/./a", `["3"]`},
	} {
		v, err := eval(t, fmt.Sprintf(`[e.get("i") or e.text or e.tag for e in parse(text).findall(%q)]`, test.path), text)
		if err != nil || v.String() != test.want {
			t.Errorf("%s\n got %v, %v\nwant %s", test.path, v, err, test.want)
		}
	}
	for path, want := range map[string]string{
		"": "it begins at the element", "/a": "it begins at the element", "//a": "it begins at the element",
		"a/": "no name behind /", "a//": "no name behind /", ".//": "no name behind /", "a///b": "no name behind /",
		"..": "no name of an element", "a/..": "no name of an element", "@i": "no name of an element",
		"a[": "want [...]", "a[]": "want a position", "a[0]": "positions begin at 1", "a[-1]": "positions begin at 1",
		"a[@i=2]": "write the value in quotes", "a[position()=1]": "write the value in quotes", "a]b[": "want",
		"a[@]": "want a position", strings.Repeat("a/", 30) + "a": "more than 10 steps",
		"a" + strings.Repeat("[b]", 30): "more than 10 conditions",
	} {
		if _, err := eval(t, fmt.Sprintf(`parse("<a/>").findall(%q)`, path), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", path, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	r := strings.Repeat
	var attributes strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&attributes, " a%d=''", i)
	}
	for _, test := range []struct{ text, want string }{
		{"", "line 1, column 1: there is no element"}, {"  ", "there is no element"}, {"a", "text outside of the root"},
		{"<a>", "line 1, column 4: unexpected EOF"}, {"<a></b>", "line 1, column 8: element <a> closed by </b>"},
		{"<a>\n<b></a>", "line 2, column"}, {"<a/><b/>", "another root element"}, {"<a/>b", "text outside of the root"},
		{"<a b/>", "attribute name without ="}, {"<a b=c/>", "unquoted or missing attribute value"},
		{"<a b='1' b='2'/>", "the attribute b is there twice"}, {"<a>&nbsp;</a>", "invalid character entity &nbsp;"},
		{"<a>&x;</a>", "invalid character entity &x;"}, {"<a>\x00</a>", "illegal character"}, {"<a>\xff</a>", "invalid UTF-8"},
		{"<a>&#0;</a>", "illegal character"}, {"<a>]]></a>", "unescaped ]]> not in CDATA section"},
		{"<!DOCTYPE a><a/>", "a DTD is not read"},
		{`<!DOCTYPE l [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><l>&b;</l>`, "a DTD is not read"},
		{`<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`, "a DTD is not read"},
		{`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, `it is in "ISO-8859-1": UTF-8 is read`},
		{`<?xml version="1.1"?><a/>`, "unsupported version"}, {`<a/><?xml version="1.0"?>`, "declaration is not at the beginning"},
		{r("<a>", 1_000_000), "nested deeper than 200"}, {"<a>" + r("<b/>", 150_000) + "</a>", "more than 100000 elements and attributes"},
		{"<a" + attributes.String() + "/>", "more than 1000 attributes"}, {"<a>" + r("x", 8<<20) + "</a>", "bytes of XML are more than 8388608"},
	} {
		v, err := eval(t, "parse(text)", test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) || host.Panicked(err) {
			t.Errorf("%.60q\n got %v, %v\nwant %s", test.text, v, err, test.want)
		}
	}
}

// What is within the limits takes no time to speak of.
func TestQuick(t *testing.T) {
	r := strings.Repeat
	deep := "<r>" + r("<a>", 198) + r("<b/>", 30_000) + r("</a>", 198) + "</r>"
	for expr, text := range map[string]string{
		"parse(text)":      "<a>" + r("<b c='d'/>", 25_000) + "</a>",
		"parse(text).text": "<a>" + r("x", 2<<20) + "</a>",
		"parse(text).findall('" + r(".//*/", 9) + "*')": deep,
		"parse(text).findall('.//*[*=\"x\"]')":          deep,
		"parse(text).itertext()":                        deep,
	} {
		var err error
		if d := hosttest.CPU(func() { _, err = eval(t, expr, text) }); d > 6*time.Second || err != nil {
			t.Errorf("%s took %v: %v", expr, d, err)
		} else {
			t.Log(expr, d)
		}
	}
}

// FuzzParse verifies that any text is read or refused, and never panics.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"<a/>", "<a b='c'>d<e/>f</a>", "<?xml version='1.0'?><a><![CDATA[x]]></a>", "<a xmlns='x'><b:c/></a>", "<!DOCTYPE a>",
		"<a>&lt;&#65;</a>", "<a", "<a></b>",
	} {
		f.Add(text, ".//*[@a='b'][1]/c")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		if _, err := eval(t, "parse(text).itertext()", text); host.Panicked(err) {
			t.Fatalf("parse(%q): %v", text, err)
		}
		if _, err := eval(t, "parse('<a><b/></a>').findall(text)", path); host.Panicked(err) {
			t.Fatalf("findall(%q): %v", path, err)
		}
	})
}
