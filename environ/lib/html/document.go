package html

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// document is html.document(*children, title, lang, head, **attributes).
func document(
	t *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var title, lang starlark.Value = starlark.String(""), starlark.String("en")
	var head starlark.Value = starlark.None
	var rest []starlark.Tuple
	for _, kv := range kwargs {
		switch kv[0].(starlark.String) {
		case "title":
			title = kv[1]
		case "lang":
			lang = kv[1]
		case "head":
			head = kv[1]
		default:
			rest = append(rest, kv)
		}
	}
	e, err := page(t, args, rest, title, lang, head)
	if err != nil {
		return nil, failed("document", err)
	}
	return e, nil
}

func page(
	t *starlark.Thread, args starlark.Tuple, attrs []starlark.Tuple, title, lang, head starlark.Value,
) (*tree, error) {
	given, args := heads(args)
	body, err := bodyOf(t, args, attrs)
	if err != nil {
		return nil, err
	}
	further, err := build(t, "head", normal, append(given, head), nil)
	if err != nil {
		return nil, err
	}
	further = inner(further)
	var named starlark.Value = starlark.None
	if title != starlark.String("") || !has(further, "title") {
		if named, err = build(t, "title", textOnly, starlark.Tuple{title}, nil); err != nil {
			return nil, err
		}
	}
	const said = `<meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width, initial-scale=1">`
	first := starlark.Tuple{host.HTML(said), named, further}
	top, err := build(t, "head", normal, first, nil)
	if err != nil {
		return nil, err
	}
	kwargs := []starlark.Tuple{{starlark.String("lang"), lang}}
	root, err := build(t, "html", normal, starlark.Tuple{top, body}, kwargs)
	if err != nil {
		return nil, err
	}
	root.open = doctype + root.open
	root.size += len(doctype)
	return root, nil
}

// is reports whether a value is an element of that name.
func is(v starlark.Value, name string) bool {
	e, ok := v.(*tree)
	if !ok {
		return false
	}
	rest, ok := strings.CutPrefix(e.open, "<"+name)
	return ok && (rest[0] == '>' || rest[0] == ' ')
}

// has reports whether an element of that name is directly in e, or in a row in it.
func has(e *tree, name string) bool {
	for _, p := range e.children {
		if p.tree != nil && (is(p.tree, name) || p.tree.open == "" && has(p.tree, name)) {
			return true
		}
	}
	return false
}

// inner returns what is in the heads of a row, and the rest of the row, as a row: the head of a
// document is one.
func inner(e *tree) *tree {
	row := *e
	row.open, row.end = "", ""
	row.size -= len(e.open) + len(e.end)
	row.children = nil
	for _, p := range e.children {
		if p.tree != nil && is(p.tree, "head") {
			p = part{tree: inner(p.tree)}
		}
		row.children = append(row.children, p)
	}
	return &row
}

// heads takes the head elements from the children of a document, which belong before the body.
func heads(args starlark.Tuple) (given, rest starlark.Tuple) {
	for _, v := range args {
		if is(v, "head") {
			given = append(given, v)
		} else {
			rest = append(rest, v)
		}
	}
	return given, rest
}

// bodyOf returns the body of a document: the one that it is given, or else one around its children.
func bodyOf(t *starlark.Thread, args starlark.Tuple, attrs []starlark.Tuple) (*tree, error) {
	if len(args) == 1 && is(args[0], "body") && len(attrs) == 0 {
		return args[0].(*tree), nil
	}
	body, err := build(t, "body", normal, args, attrs)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"body", "html", "head"} {
		if has(body, name) {
			return nil, fmt.Errorf("it makes the <%s> itself, and a child is another: write what is in that", name)
		}
	}
	for _, p := range body.children {
		if p.tree != nil && strings.HasPrefix(p.tree.open, doctype) {
			return nil, errors.New("a child is a whole document: write what is in its body")
		}
	}
	return body, nil
}

const doctype = "<!DOCTYPE html>\n"
