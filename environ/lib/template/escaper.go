package template

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// What html/template calls the functions that it puts at the end of pipelines.
const (
	escapes    = "_html_template_"
	textEscape = escapes + "htmlescaper"
	attrEscape = escapes + "attrescaper"
	rcEscape   = escapes + "rcdataescaper"
	jsEscape   = escapes + "jsvalescaper"
	evaluates  = "_eval_args_"
)

// plainAlike are the escapers that leave ASCII letters and digits as they are.
var plainAlike = [...]string{
	textEscape, attrEscape, rcEscape, escapes + "nospaceescaper", escapes + "urlescaper",
	escapes + "urlfilter", escapes + "urlnormalizer", escapes + "jsstrescaper",
}

// An escaper is the escapers of one place of a template, one after the other. The two that are a
// table of five characters and more than half of all are done here; html/template does the others,
// in a template that has nothing but them.
type escaper struct {
	text  bool // it is for text between tags: HTML needs no escaping
	table bool // it is the table and nothing else
	plain bool // letters and digits are left as they are
	js    bool // it is for a value in a script, which is written as JSON
	chain *template.Template
}

func newEscaper(names []string) (*escaper, error) {
	e := &escaper{
		text: slices.Equal(names, []string{textEscape}), js: names[0] == jsEscape, plain: true,
	}
	switch {
	case e.text, slices.Equal(names, []string{attrEscape}), slices.Equal(names, []string{rcEscape}):
		e.table = true
	}
	for _, name := range names {
		e.plain = e.plain && slices.Contains(plainAlike[:], name)
	}
	// Once it has been executed its functions are known by name, and what it executes is its tree.
	t, err := template.New("").Parse("{{.}}")
	if err != nil {
		return nil, err
	}
	if err := t.Execute(io.Discard, ""); err != nil {
		return nil, err
	}
	pipe := t.Tree.Root.Nodes[0].(*parse.ActionNode).Pipe
	pipe.Cmds = pipe.Cmds[:1]
	for _, name := range names {
		pipe.Cmds = append(pipe.Cmds, &parse.CommandNode{
			NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(name)},
		})
	}
	e.chain = t
	return e, nil
}

// write appends v, escaped, to out.
func (e *escaper) write(out []byte, v starlark.Value) ([]byte, error) {
	if e.js {
		return e.script(out, v)
	}
	if s, ok := v.(starlark.String); ok {
		return e.writeText(out, string(s))
	}
	if m, ok := v.(host.Markup); ok {
		if e.text {
			return append(out, m.HTML()...), nil
		}
		return e.run(out, template.HTML(m.HTML()))
	}
	if n, ok := v.(starlark.Int); ok {
		if small, ok := n.Int64(); ok && (e.table || e.plain && small >= 0) {
			return strconv.AppendInt(out, small, 10), nil
		}
	}
	s, err := textOf(v)
	if err != nil {
		return nil, err
	}
	return e.writeText(out, s)
}

func (e *escaper) writeText(out []byte, s string) ([]byte, error) {
	switch {
	case e.table:
		return appendEscaped(out, s), nil
	case e.plain && s != "" && isPlain(s):
		return append(out, s...), nil
	}
	return e.run(out, s)
}

// script appends v as JavaScript has it.
func (e *escaper) script(out []byte, v starlark.Value) ([]byte, error) {
	switch x := v.(type) {
	case starlark.NoneType:
		return e.run(out, nil)
	case starlark.String:
		return e.run(out, string(x))
	case host.Markup:
		return e.run(out, x.HTML())
	}
	text, err := json.Encode(v)
	if err != nil {
		return nil, err
	}
	return e.run(out, encoded(text))
}

// An encoded value is JSON. html/template sees to it that it does not end the script.
type encoded string

// MarshalJSON returns the text.
func (e encoded) MarshalJSON() ([]byte, error) { return []byte(e), nil }

// run has html/template escape a value of Go.
func (e *escaper) run(out []byte, v any) ([]byte, error) {
	w := writer{out}
	if err := e.chain.Execute(&w, v); err != nil {
		return nil, err
	}
	return w.out, nil
}

type writer struct{ out []byte }

func (w *writer) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// isPlain reports whether s is letters and digits of ASCII.
func isPlain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return true
}

// appendEscaped appends s as it is written in text and in a quoted attribute: as html/template has
// it.
func appendEscaped(out []byte, s string) []byte {
	done := 0
	for i := range len(s) {
		var by string
		switch s[i] {
		case '&':
			by = "&amp;"
		case '<':
			by = "&lt;"
		case '>':
			by = "&gt;"
		case '"':
			by = "&#34;"
		case '\'':
			by = "&#39;"
		case '+':
			by = "&#43;"
		case 0:
			by = string(utf8.RuneError)
		default:
			continue
		}
		out = append(append(out, s[done:i]...), by...)
		done = i + 1
	}
	return append(out, s[done:]...)
}

// textOf returns what a value is in a page: what str() says, and nothing for None.
func textOf(v starlark.Value) (string, error) {
	switch v := v.(type) {
	case starlark.String:
		return string(v), nil
	case starlark.NoneType:
		return "", nil
	case starlark.Bytes:
		return string(v), nil
	case host.Markup:
		return v.HTML(), nil
	case starlark.Int, starlark.Bool, starlark.Float:
		return v.String(), nil
	case starlark.Callable:
		return "", fmt.Errorf("%s is a function: to write what it returns, {{call ...}} it",
			strings.TrimSpace(v.Name()))
	}
	if err := host.Measure(v, maxOutput); err != nil {
		return "", err
	}
	return v.String(), nil
}
