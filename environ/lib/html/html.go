// Package html is the host module @html: the elements of HTML as functions, for pages without
// template files. [Module] describes it.
//
// # What is escaped
//
// Everything that is no [host.Markup] is text, and is escaped for the place where it stands:
//
//	a child             as text
//	an attribute        quoted, always
//	an address          as html/template has it: one with a scheme other than http, https, mailto
//	                    and tel is "#ZgotmplZ", which does nothing (href, src, action, ...),
//	                    but the data: of a PNG, JPEG, GIF, WebP, AVIF and the like in img src
//	style               what can load or run something is "ZgotmplZ"
//	srcdoc              as text of the page in the page
//	onclick and others  refused: a string is data, and data is no program; likewise what libraries
//	                    run, attributes that begin with hx-on, x-, v-, ng-, @ or :
//	script, style       refused likewise; data goes in by html.json
//
// What becomes ZgotmplZ is in the log, as what print says is, with the line of the script.
//
// What is made by raw is trusted: it is a child as it is, and as an attribute it is quoted but not
// looked at. An element never changes; it may stand in a global and be a part of many pages.
package html

import (
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// Module describes @html.
func Module() *host.Module {
	return &host.Module{
		Name: "html",
		Doc: "The elements of HTML as functions, whose text and attributes are escaped. " +
			"An element is written by str(), is a value of a template, and the body of " +
			"response.html.",
		Members: append(functions(), members()...),
		Whole:   true,
		Misuse:  environ.Misuse,
	}
}

// functions are the members that are no elements.
func functions() []host.Member {
	return []host.Member{
		rawMember(), escapeMember(), unescapeMember(), jsonMember(), fragmentMember(),
		elementMember(), documentMember(),
	}
}

func rawMember() host.Member {
	return host.Member{
		Name: "raw",
		Doc: "Marks a text as HTML that is trusted, so that it is not escaped. Never pass what a " +
			"client sent.",
		Params:  []host.Param{{Name: "text", Doc: "the HTML", Type: "string"}},
		Result:  "the HTML, as an element is",
		Example: `html.p(html.raw("1&nbsp;km"))  # <p>1&nbsp;km</p>`,
		Pure:    true,
		Fn:      func(a host.Args) (starlark.Value, error) { return raw(a) },
	}
}

func raw(a host.Args) (starlark.Value, error) {
	var v starlark.Value
	if err := a.Unpack(&v); err != nil {
		return nil, err
	}
	if m, ok := v.(host.Markup); ok {
		return host.HTML(m.HTML()), nil
	}
	s, ok := host.Octets(v)
	if !ok {
		return nil, fmt.Errorf("text is %s, not a string", v.Type())
	}
	return host.HTML(s), nil
}

func escapeMember() host.Member {
	return host.Member{
		Name: "escape",
		Doc:  "Replaces & < > \" and ' in a text, as Python's html.escape does.",
		Params: []host.Param{
			{Name: "s", Doc: "the text"},
			{Name: "quote", Doc: "whether quotes are replaced too", Default: starlark.True},
		},
		Result: "a string",
		Errors: []host.Failure{{When: "the result would be longer than 32 MiB"}},
		Example: `html.escape("<a & 'b'>")  # "&lt;a &amp; &#x27;b&#x27;&gt;"
html.escape("'", quote = False)  # "'"`,
		Pure: true,
		Fn: func(s string, quote bool) (string, error) {
			if len(s) > maxSize/6 && escapedSize(s) > maxSize {
				return "", errLarge
			}
			s = noQuotes.Replace(s)
			if quote {
				s = quotes.Replace(s)
			}
			return s, nil
		},
	}
}

var (
	noQuotes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	quotes   = strings.NewReplacer(`"`, "&quot;", "'", "&#x27;")
)

// escapedSize is how long a text is at most when it is escaped.
func escapedSize(s string) int {
	n := len(s)
	for i := range len(s) {
		if strings.IndexByte(`&<>"'`, s[i]) >= 0 {
			n += len("&#x27;") - 1
		}
	}
	return n
}

func unescapeMember() host.Member {
	return host.Member{
		Name:    "unescape",
		Doc:     "Replaces the character references in a text, as Python's html.unescape does.",
		Params:  []host.Param{{Name: "s", Doc: "the text"}},
		Result:  "a string",
		Example: `html.unescape("&lt;a &eacute; &#39;")  # "<a é '"`,
		Pure:    true,
		Fn:      unescape,
	}
}

func jsonMember() host.Member {
	return host.Member{
		Name: "json",
		Doc: "Writes a value as JSON that can stand in a script element: nothing in it ends the " +
			"script.",
		Params: []host.Param{
			{Name: "value", Doc: "what @json can encode", Type: "any"},
		},
		Result: "the JSON, trusted as raw is",
		Errors: []host.Failure{{When: "JSON has no such value"}},
		Example: `html.script(html.raw("show("), html.json({"a": "</b>"}), html.raw(")"))  # ` +
			`<script>show({"a":"\u003c/b\u003e"})</script>`,
		Pure: true,
		Fn: func(value starlark.Value) (starlark.Value, error) {
			s, err := json.Encode(value)
			if err != nil {
				return nil, err
			}
			return host.HTML(inScript.Replace(s)), nil
		},
	}
}

// inScript escapes what would end a script, or a line of it.
var inScript = strings.NewReplacer(
	"<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "\u2028", `\u2028`, "\u2029", `\u2029`,
)

// childrenParam is the parameter of what has children.
func childrenParam() host.Param {
	return host.Param{
		Name: "children", Type: "any", Pass: host.Rest,
		Doc: "texts, numbers, elements and lists of them; None and False are nothing, and a dict " +
			"is further attributes",
	}
}

// attributesParam is the parameter of what has attributes.
func attributesParam() host.Param {
	return host.Param{
		Name: "attributes", Type: "any", Pass: host.RestByName,
		Doc: "by name: class_ is class, hx_get is hx-get; True is an attribute without a value, " +
			"None and False are none, a list is joined by blanks",
	}
}

func fragmentMember() host.Member {
	return host.Member{
		Name:    "fragment",
		Doc:     "Puts elements in a row, without one around them.",
		Params:  []host.Param{childrenParam()},
		Result:  "HTML, as an element is",
		Errors:  childFailures(),
		Example: `html.fragment("a < b", html.br())  # a &lt; b<br>`,
		Pure:    true,
		Value:   starlark.NewBuiltin("fragment", fragment),
	}
}

func elementMember() host.Member {
	return host.Member{
		Name: "element",
		Doc: "Makes an element by its name: one of your own, of MathML, or one whose name is not " +
			"known before.",
		Params: []host.Param{
			{Name: "name", Doc: "the name", Type: "string", Pass: host.ByPosition},
			childrenParam(), attributesParam(),
		},
		Result: "an element",
		Errors: append(childFailures(), host.Failure{When: "the name is none of an element"}),
		Example: `html.element("my-card", "text", open = True)  # <my-card open>text</my-card>
html.element("a b")  # error: "a b" is not the name of an element`,
		Pure:  true,
		Value: starlark.NewBuiltin("element", element),
	}
}

func documentMember() host.Member {
	return host.Member{
		Name: "document",
		Doc: "Makes a whole page: the DOCTYPE, and an html element with a head, which says that it " +
			"is UTF-8 and as wide as the screen, and a body around the children: that of html.body is " +
			"the body, if it is the only one, and what is in html.head goes into the head.",
		Params: []host.Param{
			childrenParam(),
			{
				Name: "title", Doc: "of the page; \"\" makes none where head has one", Type: "string",
				Pass:    host.ByName,
				Default: starlark.String(""),
			},
			{
				Name: "lang", Doc: "its language", Type: "string", Pass: host.ByName,
				Default: starlark.String("en"),
			},
			{
				Name: "head", Doc: "further elements of the head: an element or a list", Type: "any",
				Pass: host.ByName, Default: starlark.None,
			},
			{
				Name: "attributes", Doc: "those of the body", Type: "any", Pass: host.RestByName,
			},
		},
		Result: "HTML, as an element is",
		Errors: childFailures(),
		Example: `str(html.document(html.p("Hi"), title = "Hi"))[-53:]  # ` +
			`"<title>Hi</title></head><body><p>Hi</p></body></html>"`,
		Pure:  true,
		Value: starlark.NewBuiltin("document", document),
	}
}
