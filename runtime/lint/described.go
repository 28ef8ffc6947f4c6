package lint

import (
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A describer looks at the uses of what the file loads from host modules, by their descriptions. A
// name that is bound to anything else, too, is left alone.
type describer struct {
	*checker
	script *host.Script
	loaded map[*syntax.Ident]described
	values map[*syntax.Ident][]syntax.Expr // what variables are made of
}

// A described value is one of which a host module says what it is.
type described struct {
	name    string        // as the script writes it
	members []host.Member // what it has, if it is a struct or the whole of a module
	member  *host.Member  // what it is called as; nil for the whole of a module
	module  *host.Module
	typ     *host.Type // that it is a value of, if the module says it
}

func (c *checker) described(s *host.Script) {
	d := &describer{c, s, make(map[*syntax.Ident]described), nil}
	for _, stmt := range s.Tree.Stmts {
		load, ok := stmt.(*syntax.LoadStmt)
		if !ok {
			continue
		}
		name, ok := strings.CutPrefix(load.ModuleName(), "@")
		m := s.Module(name)
		if !ok || m == nil {
			continue
		}
		for i, to := range load.To {
			v := variable(to)
			if v == nil || len(c.binds[v]) != 1 {
				continue
			}
			from := load.From[i].Name
			member := m.Member(from)
			if m.Whole && from == m.Name {
				d.loaded[v] = described{name: to.Name, members: m.Members, member: member, module: m}
			} else if member != nil {
				d.loaded[v] = describe(to.Name, member, m)
			}
		}
	}
	if len(d.loaded) == 0 {
		return
	}
	d.typed(s.Tree)
	syntax.Walk(s.Tree, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.DotExpr:
			if !d.uncalled(n, n.X, n.Name.Name) {
				d.dot(n)
			}
		case *syntax.IndexExpr:
			d.uncalled(n, n.X, "")
		case *syntax.BinaryExpr:
			if n.Op == syntax.IN || n.Op == syntax.NOT_IN {
				d.uncalled(n, n.Y, "")
			}
		case *syntax.ForStmt:
			d.uncalled(n, n.X, "")
		case *syntax.ForClause:
			d.uncalled(n, n.X, "")
		case *syntax.CallExpr:
			if v, ok := d.value(n.Fn); ok {
				d.called(v, n)
			}
			d.apart(n)
		}
		return true
	})
}

// describe returns what is known of a member. One that has a value or is made by the module may have
// more attributes than the description lists.
func describe(name string, m *host.Member, in *host.Module) described {
	d := described{name: name, member: m, module: in}
	if m.Fn == nil && m.Value == nil {
		d.members = m.Members
	}
	return d
}

// value returns what an expression is, if a description says it.
func (d *describer) value(e syntax.Expr) (described, bool) {
	switch e := e.(type) {
	case *syntax.Ident:
		v := variable(e)
		if v == nil {
			return described{}, false
		}
		found, ok := d.loaded[v]
		return found, ok
	case *syntax.DotExpr:
		of, ok := d.value(e.X)
		if !ok {
			return of, false
		}
		members := of.members
		if of.typ != nil {
			members = of.typ.Members
		}
		for i := range members {
			if members[i].Name == e.Name.Name {
				return describe(of.name+"."+e.Name.Name, &members[i], of.module), true
			}
		}
	case *syntax.CallExpr:
		if of, ok := d.value(e.Fn); ok && of.member != nil {
			return d.of(of.name+"()", of.module, of.member.Result)
		}
	}
	return described{}, false
}

// dot warns about an attribute that there is none of.
func (d *describer) dot(dot *syntax.DotExpr) {
	of, ok := d.value(dot.X)
	if !ok || len(of.members) == 0 {
		return
	}
	names := make([]string, len(of.members))
	for i, m := range of.members {
		names[i] = m.Name
	}
	if slices.Contains(names, dot.Name.Name) {
		return
	}
	if near := spell.Nearest(dot.Name.Name, names, 3); near != "" {
		d.warn(dot.Name.NamePos, "%s has no %s; did you mean %s.%s?", of.name, dot.Name.Name, of.name, near)
		return
	}
	slices.Sort(names)
	d.warn(dot.Name.NamePos, "%s has no %s; it has %s", of.name, dot.Name.Name, strings.Join(names, ", "))
}

// called warns about a call that cannot bind its arguments, or passes a constant of a wrong type.
func (d *describer) called(v described, call *syntax.CallExpr) {
	pos, _ := call.Fn.Span()
	if len(v.members) > 0 && (v.member == nil || v.member.Fn == nil) {
		d.warn(pos, "%s cannot be called: call a function of it, as %s.%s()", v.name, v.name, example(v.members))
		return
	}
	m := v.member
	if m == nil || m.Fn == nil && len(m.Params) == 0 {
		return
	}
	if _, direct := call.Fn.(*syntax.Ident); direct && m.Pure && literals(call.Args) {
		return // whoever calls it with these constants says what is wrong, and more of it
	}
	s := signatureOfParams(m.Params)
	d.call(v.name, pos, call, s)
	d.types(v, call)
}

// example is the name of a member that is a function, or of any if none is.
func example(members []host.Member) string {
	for i := range members {
		if members[i].Fn != nil {
			return members[i].Name
		}
	}
	return members[0].Name
}

// literals reports whether all arguments are constants that stand there.
func literals(args []syntax.Expr) bool {
	for _, arg := range args {
		if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
			arg = named.Y
		}
		switch arg.(type) {
		case *syntax.Literal:
		default:
			return false
		}
	}
	return true
}

// signatureOfParams is what a function takes whose parameters are described.
func signatureOfParams(params []host.Param) signature {
	s := signature{optional: make(map[string]bool)}
	named := false
	for _, p := range params {
		switch p.Pass {
		case host.Rest:
			s.rest, named = true, true
			continue
		case host.RestByName:
			s.extra = true
			continue
		case host.ByName:
			named = true
		case host.ByPosition:
			s.nameless = append(s.nameless, p.Name)
		}
		if named {
			s.keywords = append(s.keywords, p.Name)
		} else {
			s.names = append(s.names, p.Name)
		}
		s.optional[p.Name] = p.Default != nil || p.Optional
	}
	return s
}

// types warns about constants of a type that the parameter they are passed for does not take.
func (d *describer) types(v described, call *syntax.CallExpr) {
	m, at := v.member, 0
	for _, arg := range call.Args {
		if star, ok := arg.(*syntax.UnaryExpr); ok && (star.Op == syntax.STAR || star.Op == syntax.STARSTAR) {
			return // where the others come to stand is not known
		}
		var p *host.Param
		if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
			id, _ := named.X.(*syntax.Ident)
			p, arg = paramOf(m.Params, id), named.Y
		} else {
			p = positional(m.Params, at)
			at++
		}
		if p == nil {
			continue
		}
		is, wants := kindOf(arg), m.TypeOf(p)
		if is != "" && !takes(wants, is) {
			pos, _ := arg.Span()
			d.warn(pos, "%s takes %s as %s, not %s", v.name, wants, p.Name, is)
		}
	}
}

// paramOf returns the parameter of a name, nil if there is none.
func paramOf(params []host.Param, id *syntax.Ident) *host.Param {
	if id == nil {
		return nil
	}
	i := slices.IndexFunc(params, func(p host.Param) bool {
		return p.Name == id.Name && p.Pass != host.Rest && p.Pass != host.RestByName
	})
	if i < 0 {
		return nil
	}
	return &params[i]
}

// positional returns the parameter of the argument at a position, nil if there is none.
func positional(params []host.Param, at int) *host.Param {
	for i := range params {
		switch p := &params[i]; {
		case p.Pass == host.Rest:
			return p
		case p.Pass == host.ByName || p.Pass == host.RestByName:
			continue
		case i == at:
			return p
		}
	}
	return nil
}

// kindOf is the type of a constant, "" if the expression does not tell. None may stand for anything.
func kindOf(e syntax.Expr) string {
	switch e := e.(type) {
	case *syntax.ParenExpr:
		return kindOf(e.X)
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
	case *syntax.UnaryExpr:
		if kind := kindOf(e.X); e.Op == syntax.MINUS && (kind == "int" || kind == "float") {
			return kind
		}
	case *syntax.BinaryExpr:
		if e.Op == syntax.PERCENT && kindOf(e.X) == "string" {
			return "string"
		}
	case *syntax.ListExpr:
		return "list"
	case *syntax.DictExpr:
		return "dict"
	case *syntax.TupleExpr:
		return "tuple"
	case *syntax.Comprehension:
		if e.Curly {
			return "dict"
		}
		return "list"
	case *syntax.LambdaExpr:
		return "function"
	case *syntax.Ident:
		if builtin(e) && (e.Name == "True" || e.Name == "False") {
			return starlark.True.Type()
		}
	}
	return ""
}

// refused are the types of constants that a parameter of a type does not take, whichever way it is
// converted. What is not here takes anything, as far as is known.
var refused = map[string]string{
	"string":   "int float bool bytes list dict tuple function",
	"bytes":    "int float bool list dict tuple function",
	"int":      "string float bool bytes list dict tuple function",
	"float":    "string bool bytes list dict tuple function",
	"bool":     "string int float bytes list dict tuple function",
	"list":     "string int float bool function",
	"iterable": "string int float bool function",
	"dict":     "string int float bool bytes list tuple function",
	"callable": "string int float bool bytes list dict tuple",
	"function": "string int float bool bytes list dict tuple",
	"None":     "string int float bool bytes list dict tuple function",
}

// takes reports whether a parameter may take a constant of a type. What a parameter takes is written
// as in "string", "int or None", "string, bytes or list of pairs".
func takes(wants, kind string) bool {
	for _, want := range strings.Split(strings.ReplaceAll(wants, " or ", ", "), ", ") {
		want, _, _ = strings.Cut(want, " of ")
		want = strings.TrimPrefix(strings.TrimPrefix(want, "a "), "an ")
		no, known := refused[want]
		if !known || !slices.Contains(strings.Fields(no), kind) {
			return true
		}
	}
	return false
}
