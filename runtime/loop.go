package runtime

import (
	"fmt"

	"go.starlark.net/syntax"
)

// A loop holds what it runs through where no one else can see it: a function that calls itself in a
// loop could hold much in little. So in a def, "for x in f(): ..." is compiled as
//
//	(loop 1) = f()
//	for x in (loop 1): ...
//	(loop 1) = None
//
// and "[g(x) for x in f()]" as "[g(x) for (loop 1) in (f(),) for x in (loop 1)]", with names that
// no script can write. What a variable has anyhow, and what is small as it stands there, is left.
type loops struct {
	*operands
	n int
}

// enclose changes the loops of a tree.
func (l *loops) enclose(tree *syntax.File) {
	syntax.Walk(tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DefStmt:
			l.block(&n.Body)
		case *syntax.Comprehension:
			l.comprehension(n)
		}
		return true
	})
}

// name returns an identifier for the loop that was last named.
func (l *loops) name(pos syntax.Position) *syntax.Ident {
	return &syntax.Ident{Name: fmt.Sprintf("(loop %d)", l.n), NamePos: pos}
}

// block changes the loops of a part of a function, but not of functions in it.
func (l *loops) block(at *[]syntax.Stmt) {
	var body []syntax.Stmt
	changed := false
	for _, s := range *at {
		switch s := s.(type) {
		case *syntax.IfStmt:
			l.block(&s.True)
			l.block(&s.False)
		case *syntax.WhileStmt:
			l.block(&s.Body)
		case *syntax.ForStmt:
			l.block(&s.Body)
			if seen(s.X, s.Body) {
				break
			}
			changed = true
			l.n++
			pos, _ := s.X.Span()
			set := &syntax.AssignStmt{OpPos: pos, Op: syntax.EQ, LHS: l.name(pos), RHS: s.X}
			clear := &syntax.AssignStmt{OpPos: pos, Op: syntax.EQ, LHS: l.name(pos),
				RHS: &syntax.Ident{Name: "None", NamePos: pos}}
			*l.operands = append(*l.operands, operand{at: &s.X, was: s.X})
			s.X = l.name(pos)
			body = append(body, set, s, clear)
			continue
		}
		body = append(body, s)
	}
	if changed {
		was := *at
		*l.operands = append(*l.operands, operand{undo: func() { *at = was }})
		*at = body
	}
}

// comprehension changes one, if anything in it could call it again.
func (l *loops) comprehension(n *syntax.Comprehension) {
	if !calling(n) {
		return
	}
	var clauses []syntax.Node
	for _, clause := range n.Clauses {
		f, ok := clause.(*syntax.ForClause)
		if !ok || seen(f.X, nil) {
			clauses = append(clauses, clause)
			continue
		}
		l.n++
		pos, _ := f.X.Span()
		held := &syntax.TupleExpr{List: []syntax.Expr{f.X}}
		clauses = append(clauses,
			&syntax.ForClause{For: f.For, Vars: l.name(pos), In: f.In, X: held},
			&syntax.ForClause{For: f.For, Vars: f.Vars, In: f.In, X: l.name(pos)})
	}
	if len(clauses) > len(n.Clauses) {
		was := n.Clauses
		*l.operands = append(*l.operands, operand{undo: func() { n.Clauses = was }})
		n.Clauses = clauses
	}
}

// seen reports whether what a loop runs through is small, or is held by a variable that the loop
// does not change.
func seen(x syntax.Expr, body []syntax.Stmt) bool {
	switch x := x.(type) {
	case *syntax.Literal:
		return true
	case *syntax.ParenExpr:
		return seen(x.X, body)
	case *syntax.Ident:
		return !assigns(body, x.Name)
	case *syntax.ListExpr:
		return literals(x.List)
	case *syntax.TupleExpr:
		return literals(x.List)
	case *syntax.CallExpr:
		fn, ok := x.Fn.(*syntax.Ident)
		return ok && fn.Name == "range"
	}
	return false
}

// literals reports whether all are literals.
func literals(list []syntax.Expr) bool {
	for _, e := range list {
		if _, ok := e.(*syntax.Literal); !ok {
			return false
		}
	}
	return true
}

// assigns reports whether a part of a function binds the name.
func assigns(body []syntax.Stmt, name string) (found bool) {
	for _, s := range body {
		syntax.Walk(s, func(n syntax.Node) bool {
			var target syntax.Expr
			switch n := n.(type) {
			case *syntax.AssignStmt:
				target = n.LHS
			case *syntax.ForStmt:
				target = n.Vars
			}
			if target != nil {
				syntax.Walk(target, func(n syntax.Node) bool {
					id, ok := n.(*syntax.Ident)
					found = found || ok && id.Name == name
					return true
				})
			}
			return !found
		})
	}
	return found
}

// calling reports whether a comprehension calls anything for its elements, or has another one in
// it.
func calling(n *syntax.Comprehension) (found bool) {
	look := func(e syntax.Node) {
		syntax.Walk(e, func(n syntax.Node) bool {
			switch n.(type) {
			case *syntax.CallExpr, *syntax.Comprehension:
				found = true
			}
			return !found
		})
	}
	look(n.Body)
	for i, clause := range n.Clauses {
		if i > 0 {
			look(clause)
		}
	}
	return found
}
