package lint

import (
	"github.com/larkspur-web/larkspur/runtime/habit"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// uncalled warns where a function stands for what it returns, as form["name"] for form(environ)["name"],
// in the words in which the interpreter would report the error, and reports whether it did. The
// attribute is what n asks fn for, "" for an item or all of them.
func (d *describer) uncalled(n syntax.Node, fn syntax.Expr, attribute string) bool {
	v, ok := d.value(fn)
	if !ok || v.member == nil || v.member.Fn == nil {
		return false
	}
	for i := range v.members {
		if v.members[i].Name == attribute {
			return false
		}
	}
	kind := new(starlark.Builtin).Type()
	pos, message := syntax.Position{}, kind+" value is not iterable"
	switch n := n.(type) {
	case *syntax.DotExpr:
		pos, message = n.Dot, kind+" has no ."+attribute+" field or method"
	case *syntax.IndexExpr:
		pos, message = n.Lbrack, "unhandled index operation "+kind+"[string]"
	case *syntax.BinaryExpr:
		pos, message = n.OpPos, "unknown binary op: string "+n.Op.String()+" "+kind
	case *syntax.ForStmt:
		pos = n.For
	case *syntax.ForClause:
		pos = n.For
	}
	d.warn(pos, "%s", habit.Failed(d.script.Tree, d.script.Source, pos, message))
	return true
}
