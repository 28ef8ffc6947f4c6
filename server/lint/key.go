package lint

import (
	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/syntax"
)

// key looks at a key that the script asks the environ for. One that the file itself sets is right.
func (c *checker) key(lit *syntax.Literal) {
	name, _ := lit.Value.(string)
	if meant := environ.Suggest(name); meant != "" && !c.keys[name] {
		c.warn(lit.TokenPos, "the environ has no %s; did you mean %s?", name, meant)
	}
}

// keyRead is the key that n reads from the environ, if n is environ["..."], environ.get("..."),
// pop, or "..." in environ.
func keyRead(n syntax.Node) *syntax.Literal {
	switch n := n.(type) {
	case *syntax.IndexExpr:
		if isEnviron(n.X) {
			return text(n.Y)
		}
	case *syntax.CallExpr:
		if method(n) == "get" || method(n) == "pop" {
			return text(n.Args[0])
		}
	case *syntax.BinaryExpr:
		if (n.Op == syntax.IN || n.Op == syntax.NOT_IN) && isEnviron(n.Y) {
			return text(n.X)
		}
	}
	return nil
}

// keysSet are the keys that the file puts into an environ, as far as it says so. Those of any dict
// may come to be in one.
func keysSet(f *syntax.File) map[string]bool {
	keys := make(map[string]bool)
	add := func(e syntax.Expr) {
		if lit := text(e); lit != nil {
			name, _ := lit.Value.(string)
			keys[name] = true
		}
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.AssignStmt:
			if index, ok := n.LHS.(*syntax.IndexExpr); ok {
				add(index.Y)
			}
		case *syntax.CallExpr:
			if method(n) == "setdefault" {
				add(n.Args[0])
			}
			// dict(environ, key = value) and environ.update(key = value)
			for _, arg := range n.Args {
				if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
					if id, ok := named.X.(*syntax.Ident); ok {
						keys[id.Name] = true
					}
				}
			}
		case *syntax.DictEntry:
			add(n.Key)
		}
		return true
	})
	return keys
}

// method is the name of the method of the environ that a call with arguments calls, "" if it does
// not.
func method(call *syntax.CallExpr) string {
	if dot, ok := call.Fn.(*syntax.DotExpr); ok && isEnviron(dot.X) && len(call.Args) > 0 {
		return dot.Name.Name
	}
	return ""
}

func isEnviron(e syntax.Expr) bool {
	id, ok := e.(*syntax.Ident)
	return ok && id.Name == "environ"
}

// text is e if that is a string literal.
func text(e syntax.Expr) *syntax.Literal {
	if lit, ok := e.(*syntax.Literal); ok && lit.Token == syntax.STRING {
		return lit
	}
	return nil
}

// hintsKey reports whether e is environ["wsgi.early_hints"] or environ.get("wsgi.early_hints").
func hintsKey(e syntax.Expr) bool {
	if e == nil {
		return false
	}
	lit := keyRead(e)
	return lit != nil && lit.Value == "wsgi.early_hints"
}
