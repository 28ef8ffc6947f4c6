package template

import (
	"errors"
	"fmt"
	"slices"
	"text/template/parse"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A function is one of templates, in Go.
type function func(x *run, args starlark.Tuple) (starlark.Value, error)

// A library is the functions that the templates of a set can use.
type library struct {
	own map[string]function       // those of every set
	of  map[string]starlark.Value // those of the script
}

// newLibrary checks the functions of a script.
func newLibrary(c Config, functions *starlark.Dict) (*library, error) {
	l := &library{own: builtins(), of: make(map[string]starlark.Value)}
	if c.Markdown != nil {
		l.own["markdown"] = markdown(c.Markdown)
	}
	if c.URLFor != nil {
		l.own["url_for"] = urlFor(c)
	}
	for key, fn := range functions.Entries() {
		name, ok := starlark.AsString(key)
		switch {
		case !ok || !isName(name):
			return nil, misusef("functions has the key %s, which is no name", host.Cut(key.String()))
		case l.own[name] != nil || name == "and" || name == "or" || isReserved(name):
			return nil, misusef("functions has %q, which templates have already", name)
		}
		if _, ok := fn.(starlark.Callable); !ok {
			return nil, misusef("functions has %q: %s, not a function", name, fn.Type())
		}
		l.of[name] = fn
	}
	return l, nil
}

// names are all functions, for the parser.
func (l *library) names() map[string]any {
	all := map[string]any{"and": true, "or": true}
	for name := range l.own {
		all[name] = true
	}
	for name := range l.of {
		all[name] = true
	}
	delete(all, evaluates)
	return all
}

// isName reports whether a template can call a function by that name.
func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// isReserved reports whether a name is a word of the language.
func isReserved(name string) bool {
	return slices.Contains([]string{
		"if", "else", "end", "range", "with", "template", "define", "block", "break", "continue",
		"nil", "true", "false",
	}, name)
}

// function compiles the call of a function by its name.
func (c *compiler) function(n *parse.IdentifierNode, args []expr) expr {
	if n.Ident == "and" || n.Ident == "or" {
		if len(args) == 0 {
			c.fault(n, n.Ident+" needs arguments")
		}
		return &choice{n.Ident == "or", args}
	}
	if fn, ok := c.library.of[n.Ident]; ok {
		return &apply{c.at(n), literal{fn}, args}
	}
	if fn, ok := c.library.own[n.Ident]; ok {
		return &use{c.at(n), n.Ident, fn, args}
	}
	message := "there is no function " + n.Ident
	if near := nearest(n.Ident, c.library.names()); near != "" {
		message += "; did you mean " + near + "?"
	}
	c.fault(n, message)
	return literal{starlark.None}
}

// named puts the name of a function before its error, unless a script has failed in it.
func named(name string, err error) error {
	if host.Innermost(err) != nil || host.CodeOf(err) != "" {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// want returns an error unless there are from least to most arguments; -1 is any number.
func want(args starlark.Tuple, least, most int) error {
	switch n := len(args); {
	case n < least && least == most, most >= 0 && n > most && least == most:
		return fmt.Errorf("got %d arguments, want %d", n, most)
	case n < least:
		return fmt.Errorf("got %d arguments, want at least %d", n, least)
	case most >= 0 && n > most:
		return fmt.Errorf("got %d arguments, want at most %d", n, most)
	}
	return nil
}

// markdown is the function markdown: what it gives is HTML.
func markdown(render func(string) (string, error)) function {
	return func(_ *run, args starlark.Tuple) (starlark.Value, error) {
		if err := want(args, 1, 1); err != nil {
			return nil, err
		}
		s, err := textOf(args[0])
		if err != nil {
			return nil, err
		}
		s, err = render(s)
		return host.HTML(s), err
	}
}

// nonce is that of the request's Content-Security-Policy; "" if there is none.
func nonce(x *run, args starlark.Tuple) (starlark.Value, error) {
	if err := want(args, 0, 0); err != nil {
		return nil, err
	}
	v, err := x.key("larkspur.nonce")
	if v == nil && err == nil {
		v = starlark.String("")
	}
	return v, err
}

// urlFor is url_for of @route: url_for "name" "param" value ...
func urlFor(c Config) function {
	return func(x *run, args starlark.Tuple) (starlark.Value, error) {
		if err := want(args, 1, -1); err != nil {
			return nil, err
		}
		name, ok := starlark.AsString(args[0])
		if !ok || len(args)%2 == 0 {
			return nil, errors.New(`write url_for "name" "param" value: a value for each parameter`)
		}
		params := make(map[string]starlark.Value, len(args)/2)
		var order []string
		for pair := range slices.Chunk(args[1:], 2) {
			key, ok := starlark.AsString(pair[0])
			if !ok {
				return nil, fmt.Errorf("the name of a parameter is %s, not a string", pair[0].Type())
			}
			params[key] = pair[1]
			order = append(order, key)
		}
		env, ok := x.environ.(starlark.Mapping)
		if !ok {
			return nil, errors.New("it needs the request: answer with .response(environ, ...), or " +
				"pass environ = environ to .render")
		}
		u, err := c.URLFor(env, name, params, order)
		return starlark.String(u), err
	}
}

// key returns a value of the environ; nil if it is not there, or there is none.
func (x *run) key(name string) (starlark.Value, error) {
	m, ok := x.environ.(starlark.Mapping)
	if !ok {
		return nil, nil
	}
	v, ok, err := m.Get(starlark.String(name))
	if err != nil || !ok {
		return nil, err
	}
	return v, nil
}
