package habit

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// builtins are names of other languages, and what to write instead: $0 and $1 are the arguments of
// a call, or the words that stand for them in general.
func builtins() map[string]string {
	return map[string]string{
		"isinstance": `type($0) == "$1"`, "issubclass": `type($0) == "$1"`,
		"callable": `type($0) in ("function", "builtin_function_or_method")`,
		"sum":      "total = 0, then for n in $0: total += n",
		"map":      "[$0(x) for x in $1]", "filter": "[x for x in $1 if $0(x)]",
		"reduce": "total = $1[0], then for x in $1[1:]: total = $0(total, x)",
		"next":   "$0[0]", "iter": "list($0)", "frozenset": "set($0)", "bytearray": "bytes($0)",
		"divmod": "($0 // $1, $0 % $1)", "format": `"{}".format($0)`, "hex": `"%x" % $0`,
		"oct": `"%o" % $0`, "ascii": "repr($0)", "setattr": "$0[$1] = value",
		"delattr": "$0.pop($1)", "vars": "dir($0)", "object": `struct(name = "value")`,
		"exit": `fail("message")`, "quit": `fail("message")`, "eval": "json.decode($0)",
		"input": `environ["wsgi.input"].read()`, "unicode": "str($0)", "xrange": "range($0)",
		"long": "int($0)", "unichr": "chr($0)", "true": "True", "false": "False", "null": "None",
		"nil": "None", "none": "None", "undefined": "None",
		"assert": `if not ($0): fail("message")`, "Exception": `fail("message")`,
		"self":     "struct(name = value), and functions that take it",
		"super":    "function(argument)",
		"__name__": "def app(environ, start_response):, which the server calls",
		"slice":    "values[$0:$1]", "pow": "math.pow($0, $1)", "round": "math.round($0)",
		"open": "file($0)", "memoryview": "bytes($0)", "id": "hash(str($0))",
	}
}

// words stand for the arguments of what is not called.
var words = [2]string{"value", "values"}

// types are what Python calls the types of values.
var types = map[string]string{"str": "string", "set": "set", "NoneType": "NoneType"}

var undefined = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^undefined: ([\pL_][\pL\pN_]*)`)
})

// Undefined returns what to say of a name that is not defined: what is written instead of one that
// Python has, what loads one that a module has, and else a name that is like it. Other errors of
// the resolver keep their words.
func (l *Language) Undefined(tree *syntax.File, src []byte, e resolve.Error) string {
	m := undefined().FindStringSubmatch(e.Msg)
	if m == nil {
		return e.Msg
	}
	name := m[1]
	said := "undefined: " + name
	args, called := arguments(tree, string(src), e.Pos)
	dot := dotted(tree, e.Pos)
	if text := l.asked(name, dot); text != "" {
		return said + "; write " + text
	}
	if w := l.word(name); w.write != "" {
		return said + "; write " + l.framed(w, args)
	}
	if strings.HasSuffix(name, "Error") && name != "Error" {
		return said + `; an error is a message; write fail("message")`
	}
	if module := l.module(name); module != nil && dot != "" {
		return said + "; write " + module.load(nil)
	}
	if text := l.special(name, args); text != "" {
		return said + "; write " + text
	}
	if text := builtins()[name]; text != "" {
		return said + "; write " + l.filled(text, args)
	}
	if homes := l.homes(name, called); len(homes) > 0 {
		return said + "; write " + meant(homes, args).load([]string{name})
	}
	if module := l.module(name); module != nil {
		return said + "; write " + module.load(nil)
	}
	if c, known := counterparts()[name]; known {
		if text := l.instead(c, []string{dot}); text != "" {
			return said + "; write " + text
		}
	}
	for module, has := range granted() {
		if has == name {
			return said + "; write " + l.loadOf(counterpart{module: module, names: name})
		}
	}
	if e.Msg != said {
		return e.Msg // the resolver knows one of the file's own
	}
	if near := spell.Nearest(name, slices.Concat(statementWords, l.Builtins), 3); near != "" {
		return fmt.Sprintf("%s (did you mean %s?)", said, near)
	}
	for _, module := range l.Modules {
		if near := spell.Nearest(name, module.Names, 3); near != "" {
			return fmt.Sprintf("%s (did you mean %s?); write %s", said, near,
				module.load([]string{near}))
		}
	}
	return said
}

// meant is the module whose function has these arguments: what is asked of a request is of @http.
func meant(homes []*Module, args []string) *Module {
	for _, m := range homes {
		if len(args) > 0 && args[0] == "environ" && m.Name == "http" {
			return m
		}
	}
	return homes[0]
}

// fill puts arguments into a line.
func fill(text string, args []string) string {
	for i, word := range words {
		if i < len(args) {
			word = args[i]
		}
		if strings.Contains(text, `"$`+strconv.Itoa(i)+`"`) { // the name of a type
			if known := types[word]; known != "" {
				word = known
			} else if i >= len(args) {
				word = "string"
			}
		} else if strings.Contains(word, " ") && strings.Contains(text, "$"+strconv.Itoa(i)+"(") {
			word = "(" + word + ")"
		}
		text = strings.ReplaceAll(text, "$"+strconv.Itoa(i), word)
	}
	return text
}

// filled puts arguments into a line, and says what that needs.
func (l *Language) filled(text string, args []string) string {
	text = fill(text, args)
	for _, needs := range [][2]string{{"math.", "math"}, {"json.", "json"}, {"file(", "static"},
		{"struct(", "struct"}} {
		if m := l.module(needs[1]); m != nil && strings.HasPrefix(text, needs[0]) {
			name, _, _ := strings.Cut(strings.TrimSuffix(needs[0], "."), "(")
			text += ", with " + m.load([]string{name})
		}
	}
	return text
}

// dotted returns what stands behind the dot of the name at a position, as that of a module; "" if it
// has none.
func dotted(tree *syntax.File, pos syntax.Position) (attribute string) {
	syntax.Walk(tree, func(n syntax.Node) bool {
		if dot, ok := n.(*syntax.DotExpr); ok {
			if id, ok := dot.X.(*syntax.Ident); ok && id.NamePos == pos {
				attribute = dot.Name.Name
			}
		}
		return true
	})
	return attribute
}

// arguments are those of the call of the name at a position, as they are written, and whether it is
// called.
func arguments(tree *syntax.File, src string, pos syntax.Position) (args []string, called bool) {
	syntax.Walk(tree, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok {
			return true
		}
		if id, ok := call.Fn.(*syntax.Ident); ok && id.NamePos == pos {
			called = true
			for _, arg := range call.Args {
				args = append(args, written(src, arg))
			}
		}
		return true
	})
	return args, called
}

// written is a part of a script as it is written, in one line.
func written(src string, n syntax.Node) string {
	start, end := n.Span()
	if endsInIndex(n) {
		end.Col++ // the parser ends an index before its bracket
	}
	return strings.Join(strings.Fields(src[offset(src, start):offset(src, end)]), " ")
}

// endsInIndex reports whether an expression ends with that of an index.
func endsInIndex(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.IndexExpr, *syntax.SliceExpr:
		return true
	case *syntax.BinaryExpr:
		return endsInIndex(n.Y)
	case *syntax.UnaryExpr:
		return n.X != nil && endsInIndex(n.X)
	case *syntax.CondExpr:
		return endsInIndex(n.False)
	case *syntax.LambdaExpr:
		return endsInIndex(n.Body)
	case *syntax.TupleExpr:
		return !n.Lparen.IsValid() && len(n.List) > 0 && endsInIndex(n.List[len(n.List)-1])
	case *syntax.DictEntry:
		return endsInIndex(n.Value)
	}
	return false
}
