package runtime

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A returnError is an error about what a function returned, with the place of the return statement,
// if there is but one that it can be, or else of the function.
type returnError struct {
	err error
	pos syntax.Position
}

var _ host.Placer = (*returnError)(nil)

func (e *returnError) Error() string { return e.err.Error() }
func (e *returnError) Unwrap() error { return e.err }
func (e *returnError) Place() string { return e.pos.String() }

// returned adds its place to an error about what a function returned.
func (p *Program) returned(err error, about host.Returner) error {
	v, result := about.Returned()
	fn, ok := v.(*starlark.Function)
	if !ok {
		return err
	}
	pos := fn.Position()
	for range 8 { // functions that return what another returns
		def := p.def(fn)
		if def == nil {
			break
		}
		pos = def.Name.NamePos
		found := returns(def, result)
		if len(found) != 1 {
			break
		}
		pos = found[0].Return
		call, ok := found[0].Result.(*syntax.CallExpr)
		if !ok {
			break
		}
		if fn = callee(fn, call); fn == nil {
			break
		}
	}
	return &returnError{err, pos}
}

// def returns the statement that a function was made by, nil if that is not known.
func (p *Program) def(fn *starlark.Function) (def *syntax.DefStmt) {
	s := p.sources[fn.Position().Filename()]
	if s == nil {
		return nil
	}
	syntax.Walk(s.parsed, func(n syntax.Node) bool {
		if d, ok := n.(*syntax.DefStmt); ok && d.Name.Name == fn.Name() &&
			d.Name.NamePos.Line == fn.Position().Line {
			def = d
		}
		return true
	})
	return def
}

// returns are the return statements of a function that may have returned v.
func returns(def *syntax.DefStmt, v starlark.Value) (found []*syntax.ReturnStmt) {
	for _, stmt := range def.Body {
		syntax.Walk(stmt, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.DefStmt:
				return false
			case *syntax.ReturnStmt:
				if is := typeIn(n.Result); is == "" || is == v.Type() {
					found = append(found, n)
				}
			}
			return true
		})
	}
	return found
}

// typeIn returns the type of the value of an expression, "" if it does not show.
func typeIn(e syntax.Expr) string {
	switch e := e.(type) {
	case nil:
		return starlark.None.Type()
	case *syntax.Ident:
		if e.Name == "None" {
			return starlark.None.Type()
		}
	case *syntax.Literal:
		switch e.Token {
		case syntax.STRING:
			return "string"
		case syntax.BYTES:
			return "bytes"
		case syntax.INT:
			return "int"
		case syntax.FLOAT:
			return "float"
		}
	case *syntax.ListExpr:
		return "list"
	case *syntax.TupleExpr:
		return "tuple"
	case *syntax.DictExpr:
		return "dict"
	case *syntax.LambdaExpr:
		return "function"
	case *syntax.ParenExpr:
		return typeIn(e.X)
	case *syntax.Comprehension:
		if e.Curly {
			return "dict"
		}
		return "list"
	}
	return ""
}

// callee returns the function that fn calls, nil if it is none of a script or goes by no name.
func callee(fn *starlark.Function, call *syntax.CallExpr) *starlark.Function {
	id, ok := call.Fn.(*syntax.Ident)
	if !ok {
		return nil
	}
	for i := range fn.NumFreeVars() {
		if b, v := fn.FreeVar(i); b.Name == id.Name {
			called, _ := v.(*starlark.Function)
			return called
		}
	}
	called, _ := fn.Globals()[id.Name].(*starlark.Function)
	return called
}
