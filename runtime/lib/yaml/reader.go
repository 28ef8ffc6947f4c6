package yaml

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A reader makes values of a document.
type reader struct {
	anchors map[string]starlark.Value // nil while the value is being made
	values  int
	depth   int
}

func newReader() *reader { return &reader{anchors: make(map[string]starlark.Value)} }

func (r *reader) document(body ast.Node) (starlark.Value, error) {
	if body == nil {
		return starlark.None, nil
	}
	return r.value(body)
}

// count counts a value at a token.
func (r *reader) count(tk *token.Token) error {
	if r.values++; r.values > maxValues {
		return failure(tk, "more than %d values, those of aliases counted", maxValues)
	}
	return nil
}

func (r *reader) value(n ast.Node) (starlark.Value, error) {
	tk := n.GetToken()
	if err := r.count(tk); err != nil {
		return nil, err
	}
	if r.depth++; r.depth > 4*maxDepth { // of nodes, which are more than collections
		return nil, failure(tk, "nested deeper than %d", maxDepth)
	}
	defer func() { r.depth-- }()
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(n.Values)
	case *ast.MappingValueNode:
		return r.mapping([]*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		elems := make([]starlark.Value, len(n.Values))
		for i, elem := range n.Values {
			var err error
			if elems[i], err = r.value(elem); err != nil {
				return nil, err
			}
		}
		return starlark.NewList(elems), nil
	case *ast.AnchorNode:
		return r.anchor(n)
	case *ast.AliasNode:
		return r.alias(n)
	case *ast.TagNode:
		return r.tagged(n)
	case *ast.MappingKeyNode:
		return r.value(n.Value)
	case *ast.LiteralNode:
		return starlark.String(n.Value.Value), nil
	case *ast.StringNode:
		if quoted(n.Token) {
			return starlark.String(n.Value), nil
		}
		return plain(n.Value), nil
	case ast.ScalarNode: // what the library takes for something else than a string
		return plain(tk.Value), nil
	}
	return nil, failure(tk, "a %s is not read", strings.ToLower(n.Type().String()))
}

// quoted reports whether a scalar has quotes, and is a string whatever it says.
func quoted(tk *token.Token) bool {
	return tk.Type == token.SingleQuoteType || tk.Type == token.DoubleQuoteType
}

func (r *reader) mapping(pairs []*ast.MappingValueNode) (starlark.Value, error) {
	dict := starlark.NewDict(len(pairs))
	var merged []starlark.Value
	for _, pair := range pairs {
		tk := pair.Key.GetToken()
		if pair.Key.IsMergeKey() {
			v, err := r.value(pair.Value)
			if err != nil {
				return nil, err
			}
			merged = append(merged, v)
			continue
		}
		key, err := r.value(pair.Key)
		if err != nil {
			return nil, err
		}
		switch key.(type) {
		case *starlark.List, *starlark.Dict:
			return nil, failure(tk, "a key is a %s", key.Type())
		}
		if _, found, _ := dict.Get(key); found {
			return nil, failure(tk, "the key %s is there already", host.Show(key))
		}
		v, err := r.value(pair.Value)
		if err != nil {
			return nil, err
		}
		if err := dict.SetKey(key, v); err != nil {
			return nil, failure(tk, "%v", err)
		}
	}
	for _, from := range merged {
		if err := r.merge(dict, from); err != nil {
			return nil, failure(pairs[0].Key.GetToken(), "%v", err)
		}
	}
	return dict, nil
}

// merge adds the keys of a mapping, or of several, that dict does not have: yaml.org/type/merge.
func (r *reader) merge(dict *starlark.Dict, from starlark.Value) error {
	switch from := from.(type) {
	case *starlark.Dict:
		for key, v := range from.Entries() {
			if _, found, _ := dict.Get(key); found {
				continue
			}
			if err := dict.SetKey(key, v); err != nil {
				return err
			}
		}
		return nil
	case *starlark.List:
		for i := range from.Len() {
			one, ok := from.Index(i).(*starlark.Dict)
			if !ok {
				return errors.New("<< takes a mapping, or a list of mappings")
			}
			if err := r.merge(dict, one); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.New("<< takes a mapping, or a list of mappings")
}

func (r *reader) anchor(n *ast.AnchorNode) (starlark.Value, error) {
	name := n.Name.GetToken().Value
	r.anchors[name] = nil
	if n.Value == nil {
		r.anchors[name] = starlark.None
		return starlark.None, nil
	}
	v, err := r.value(n.Value)
	r.anchors[name] = v
	return v, err
}

func (r *reader) alias(n *ast.AliasNode) (starlark.Value, error) {
	tk := n.Value.GetToken()
	v, found := r.anchors[tk.Value]
	switch {
	case !found:
		return nil, failure(tk, "there is no anchor &%s before it", tk.Value)
	case v == nil:
		return nil, failure(tk, "the alias is inside what it stands for")
	}
	return r.copy(v, tk)
}

// copy returns what an alias stands for, which counts once more: nine lines can stand for a
// billion values.
func (r *reader) copy(v starlark.Value, tk *token.Token) (starlark.Value, error) {
	if err := r.count(tk); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *starlark.List:
		elems := make([]starlark.Value, v.Len())
		for i := range elems {
			var err error
			if elems[i], err = r.copy(v.Index(i), tk); err != nil {
				return nil, err
			}
		}
		return starlark.NewList(elems), nil
	case *starlark.Dict:
		dict := starlark.NewDict(v.Len())
		for key, x := range v.Entries() {
			x, err := r.copy(x, tk)
			if err != nil {
				return nil, err
			}
			if err := dict.SetKey(key, x); err != nil {
				return nil, err
			}
		}
		return dict, nil
	}
	return v, nil
}
