package habit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// frozen is why a function cannot change a global.
const frozen = "globals are frozen after load"

// A failing is an error of the interpreter, and what to write instead.
type failing struct {
	pattern *regexp.Regexp
	cure    func(*place, []string) string
}

// failings are made when a script first fails.
var failings = sync.OnceValue(func() []failing {
	known := func(message string, cure func(*place, []string) string) failing {
		return failing{regexp.MustCompile(message), cure}
	}
	return []failing{
		known(`cannot .* frozen (list|hash table)$`, (*place).frozen),
		known(`^(local|global) variable (\S+) referenced before assignment$`, (*place).unassigned),
		known(`^(builtin_function_or_method|function) has no \.(\w+) field or method`, (*place).uncalled),
		known(`^unhandled index operation (builtin_function_or_method|function)\[`, (*place).uncalled),
		known(`^(builtin_function_or_method|function) value does not support item`, (*place).uncalled),
		known(`^(builtin_function_or_method|function) value is not iterable`, (*place).uncalled),
		known(`^unknown binary op: \w+ (not )?in (builtin_function_or_method|function)$`, (*place).uncalled),
		known(`for parameter environ: got string, want dict$`, (*place).askedBy),
		known(`missing argument for environ$`, (*place).askedBy),
		known(`missing argument for app$`, (*place).appless),
		known(`^time\.time has no \.(\w+) field or method`, (*place).moment),
		known(`^module has no \.(\w+) field or method`, (*place).theirs),
		known(`^key "([^"]*)" not in environ$`, (*place).variable),
		known(`^(\w+) has no \.(\w+) field or method`, (*place).field),
		known(`^string value is not iterable$`, (*place).letters),
		known(`^unknown binary op: (\w+) \+ (\w+)$`, (*place).sum),
		known(`^unknown conversion %|format spec features not supported`, (*place).conversion),
	}
})

// A place is a line of a script that failed.
type place struct {
	tree *syntax.File
	src  string
	pos  syntax.Position
	node syntax.Node // that the position is of, nil if it is of none that is known
}

// Failed returns the message of an error of the interpreter at a place of a script, with what to
// write instead, if it comes from a habit. The names of the script are resolved.
func Failed(tree *syntax.File, src []byte, pos syntax.Position, message string) string {
	for _, f := range failings() {
		m := f.pattern.FindStringSubmatch(message)
		if m == nil {
			continue
		}
		p := &place{tree: tree, src: string(src), pos: pos}
		p.find()
		if cure := f.cure(p, m); cure != "" {
			return message + cure
		}
	}
	return message
}

// find finds the node that the interpreter gives the position for.
func (p *place) find() {
	syntax.Walk(p.tree, func(n syntax.Node) bool {
		var at syntax.Position
		switch n := n.(type) {
		case *syntax.CallExpr:
			at = n.Lparen
		case *syntax.IndexExpr:
			at = n.Lbrack
		case *syntax.AssignStmt:
			at = n.OpPos
		case *syntax.DotExpr:
			at = n.Dot
		case *syntax.BinaryExpr:
			at = n.OpPos
		case *syntax.ForStmt:
			at = n.For
		case *syntax.ForClause:
			at = n.For
		case *syntax.Ident:
			at = n.NamePos
		}
		if at.IsValid() && at.Line == p.pos.Line && at.Col == p.pos.Col {
			p.node = n
		}
		return true
	})
}

// changed is the value that the statement tries to change.
func (p *place) changed() syntax.Expr {
	switch n := p.node.(type) {
	case *syntax.CallExpr:
		if dot, ok := n.Fn.(*syntax.DotExpr); ok {
			return dot.X
		}
	case *syntax.IndexExpr:
		return n.X
	case *syntax.AssignStmt:
		if index, ok := n.LHS.(*syntax.IndexExpr); ok {
			return index.X
		}
		return n.LHS
	}
	return nil
}

// root is the variable that an expression begins with.
func root(e syntax.Expr) *syntax.Ident {
	for {
		switch x := e.(type) {
		case *syntax.Ident:
			return x
		case *syntax.IndexExpr:
			e = x.X
		case *syntax.DotExpr:
			e = x.X
		case *syntax.ParenExpr:
			e = x.X
		case *syntax.CallExpr:
			e = x.Fn
		default:
			return nil
		}
	}
}

// isGlobal reports whether a variable is one of the file, loaded ones among them.
func (p *place) isGlobal(id *syntax.Ident) bool {
	b, ok := id.Binding.(*resolve.Binding)
	if !ok || b.Scope == resolve.Global {
		return ok
	}
	for _, stmt := range p.tree.Stmts {
		if load, ok := stmt.(*syntax.LoadStmt); ok && slices.Contains(load.To, b.First) {
			return true
		}
	}
	return false
}

func (p *place) frozen(m []string) string {
	kind := "list"
	if m[1] != "list" {
		kind = "dict"
	}
	e := p.changed()
	id := root(e)
	value := "value"
	if e != nil {
		value = written(p.src, e)
	}
	if id == nil || !p.isGlobal(id) {
		return fmt.Sprintf(": it was made when the file was loaded, and %s, or is of a session whose "+
			"response has begun; write own = %s(%s), and change that", frozen, kind, value)
	}
	if call, ok := p.node.(*syntax.CallExpr); ok {
		if dot, ok := call.Fn.(*syntax.DotExpr); ok && dot.Name.Name == "add" {
			kind = "set"
		}
	}
	return fmt.Sprintf(": %s is a global, and %s; write %s = %s(%s), and change that; "+
		"what has to last between requests belongs in a host module",
		id.Name, frozen, own(id.Name), kind, value)
}

// own names what a function makes of a global for itself.
func own(global string) string { return "own_" + strings.TrimLeft(strings.ToLower(global), "_") }

func (p *place) unassigned(m []string) string {
	name := m[2]
	if m[1] == "global" {
		return "; move the line that assigns it up, before the one that uses it"
	}
	for _, b := range p.tree.Module.(*resolve.Module).Globals {
		if b.First.Name == name {
			return fmt.Sprintf(": the function assigns %s, which makes it local in all of the "+
				"function; the global %s of line %d is another, and %s; write %s = %s, and "+
				"change that", name, name, b.First.NamePos.Line, frozen, own(name), name)
		}
	}
	return fmt.Sprintf("; write %s = None at the beginning of the function", name)
}

// methods are those of Python's values, and what to write instead: $0 is the value, $1 the
// arguments.
func methods() map[string]string {
	return map[string]string{
		"string.encode": "bytes($0)", "bytes.decode": "str($0)", "list.sort": "$0 = sorted($0$*)",
		"list.reverse": "$0 = list(reversed($0))", "list.copy": "list($0)", "dict.copy": "dict($0)",
		"dict.has_key": "$1 in $0", "dict.iteritems": "$0.items()", "dict.iterkeys": "$0.keys()",
		"dict.itervalues": "$0.values()", "dict.fromkeys": "{k: None for k in $1}",
		"list.count":       "len([x for x in $0 if x == $1])",
		"string.isdecimal": "$0.isdigit()", "string.isnumeric": "$0.isdigit()",
		"string.casefold": "$0.lower()", "string.zfill": `"0" * ($1 - len($0)) + $0`,
		"string.ljust": `$0 + " " * ($1 - len($0))`, "string.rjust": `" " * ($1 - len($0)) + $0`,
	}
}

// field says what to write for a field or a method that a value does not have.
func (p *place) field(m []string) string {
	dot, ok := p.node.(*syntax.DotExpr)
	if !ok {
		return ""
	}
	value := written(p.src, dot.X)
	call := p.calls(dot)
	kind := m[1]
	if kind == "environ" {
		kind = "dict" // for a script it is one
	}
	if text := methods()[kind+"."+m[2]]; text != "" {
		args, all := "x", ""
		if call != nil && len(call.Args) > 0 {
			args = written(p.src, call.Args[0])
			for _, arg := range call.Args {
				all += ", " + written(p.src, arg)
			}
		}
		if _, named := dot.X.(*syntax.Ident); !named {
			text = strings.TrimPrefix(text, "$0 = ")
		}
		return "; write " + strings.NewReplacer("$0", value, "$1", args, "$*", all).Replace(text)
	}
	if kind == "dict" && call == nil {
		return fmt.Sprintf("; write %s[%q]", value, m[2])
	}
	if kind == "NoneType" {
		return fmt.Sprintf("; write if %s != None: before it", value)
	}
	return ""
}

// calls returns the call of what dot names, nil if it is not called.
func (p *place) calls(dot *syntax.DotExpr) (found *syntax.CallExpr) {
	syntax.Walk(p.tree, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && call.Fn == syntax.Expr(dot) {
			found = call
		}
		return true
	})
	return found
}

func (p *place) letters([]string) string {
	switch n := p.node.(type) {
	case *syntax.ForStmt:
		return "; write for " + written(p.src, n.Vars) + " in " + written(p.src, n.X) + ".elems():"
	case *syntax.ForClause:
		return "; write for " + written(p.src, n.Vars) + " in " + written(p.src, n.X) + ".elems()"
	}
	return "; write value.elems()"
}

// sum says how to join values of two types.
func (p *place) sum(m []string) string {
	x, y := "x", "y"
	switch n := p.node.(type) {
	case *syntax.BinaryExpr:
		x, y = written(p.src, n.X), written(p.src, n.Y)
	case *syntax.AssignStmt:
		x, y = written(p.src, n.LHS), written(p.src, n.RHS)
	}
	switch {
	case m[1] == "bytes" && m[2] == "string":
		y = "bytes(" + y + ")"
	case m[1] == "string" && m[2] == "bytes":
		x = "bytes(" + x + ")"
	case m[1] == "string":
		y = "str(" + y + ")"
	case m[2] == "string":
		x = "str(" + x + ")"
	default:
		return ""
	}
	return "; write " + x + " + " + y
}

func (p *place) conversion([]string) string {
	return `: there are no widths and precisions; write "%s" % value, or "{}".format(value)`
}
