// Package lint warns, before a script runs, about what it says to the server: a status or a header
// that can never be valid, a body that is none, a start_response that is forgotten, a key of the
// environ that is misspelt. It judges by the server's own rules, those of package answer, with what
// is written in the script as a constant, and passes over what is not.
//
// [Check] is a rule of package runtime/lint.
package lint

import (
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/answer"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Check looks at a file.
func Check(s *host.Script) {
	f := s.Tree
	c := &checker{warn: s.Warn, constants: constantsOf(f), keys: keysSet(f),
		functions: pureFunctions(s), loads: loadsOf(s)}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			c.call(n)
		case *syntax.DefStmt:
			if IsApp(n) {
				c.app(n)
				c.started(n)
			}
		case *syntax.DotExpr:
			c.field(n)
		}
		if key := keyRead(n); key != nil {
			c.key(key)
		}
		return true
	})
}

// IsApp reports whether a function is an application by its parameters, environ and start_response,
// or by its name and their number.
func IsApp(def *syntax.DefStmt) bool {
	if len(def.Params) != 2 {
		return false
	}
	first, _ := def.Params[0].(*syntax.Ident)
	second, _ := def.Params[1].(*syntax.Ident)
	if first == nil || second == nil {
		return false
	}
	return first.Name == "environ" && second.Name == "start_response" ||
		def.Name.Name == "app" || def.Name.Name == "application"
}

// A checker looks at one file.
type checker struct {
	warn      func(pos syntax.Position, format string, args ...any)
	constants constants
	keys      map[string]bool // of the environ, that the file sets
	functions map[*syntax.Ident]starlark.Callable
	loads     loads
}

// check warns of what is wrong with e, if anything is.
func (c *checker) check(e syntax.Node, err error) {
	if err != nil {
		pos, _ := e.Span()
		c.warn(pos, "%v", err)
	}
}

// call looks at a call of start_response, of early hints, or of a function of a host module.
func (c *checker) call(call *syntax.CallExpr) {
	if id, ok := call.Fn.(*syntax.Ident); ok && id.Name == "start_response" {
		c.start(call)
		return
	}
	if hintsKey(c.constants.origin(call.Fn)) && len(call.Args) == 1 {
		c.headers(call.Args[0], hints)
		return
	}
	if fn := c.function(call.Fn); fn != nil && c.try(fn, call) {
		return
	}
	if m := c.loads.member(call.Fn); m != nil && m.Check != nil {
		c.given(m, call)
	}
}

// start looks at a call of start_response(status, headers, exc_info = None).
func (c *checker) start(call *syntax.CallExpr) {
	var status, headers syntax.Expr
	for i, arg := range call.Args {
		switch arg := arg.(type) {
		case *syntax.UnaryExpr:
			if arg.Op == syntax.STAR || arg.Op == syntax.STARSTAR {
				return
			}
		case *syntax.BinaryExpr:
			if name, ok := arg.X.(*syntax.Ident); ok && arg.Op == syntax.EQ {
				switch name.Name {
				case "status":
					status = arg.Y
				case "headers":
					headers = arg.Y
				}
				continue
			}
		}
		switch i {
		case 0:
			status = arg
		case 1:
			headers = arg
		}
	}
	if status == nil || headers == nil {
		c.warn(call.Lparen, "%v", environ.Errorf(environ.CodeArguments, `write start_response("200 OK", [("Content-Type", "text/plain")])`, "start_response() takes a status and headers"))
	}
	c.status(status)
	c.headers(headers, fields)
}

func (c *checker) status(e syntax.Expr) {
	if cond, ok := e.(*syntax.CondExpr); ok {
		c.status(cond.True)
		c.status(cond.False)
		return
	}
	if v := c.constants.value(e); v.known() && (v.exact || v.Type() != "string") {
		_, err := answer.Status(v.Value)
		c.check(e, err)
	}
}

// headers looks at each header of a list by itself, so that each fault has its place.
func (c *checker) headers(e syntax.Expr, check func(starlark.Value) error) {
	left := budget
	c.sum(e, check, &left)
}

// sum looks at a list that may be the sum of others, and bound to a name that it is part of: it
// gives up when nothing is left.
func (c *checker) sum(e syntax.Expr, check func(starlark.Value) error, left *int) {
	if *left--; *left < 0 {
		return
	}
	switch list := c.constants.origin(e).(type) {
	case nil:
	case *syntax.ListExpr:
		for i, item := range list.List[:min(len(list.List), budget)] {
			if v := c.header(item); v != nil {
				c.check(item, check(padded(i, starlark.Tuple{starlark.String("X"), starlark.String("x")}, v)))
			}
		}
	case *syntax.BinaryExpr:
		if list.Op == syntax.PLUS {
			c.sum(list.X, check, left)
			c.sum(list.Y, check, left)
		}
	default:
		if v := c.constants.value(list); v.known() && v.Type() != "list" {
			c.check(e, check(v.Value))
		}
	}
}

// header returns a header as far as it is constant, with something that is valid for the rest; nil
// if it is not at all.
func (c *checker) header(e syntax.Expr) starlark.Value {
	pair, ok := c.constants.origin(e).(*syntax.TupleExpr)
	if !ok || len(pair.List) != 2 {
		return c.constants.value(e).Value
	}
	name, value := c.constants.value(pair.List[0]), c.constants.value(pair.List[1])
	if !name.known() || !name.exact && name.Type() == "string" {
		name.Value = starlark.String("X")
	}
	if !value.known() || !value.exact && value.Type() == "string" {
		value.Value = starlark.String("0") // valid as a length, too
	}
	return starlark.Tuple{name.Value, value.Value}
}

// padded is a list with v at index i, after others that are valid.
func padded(i int, valid, v starlark.Value) *starlark.List {
	all := make([]starlark.Value, i, i+1)
	for n := range all {
		all[n] = valid
	}
	return starlark.NewList(append(all, v))
}

// app looks at what an application returns.
func (c *checker) app(def *syntax.DefStmt) {
	for _, stmt := range def.Body {
		syntax.Walk(stmt, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.DefStmt:
				return false
			case *syntax.ReturnStmt:
				c.body(n.Result)
			}
			return true
		})
	}
}

// body looks at what an application returns. That it is None is for the rules of the language to
// say.
func (c *checker) body(e syntax.Expr) {
	if cond, ok := e.(*syntax.CondExpr); ok {
		c.body(cond.True)
		c.body(cond.False)
		return
	}
	if list, ok := e.(*syntax.ListExpr); ok {
		for i, item := range list.List[:min(len(list.List), budget)] {
			if v := c.constants.value(item); v.known() {
				c.check(item, answer.Body(padded(i, starlark.String("x"), v.Value)))
			}
		}
		return
	}
	if dict, ok := c.constants.origin(e).(*syntax.DictExpr); ok && len(dict.List) > 0 {
		// It is an iterable, so the server takes it; nobody means that.
		c.check(e, environ.Errorf(environ.CodeResult,
			`return [json.encode(value)], with load("@json", "json")`,
			"the application returned dict, of which only the keys are sent"))
		return
	}
	if v := c.constants.value(e); v.known() && v.Value != starlark.None {
		c.check(e, answer.Body(v.Value))
	}
}

// pureFunctions are the functions that the file loads from host modules and that depend on nothing
// but their arguments, by the names that it has for them.
func pureFunctions(s *host.Script) map[*syntax.Ident]starlark.Callable {
	functions := make(map[*syntax.Ident]starlark.Callable)
	for _, stmt := range s.Tree.Stmts {
		load, ok := stmt.(*syntax.LoadStmt)
		if !ok {
			continue
		}
		name, ok := strings.CutPrefix(load.ModuleName(), "@")
		if !ok {
			continue
		}
		for i, from := range load.From {
			if fn := s.Module(name).Pure(from.Name); fn != nil {
				functions[load.To[i]] = fn
			}
		}
	}
	return functions
}

func (c *checker) function(fn syntax.Expr) starlark.Callable {
	if id, ok := fn.(*syntax.Ident); ok {
		if v := variable(id); v != nil {
			return c.functions[v]
		}
	}
	return nil
}

// try calls a function that depends on nothing but its arguments, if all of them are constant, and
// reports whether they are.
func (c *checker) try(fn starlark.Callable, call *syntax.CallExpr) bool {
	var args starlark.Tuple
	var kwargs []starlark.Tuple
	for _, arg := range call.Args {
		if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
			name, _ := named.X.(*syntax.Ident)
			v := c.constants.value(named.Y)
			if name == nil || !v.exact {
				return false
			}
			kwargs = append(kwargs, starlark.Tuple{starlark.String(name.Name), v.Value})
			continue
		}
		v := c.constants.value(arg)
		if !v.exact {
			return false
		}
		args = append(args, v.Value)
	}
	_, err := starlark.Call(new(starlark.Thread), fn, args, kwargs)
	if eval, ok := err.(*starlark.EvalError); ok {
		err = eval.Unwrap()
	}
	c.check(call, err)
	return true
}

// fields says what is wrong with response headers.
func fields(v starlark.Value) error {
	fields, err := answer.Headers(nil, v, "headers")
	if err == nil {
		_, err = answer.Length(fields)
	}
	return err
}

// hints says what is wrong with early hints.
func hints(v starlark.Value) error {
	_, err := answer.Hints(v)
	return err
}
