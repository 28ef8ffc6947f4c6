package html

import (
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A kind says what may stand in an element.
type kind uint8

const (
	normal   kind = iota
	void          // nothing: it has no end tag
	rawText       // what is no HTML, and ends where it is said to end
	textOnly      // text, without elements
)

// A known element is one of the HTML standard, or of SVG.
type known struct {
	name string
	kind kind
	doc  string // what it is, to be put after "<name> is"
}

// The elements of the HTML standard, in its order.
// https://html.spec.whatwg.org/multipage/indices.html#elements-3
var ofHTML = [...]known{
	{"head", normal, "what a page says of itself; document makes it too"},
	{"title", textOnly, "the name of a page"},
	{"base", void, "where relative addresses begin"},
	{"link", void, "a style sheet, an icon, or another thing that belongs to the page"},
	{"meta", void, "a fact about the page"},
	{"style", rawText, "a style sheet; it takes html.raw"},
	{"body", normal, "what a page shows; document makes it too"},
	{"article", normal, "a part that can stand alone"},
	{"section", normal, "a part under a heading"},
	{"nav", normal, "links to other pages"},
	{"aside", normal, "what is beside the matter"},
	{"h1", normal, "a heading of the first rank"},
	{"h2", normal, "a heading of the second rank"},
	{"h3", normal, "a heading of the third rank"},
	{"h4", normal, "a heading of the fourth rank"},
	{"h5", normal, "a heading of the fifth rank"},
	{"h6", normal, "a heading of the sixth rank"},
	{"hgroup", normal, "a heading and what belongs to it"},
	{"header", normal, "the top of a page or a part"},
	{"footer", normal, "the foot of a page or a part"},
	{"address", normal, "how to reach who wrote it"},
	{"p", normal, "a paragraph"},
	{"hr", void, "a line between two subjects"},
	{"pre", normal, "a text whose line breaks and blanks count"},
	{"blockquote", normal, "a long quotation"},
	{"ol", normal, "a list with numbers"},
	{"ul", normal, "a list"},
	{"menu", normal, "a list of commands"},
	{"li", normal, "an item of a list"},
	{"dl", normal, "a list of terms and what they mean"},
	{"dt", normal, "a term of a dl"},
	{"dd", normal, "what a term of a dl means"},
	{"figure", normal, "a picture, a listing or the like, with its caption"},
	{"figcaption", normal, "the caption of a figure"},
	{"main", normal, "what the page is about"},
	{"search", normal, "the place to search"},
	{"div", normal, "a part without a meaning of its own"},
	{"a", normal, "a link"},
	{"em", normal, "an emphasis"},
	{"strong", normal, "something important"},
	{"small", normal, "small print"},
	{"s", normal, "what is no longer so"},
	{"cite", normal, "the name of a work"},
	{"q", normal, "a short quotation"},
	{"dfn", normal, "the term that is being defined"},
	{"abbr", normal, "an abbreviation"},
	{"ruby", normal, "a text with its pronunciation"},
	{"rt", normal, "the pronunciation in a ruby"},
	{"rp", normal, "a parenthesis for who cannot show a ruby"},
	{"data", normal, "a text and its value for machines"},
	{"time", normal, "a date or a time"},
	{"code", normal, "a piece of code"},
	{"var", normal, "a variable of mathematics or code"},
	{"samp", normal, "what a program says"},
	{"kbd", normal, "what a person types"},
	{"sub", normal, "a subscript"},
	{"sup", normal, "a superscript"},
	{"i", normal, "a text in another voice"},
	{"b", normal, "a text that catches the eye"},
	{"u", normal, "a text with a mark that is not in words"},
	{"mark", normal, "a text that is marked"},
	{"bdi", normal, "a text whose direction is its own"},
	{"bdo", normal, "a text whose direction is set"},
	{"span", normal, "a text without a meaning of its own"},
	{"br", void, "a line break"},
	{"wbr", void, "where a line may be broken"},
	{"ins", normal, "what was added"},
	{"del", normal, "what was removed"},
	{"picture", normal, "an img and its other forms"},
	{"source", void, "one form of a picture, a video or a sound"},
	{"img", void, "a picture"},
	{"iframe", textOnly, "a page in a page"},
	{"embed", void, "something shown by a plug-in"},
	{"object", normal, "something from outside"},
	{"video", normal, "a film"},
	{"audio", normal, "a sound"},
	{"track", void, "the subtitles of a film"},
	{"map", normal, "a picture with links"},
	{"area", void, "a link of a map"},
	{"table", normal, "a table"},
	{"caption", normal, "the name of a table"},
	{"colgroup", normal, "columns of a table"},
	{"col", void, "a column of a table"},
	{"tbody", normal, "rows of a table"},
	{"thead", normal, "the rows at the head of a table"},
	{"tfoot", normal, "the rows at the foot of a table"},
	{"tr", normal, "a row of a table"},
	{"td", normal, "a cell of a table"},
	{"th", normal, "a heading of a row or a column"},
	{"form", normal, "what is filled in and sent"},
	{"label", normal, "the name of a field"},
	{"input", void, "a field of a form"},
	{"button", normal, "a button"},
	{"select", normal, "a choice"},
	{"datalist", normal, "what may be proposed for a field"},
	{"optgroup", normal, "options that belong together"},
	{"option", normal, "one of a choice"},
	{"textarea", textOnly, "a field of several lines"},
	{"output", normal, "what was computed"},
	{"progress", normal, "how much of a task is done"},
	{"meter", normal, "a measure between two bounds"},
	{"fieldset", normal, "fields that belong together"},
	{"legend", normal, "the name of a fieldset"},
	{"selectedcontent", normal, "what a select shows of its choice"},
	{"details", normal, "what can be opened"},
	{"summary", normal, "what details show while they are closed"},
	{"dialog", normal, "a window in the page"},
	{"script", rawText, "a script; it takes html.raw and html.json, or src"},
	{"noscript", normal, "what is shown where scripts do not run"},
	{"template", normal, "what a script copies"},
	{"slot", normal, "a place in an element of one's own"},
	{"canvas", normal, "a picture that a script draws"},
}

// The elements of SVG that drawings need most.
var ofSVG = [...]known{
	{"svg", normal, "a drawing"},
	{"g", normal, "shapes that belong together in an svg"},
	{"defs", normal, "what an svg uses and does not show"},
	{"symbol", normal, "a drawing that use shows"},
	{"use", normal, "a symbol, shown again"},
	{"path", normal, "a line of any form in an svg"},
	{"rect", normal, "a rectangle in an svg"},
	{"circle", normal, "a circle in an svg"},
	{"ellipse", normal, "an ellipse in an svg"},
	{"line", normal, "a straight line in an svg"},
	{"polyline", normal, "straight lines in an svg"},
	{"polygon", normal, "a polygon in an svg"},
	{"text", normal, "a text in an svg"},
	{"tspan", normal, "a part of a text in an svg"},
	{"desc", normal, "what an svg shows, in words"},
	{"linearGradient", normal, "a gradient along a line"},
	{"radialGradient", normal, "a gradient around a point"},
	{"stop", normal, "a colour of a gradient"},
	{"clipPath", normal, "what cuts a part of an svg"},
	{"mask", normal, "what covers a part of an svg"},
	{"pattern", normal, "what fills a shape"},
	{"marker", normal, "what stands at the end of a line"},
}

// members are the functions of all elements.
func members() []host.Member {
	all := make([]host.Member, 0, len(ofHTML)+len(ofSVG))
	for i := range ofHTML {
		all = append(all, ofHTML[i].member())
	}
	for i := range ofSVG {
		all = append(all, ofSVG[i].member())
	}
	return all
}

// member describes the function of the element. del is a word of Starlark.
func (k *known) member() host.Member {
	name := k.name
	if name == "del" {
		name += "_"
	}
	m := host.Member{
		Name: name, Doc: fmt.Sprintf("The element <%s>: %s.", k.name, k.doc),
		Params: []host.Param{childrenParam(), attributesParam()},
		Result: "an element", Errors: childFailures(), Pure: true,
		Value: starlark.NewBuiltin(name, k.make),
	}
	switch k.kind {
	case void:
		m.Params = []host.Param{attributesParam()}
		m.Example = fmt.Sprintf(`html.%s(class_ = "a")  # <%s class="a">`, name, k.name)
	case rawText:
		m.Example = fmt.Sprintf(`html.%s(html.raw("/* */"))  # <%s>/* */</%s>
html.%s("text")  # error: <%s> takes no text`, name, k.name, k.name, name, k.name)
	default:
		m.Example = fmt.Sprintf(`html.%s("a < b", class_ = "c")  # <%s class="c">a &lt; b</%s>`,
			name, k.name, k.name)
	}
	return m
}

func childFailures() []host.Failure {
	return []host.Failure{
		{When: "a child or an attribute is of a wrong type, or an attribute is given twice"},
		{When: "text is to be a program: that of script, style, onclick and the like"},
		{When: "the HTML is larger than 32 MiB, or nested more than 1,000 deep"},
	}
}

// kindOf returns the kind of an element that is named by a script.
func kindOf(name string) (kind, error) {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || (c < '0' || c > '9') && strings.IndexByte("-_.:", c) < 0) {
			return 0, fmt.Errorf("%q is not the name of an element", host.Cut(name))
		}
	}
	lower := strings.ToLower(name)
	switch lower {
	case "":
		return 0, fmt.Errorf("%q is not the name of an element", name)
	case "plaintext", "xmp", "listing", "noembed", "noframes", "frame", "frameset", "image":
		return 0, fmt.Errorf("<%s> is not in HTML any more, and cannot be written safely", lower)
	}
	if _, local, ok := strings.Cut(lower, ":"); ok { // svg:script
		lower = local
	}
	for i := range ofHTML {
		if k := &ofHTML[i]; k.name == lower {
			return k.kind, nil
		}
	}
	return normal, nil
}
