package lint

import (
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/syntax"
)

// apart warns about a text that is put together of texts and values, and passed where that is not to
// be.
func (d *describer) apart(call *syntax.CallExpr) {
	fn, args := caught(call)
	v, ok := d.value(fn)
	if !ok || v.member == nil {
		return
	}
	for i, arg := range args {
		p := positional(v.member.Params, i)
		if p == nil || p.Apart == nil {
			continue
		}
		if d.values == nil {
			d.values = valuesOf(d.script.Tree)
		}
		c := composer{describer: d, left: budget, seen: make(map[*syntax.Ident]bool)}
		texts := []syntax.Expr{arg}
		id, named := arg.(*syntax.Ident)
		if named {
			texts = d.values[variable(id)]
		}
		for _, text := range texts {
			put := host.Composed{Fn: v.name, Parts: c.parts(text), Elsewhere: named}
			for _, behind := range args[i+1:] {
				put.Behind = append(put.Behind, d.text(behind))
			}
			if message := p.Apart(put); message != "" {
				pos, _ := text.Span()
				d.warn(pos, "%s", message)
			}
		}
	}
}

// text is an expression as it stands in the script.
func (d *describer) text(e syntax.Expr) string {
	start, end := e.Span()
	lines := strings.SplitAfter(string(d.script.Source), "\n")
	from, to := int(start.Line)-1, int(end.Line)-1
	if from < 0 || to >= len(lines) || from > to {
		return "..."
	}
	var b strings.Builder
	for i := from; i <= to; i++ {
		runes := []rune(lines[i]) // columns are counted in them
		first, last := 0, len(runes)
		if i == to {
			last = min(last, int(end.Col)-1+bracket(e))
		}
		if i == from {
			first = min(int(start.Col)-1, last)
		}
		b.WriteString(string(runes[first:last]))
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// bracket is how much of an expression comes behind the end of its span: that of x[i] lacks its ].
func bracket(e syntax.Expr) int {
	switch e := e.(type) {
	case *syntax.IndexExpr, *syntax.SliceExpr:
		return 1
	case *syntax.BinaryExpr:
		return bracket(e.Y)
	case *syntax.UnaryExpr:
		return bracket(e.X)
	case *syntax.CondExpr:
		return bracket(e.False)
	case *syntax.LambdaExpr:
		return bracket(e.Body)
	case *syntax.TupleExpr:
		if n := len(e.List); n > 0 && !e.Lparen.IsValid() {
			return bracket(e.List[n-1])
		}
	}
	return 0
}

// valuesOf finds what the variables of a file are made of: each expression that is assigned or added to
// them, or whose elements they are.
func valuesOf(f *syntax.File) map[*syntax.Ident][]syntax.Expr {
	all := make(map[*syntax.Ident][]syntax.Expr)
	var add func(to, e syntax.Expr)
	add = func(to, e syntax.Expr) {
		switch to := to.(type) {
		case *syntax.Ident:
			if v := variable(to); v != nil {
				all[v] = append(all[v], e)
			}
		case *syntax.ParenExpr:
			add(to.X, e)
		case *syntax.TupleExpr:
			for _, x := range to.List {
				add(x, e)
			}
		case *syntax.ListExpr:
			for _, x := range to.List {
				add(x, e)
			}
		}
	}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.AssignStmt:
			add(n.LHS, n.RHS)
		case *syntax.ForStmt:
			add(n.Vars, n.X)
		case *syntax.ForClause:
			add(n.Vars, n.X)
		case *syntax.CallExpr: // list.append(x), list.extend(x)
			if dot, ok := n.Fn.(*syntax.DotExpr); ok && len(n.Args) == 1 &&
				(dot.Name.Name == "append" || dot.Name.Name == "extend") {
				add(dot.X, n.Args[0])
			}
		}
		return true
	})
	return all
}

// budget is how many expressions are looked at for one: a text may be made of variables without end.
const budget = 500

// A composer takes apart what a script puts together.
type composer struct {
	*describer
	left int
	seen map[*syntax.Ident]bool // the variables that are being looked at
}

// parts returns the pieces of a text.
func (c *composer) parts(e syntax.Expr) []host.Part {
	if c.left--; c.left < 0 {
		return nil
	}
	if text, ok := c.constant(e); ok {
		return []host.Part{{Text: text}}
	}
	switch e := e.(type) {
	case *syntax.ParenExpr:
		return c.parts(e.X)
	case *syntax.BinaryExpr:
		switch text, known := c.constant(e.X); {
		case e.Op == syntax.PLUS:
			return append(c.parts(e.X), c.parts(e.Y)...)
		case e.Op == syntax.PERCENT && known:
			return c.percent(text, e.Y)
		}
	case *syntax.CallExpr:
		dot, ok := e.Fn.(*syntax.DotExpr)
		if !ok {
			break
		}
		switch text, known := c.constant(dot.X); {
		case known && dot.Name.Name == "format":
			return c.format(text, e.Args)
		case known && dot.Name.Name == "join" && len(e.Args) == 1:
			if list, ok := e.Args[0].(*syntax.ListExpr); ok {
				var all []host.Part
				for i, x := range list.List {
					if i > 0 {
						all = append(all, host.Part{Text: text})
					}
					all = append(all, c.parts(x)...)
				}
				return all
			}
		}
	}
	return []host.Part{c.part(e)}
}

// part is an expression as one piece.
func (c *composer) part(e syntax.Expr) host.Part {
	if text, ok := c.constant(e); ok {
		return host.Part{Text: text}
	}
	if call, ok := e.(*syntax.CallExpr); ok && len(call.Args) == 1 {
		if id, ok := call.Fn.(*syntax.Ident); ok && id.Name == "str" && builtin(id) {
			e = call.Args[0] // a value needs not be a text
		}
	}
	return host.Part{Value: c.text(e), From: c.origin(e)}
}

// constant returns the text that an expression is, if that stands in the script.
func (c *composer) constant(e syntax.Expr) (string, bool) {
	if c.left--; c.left < 0 {
		return "", false
	}
	switch e := e.(type) {
	case *syntax.Literal:
		s, ok := e.Value.(string)
		return s, ok && e.Token == syntax.STRING
	case *syntax.ParenExpr:
		return c.constant(e.X)
	case *syntax.Ident:
		v := variable(e)
		if v != nil && len(c.values[v]) == 1 && len(c.binds[v]) == 1 && c.binds[v][0].how == assigned {
			return c.constant(c.values[v][0])
		}
	case *syntax.BinaryExpr:
		if e.Op == syntax.PLUS {
			x, ok := c.constant(e.X)
			y, also := c.constant(e.Y)
			return x + y, ok && also
		}
	}
	return "", false
}

// percent takes "..." % y apart.
func (c *composer) percent(text string, y syntax.Expr) []host.Part {
	values := []syntax.Expr{y}
	if paren, ok := y.(*syntax.ParenExpr); ok {
		y = paren.X
	}
	var byName *syntax.DictExpr
	switch y := y.(type) {
	case *syntax.TupleExpr:
		values = y.List
	case *syntax.DictExpr:
		byName = y
	}
	var all []host.Part
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 || i+1 == len(text) {
			return append(all, host.Part{Text: text})
		}
		all, text = append(all, host.Part{Text: text[:i]}), text[i+1:]
		name := ""
		if strings.HasPrefix(text, "(") {
			end := strings.IndexByte(text, ')')
			if end < 0 || end+1 == len(text) {
				return append(all, host.Part{Text: "%" + text})
			}
			name, text = text[1:end], text[end+1:]
		}
		verb := text[0]
		text = text[1:]
		if verb == '%' {
			all = append(all, host.Part{Text: "%"})
			continue
		}
		var value syntax.Expr
		switch {
		case name != "" && byName != nil:
			value = entry(byName, name)
		case name == "" && len(values) > 0:
			value, values = values[0], values[1:]
		}
		if value == nil {
			all = append(all, host.Part{Value: "...", From: host.Other})
			continue
		}
		p := c.part(value)
		if verb != 's' && verb != 'r' {
			p.From = host.Fixed // a number
		}
		all = append(all, p)
	}
}

// entry returns the value of a key that stands in a dict.
func entry(d *syntax.DictExpr, key string) syntax.Expr {
	for _, x := range d.List {
		if e, ok := x.(*syntax.DictEntry); ok {
			if l, ok := e.Key.(*syntax.Literal); ok && l.Value == key {
				return e.Value
			}
		}
	}
	return nil
}

// format takes "...".format(...) apart.
func (c *composer) format(text string, args []syntax.Expr) []host.Part {
	var positions []syntax.Expr
	byName := make(map[string]syntax.Expr)
	for _, arg := range args {
		if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
			if id, ok := named.X.(*syntax.Ident); ok {
				byName[id.Name] = named.Y
			}
			continue
		}
		byName[strconv.Itoa(len(positions))] = arg
		positions = append(positions, arg)
	}
	var all []host.Part
	next := 0
	for {
		i := strings.IndexAny(text, "{}")
		if i < 0 || i+1 == len(text) {
			return append(all, host.Part{Text: text})
		}
		if text[i] == text[i+1] { // {{ is {
			all, text = append(all, host.Part{Text: text[:i+1]}), text[i+2:]
			continue
		}
		end := strings.IndexByte(text[i:], '}')
		if text[i] == '}' || end < 0 {
			return append(all, host.Part{Text: text})
		}
		all = append(all, host.Part{Text: text[:i]})
		name := text[i+1 : i+end]
		text = text[i+end+1:]
		if name == "" {
			name = strconv.Itoa(next)
			next++
		}
		if value := byName[name]; value != nil {
			all = append(all, c.part(value))
		} else {
			all = append(all, host.Part{Value: "...", From: host.Other})
		}
	}
}
