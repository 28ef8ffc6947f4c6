package yaml

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"go.starlark.net/starlark"
)

// tagged returns a value that has a tag. Those of the core schema are YAML 1.2.2, section 10.
func (r *reader) tagged(n *ast.TagNode) (starlark.Value, error) {
	if n.Value == nil {
		return nil, failure(n.Start, "the tag has no value")
	}
	anchor, anchored := n.Value.(*ast.AnchorNode) // section 6.9: a node may have a tag and an anchor
	if !anchored || anchor.Value == nil {
		return r.typed(n, n.Value)
	}
	name := anchor.Name.GetToken().Value
	r.anchors[name] = nil
	v, err := r.typed(n, anchor.Value)
	r.anchors[name] = v
	return v, err
}

// typed returns the value that a node has by a tag.
func (r *reader) typed(tag *ast.TagNode, n ast.Node) (starlark.Value, error) {
	want := coreType(tag.Start.Value)
	if want == "string" {
		switch s := n.(type) {
		case *ast.StringNode:
			return starlark.String(s.Value), r.count(tag.Start)
		case *ast.LiteralNode:
			return starlark.String(s.Value.Value), r.count(tag.Start)
		case *ast.NullNode:
			if s.Token.Type == token.ImplicitNullType {
				return starlark.String(""), r.count(tag.Start) // nothing is there, example 7.2
			}
			return starlark.String(s.Token.Value), r.count(tag.Start)
		case *ast.AliasNode:
		case ast.ScalarNode:
			return starlark.String(s.GetToken().Value), r.count(tag.Start)
		}
	}
	v, err := r.value(n)
	if err != nil {
		return nil, err
	}
	if s, ok := v.(starlark.String); ok { // it may have quotes
		v = plain(string(s))
	}
	if want == "" {
		return nil, failure(tag.Start, "the tag %s is not of the core schema", tag.Start.Value)
	}
	if i, ok := v.(starlark.Int); ok && want == "float" {
		v = i.Float()
	}
	if v.Type() != want {
		return nil, failure(tag.Start, "the tag %s has a %s", tag.Start.Value, v.Type())
	}
	return v, nil
}

// coreType returns the type of the values that have a tag of the core schema, in either of the ways
// to write one (section 6.9.1), and "" for any other tag.
func coreType(tag string) string {
	name, short := strings.CutPrefix(tag, "!!")
	if !short {
		whole, verbatim := strings.CutPrefix(tag, "!<tag:yaml.org,2002:")
		name = strings.TrimSuffix(whole, ">")
		if tag == "!" {
			return "string" // of what is no collection
		}
		if !verbatim || name == whole {
			return ""
		}
	}
	return map[string]string{"str": "string", "int": "int", "float": "float", "bool": "bool",
		"null": "NoneType", "seq": "list", "map": "dict"}[name]
}
