// Package xml is the host module @xml: reading of XML into elements as Python's ElementTree has
// them. [Module] describes it.
//
// What a document could do to its reader it cannot do here: there is no DTD, no entity but the five
// of XML and the references to characters, and nothing is fetched.
package xml

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @xml. What it makes is immutable.
func Module() *host.Module {
	return &host.Module{
		Name: "xml",
		Doc:  "Reading of XML, whoever wrote it.",
		Members: []host.Member{{
			Name: "parse",
			Doc: "Returns the root element of a document, as Python's xml.etree.ElementTree does. " +
				"The name of an element with a namespace is \"{namespace}name\". Comments and " +
				"processing instructions are left out.",
			Params: []host.Param{{
				Name: "text",
				Doc: "the XML, up to 8 MiB with 100,000 elements and attributes, nested 200 deep: a " +
					"string, or bytes in UTF-8",
			}},
			Result: "an xml.element",
			Errors: []host.Failure{{
				When: "the text is not XML (the message has line and column), has a DTD or an " +
					"entity of its own, is not in UTF-8, or is beyond the limits",
			}},
			Example: `feed = parse("<feed><entry id='1'>one</entry><entry id='2'/></feed>")
feed.tag  # "feed"
[e.get("id") for e in feed]  # ["1", "2"]
feed.find("entry").text  # "one"
parse("<a></b>")  # error: line 1, column 8: element <a> closed by </b>
parse("<!DOCTYPE a><a/>")  # error: line 1, column 13: a DTD is not read`,
			Pure: true,
			Fn:   func(text []byte) (*element, error) { return parse(string(text)) },
		}},
		Whole: true,
		Types: []*host.Type{elementType},
	}
}

func pathParam() host.Param {
	return host.Param{
		Name: "path",
		Doc: "names of elements with / between them: * is any, // is at any depth below, . the " +
			"element itself; behind a name [3] or [last()] is the third or the last of a parent, " +
			"[@a], [@a='v'], [b] and [b='v'] ask for an attribute or a child, and what it says",
	}
}

var badPath = []host.Failure{{When: "the path is none, or has more than 10 steps"}}

var elementType = &host.Type{
	Name: "xml.element",
	Doc: "An element of a document. It is a sequence of the elements in it, and cannot be " +
		"changed.",
	Members: []host.Member{
		{Name: "tag", Doc: "The name, with its namespace in braces before it."},
		{Name: "attrib", Doc: "The attributes, a dict that cannot be changed."},
		{Name: "text", Doc: "The text before the first element in it, None if there is none."},
		{Name: "tail", Doc: "The text between its end and what comes next, None if there is none."},
		{
			Name: "get",
			Doc:  "Returns an attribute.",
			Params: []host.Param{
				{Name: "name", Doc: "its name"},
				{Name: "default", Doc: "what is returned if there is none", Default: starlark.None},
			},
			Result:  "a string",
			Example: `parse("<a b='c'/>").get("b")  # "c"`,
			Fn: func(e *element, name string, other starlark.Value) (starlark.Value, error) {
				v, found, err := e.attrib.Get(starlark.String(name))
				if !found {
					v = other
				}
				return v, err
			},
		},
		{
			Name:    "find",
			Doc:     "Returns the first element that a path leads to.",
			Params:  []host.Param{pathParam()},
			Result:  "an xml.element, or None",
			Errors:  badPath,
			Example: `parse("<a><b c='1'/><b c='2'/></a>").find("b[@c='2']").attrib  # {"c": "2"}`,
			Fn: func(e *element, path string) (starlark.Value, error) {
				found, err := e.findAll(path)
				if err != nil || len(found) == 0 {
					return starlark.None, err
				}
				return found[0], nil
			},
		},
		{
			Name:   "findall",
			Doc:    "Returns all elements that a path leads to, in the order of the document.",
			Params: []host.Param{pathParam()},
			Result: "a list",
			Errors: badPath,
			Example: `root = parse("<a><b>1</b><c><b>2</b></c></a>")
[e.text for e in root.findall(".//b")]  # ["1", "2"]`,
			Fn: func(e *element, path string) (starlark.Value, error) {
				found, err := e.findAll(path)
				return list(found), err
			},
		},
		{
			Name: "findtext",
			Doc:  "Returns the text of the first element that a path leads to.",
			Params: []host.Param{
				pathParam(),
				{Name: "default", Doc: "what is returned if there is none", Default: starlark.None},
			},
			Result:  "a string, empty if the element has no text",
			Errors:  badPath,
			Example: `parse("<a><b>1</b></a>").findtext("b")  # "1"`,
			Fn: func(e *element, path string, other starlark.Value) (starlark.Value, error) {
				found, err := e.findAll(path)
				if err != nil || len(found) == 0 {
					return other, err
				}
				return starlark.String(found[0].text), nil
			},
		},
		{
			Name: "iter",
			Doc:  "Returns the element and all below it, in the order of the document.",
			Params: []host.Param{{
				Name: "tag", Doc: "the name of those that are wanted; None and \"*\" want all",
				Type: "string or None", Default: starlark.None,
			}},
			Result:  "a list",
			Example: `[e.tag for e in parse("<a><b><c/></b></a>").iter()]  # ["a", "b", "c"]`,
			Fn: func(e *element, tag starlark.Value) starlark.Value {
				name, named := starlark.AsString(tag)
				return list(e.descendants(nil, func(e *element) bool {
					return !named || name == "*" || e.tag == name
				}))
			},
		},
		{
			Name:    "itertext",
			Doc:     "Returns all texts in the element, in the order of the document.",
			Result:  "a list of strings",
			Example: `"".join(parse("<p>one <b>two</b> three</p>").itertext())  # "one two three"`,
			Fn: func(e *element) []string {
				var texts []string
				e.texts(&texts)
				return texts
			},
		},
		{
			Name:    "items",
			Doc:     "Returns the attributes.",
			Result:  "a list of tuples of name and value",
			Example: `parse("<a b='c'/>").items()  # [("b", "c")]`,
			Fn: func(e *element) starlark.Value {
				items := e.attrib.Items()
				all := make([]starlark.Value, len(items))
				for i, item := range items {
					all[i] = item
				}
				return starlark.NewList(all)
			},
		},
		{
			Name:    "keys",
			Doc:     "Returns the names of the attributes.",
			Result:  "a list",
			Example: `parse("<a b='c'/>").keys()  # ["b"]`,
			Fn:      func(e *element) starlark.Value { return starlark.NewList(e.attrib.Keys()) },
		},
	},
}
