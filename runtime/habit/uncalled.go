package habit

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// uncalled is what to say where a function stands for what it returns: session["user"], form.get("x").
func (p *place) uncalled([]string) string {
	var fn syntax.Expr
	use := p.node
	after := "" // of a statement
	switch n := p.node.(type) {
	case *syntax.IndexExpr:
		fn = n.X
		if assign := p.assigns(n); assign != nil {
			use = assign
		}
	case *syntax.AssignStmt:
		if index, ok := n.LHS.(*syntax.IndexExpr); ok {
			fn = index.X
		}
	case *syntax.DotExpr:
		fn = n.X
		if call := p.calls(n); call != nil {
			use = call
		}
	case *syntax.BinaryExpr:
		fn = n.Y
	case *syntax.ForStmt:
		fn, use = n.X, n.X
		after = ":"
	case *syntax.ForClause:
		fn, use = n.X, n.X
	}
	name, arguments := p.function(fn)
	if name == "" {
		return ""
	}
	start, _ := use.Span()
	from, to := fn.Span()
	before := p.src[offset(p.src, start):offset(p.src, from)]
	text := before + name + "(" + arguments + ")" + strings.TrimPrefix(written(p.src, use), strings.Join(strings.Fields(
		p.src[offset(p.src, start):offset(p.src, to)]), " "))
	if loop, ok := p.node.(*syntax.ForStmt); ok {
		text = "for " + written(p.src, loop.Vars) + " in " + text + after
	}
	return fmt.Sprintf(": %s is a function; write %s", name, text)
}

// assigns returns the statement that assigns to an index, nil if none does.
func (p *place) assigns(index *syntax.IndexExpr) (found *syntax.AssignStmt) {
	syntax.Walk(p.tree, func(n syntax.Node) bool {
		if assign, ok := n.(*syntax.AssignStmt); ok && assign.LHS == syntax.Expr(index) {
			found = assign
		}
		return true
	})
	return found
}

// ofRequest are the modules whose functions take the environ.
var ofRequest = []string{"@http", "@session"}

// function returns what an expression that is a function is called, and with which arguments; "" if
// that is not known.
func (p *place) function(e syntax.Expr) (name, arguments string) {
	id := root(e)
	if id == nil {
		return "", ""
	}
	b, ok := id.Binding.(*resolve.Binding)
	if !ok {
		return "", ""
	}
	for _, stmt := range p.tree.Stmts {
		switch stmt := stmt.(type) {
		case *syntax.LoadStmt:
			if !slices.Contains(stmt.To, b.First) {
				continue
			}
			if slices.Contains(ofRequest, stmt.ModuleName()) {
				return written(p.src, e), "environ"
			}
			return written(p.src, e), "..."
		case *syntax.DefStmt:
			if stmt.Name != b.First || e != syntax.Expr(id) {
				continue
			}
			var params []string
			for _, param := range stmt.Params {
				params = append(params, written(p.src, param))
			}
			return id.Name, strings.Join(params, ", ")
		}
	}
	return "", ""
}

// askedBy is what to write where a function of a request is called without its environ.
func (p *place) askedBy([]string) string {
	call, ok := p.node.(*syntax.CallExpr)
	if !ok {
		return ""
	}
	name := written(p.src, call.Fn)
	if len(call.Args) == 0 {
		return "; write " + name + "(environ)"
	}
	if bare, _ := p.function(call.Fn); bare == "" || len(call.Args) > 1 {
		return ""
	}
	for _, stmt := range p.tree.Stmts {
		if load, ok := stmt.(*syntax.LoadStmt); ok && slices.Contains(ofRequest, load.ModuleName()) {
			return fmt.Sprintf("; write %s(environ)[%s]", name, written(p.src, call.Args[0]))
		}
	}
	return ""
}

// appless is what to write for middleware that takes the application with its options, where that is not
// there yet: in the list of a router, say.
func (p *place) appless([]string) string {
	call, ok := p.node.(*syntax.CallExpr)
	if !ok {
		return ""
	}
	all := []string{"app"}
	for _, arg := range call.Args {
		all = append(all, written(p.src, arg))
	}
	name := written(p.src, call.Fn)
	return fmt.Sprintf("; write lambda app: %s(%s)", name, strings.Join(all, ", "))
}
