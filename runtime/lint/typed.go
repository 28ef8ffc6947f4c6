package lint

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/syntax"
)

// of returns a value of a type of a module, if it has one of that name.
func (d *describer) of(name string, m *host.Module, typeName string) (described, bool) {
	for _, t := range m.Types {
		if t.Name == typeName {
			return described{name: name, module: m, typ: t}, true
		}
	}
	return described{}, false
}

// typed finds the variables that are of a described type: those that are bound once, to what a function
// returns, and the first parameters of functions that are passed to be called with one. A function may
// be found in what another one was found by: twice is deep enough.
func (d *describer) typed(f *syntax.File) {
	for range 3 {
		syntax.Walk(f, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.AssignStmt:
				id, ok := n.LHS.(*syntax.Ident)
				if call, made := n.RHS.(*syntax.CallExpr); ok && made && n.Op == syntax.EQ {
					if v, ok := d.value(call); ok {
						d.bind(id, v)
					}
				}
			case *syntax.CallExpr:
				d.given(n)
			}
			return true
		})
	}
}

// bind takes down what a variable is that is bound once.
func (d *describer) bind(id *syntax.Ident, v described) {
	if first := variable(id); first != nil && len(d.binds[first]) == 1 {
		v.name = id.Name
		d.loaded[first] = v
	}
}

// given takes down what a function that is passed in a call is called with.
func (d *describer) given(call *syntax.CallExpr) {
	fn, args := caught(call)
	v, ok := d.value(fn)
	if !ok || v.member == nil {
		return
	}
	for i, arg := range args {
		p := positional(v.member.Params, i)
		if p == nil || p.Given == "" {
			continue
		}
		var params []syntax.Expr
		switch fn := arg.(type) {
		case *syntax.LambdaExpr:
			params = fn.Params
		case *syntax.Ident:
			if def := d.function(fn); def != nil {
				params = def.Params
			}
		}
		if len(params) == 0 {
			continue
		}
		if id, ok := params[0].(*syntax.Ident); ok {
			if of, ok := d.of(id.Name, v.module, p.Given); ok {
				d.bind(id, of)
			}
		}
	}
}

// caught returns the function that is called and its arguments: of catch(f, x), f and x.
func caught(call *syntax.CallExpr) (fn syntax.Expr, args []syntax.Expr) {
	if id, ok := call.Fn.(*syntax.Ident); ok && id.Name == "catch" && builtin(id) && len(call.Args) > 0 {
		return call.Args[0], call.Args[1:]
	}
	return call.Fn, call.Args
}
