package template

import (
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// builtins are the functions of html/template that are not part of its language, by the rules of
// Starlark, and ours.
func builtins() map[string]function {
	return map[string]function{
		"not":      not,
		"len":      length,
		"index":    index,
		"get":      get,
		"slice":    slice,
		"call":     call,
		"print":    printed(fmt.Sprint),
		"println":  printed(fmt.Sprintln),
		"printf":   printf,
		evaluates:  printed(fmt.Sprint),
		"html":     printed(template.HTMLEscaper),
		"js":       printed(template.JSEscaper),
		"urlquery": printed(template.URLQueryEscaper),
		"eq":       equal,
		"ne":       compared(syntax.NEQ),
		"lt":       compared(syntax.LT),
		"le":       compared(syntax.LE),
		"gt":       compared(syntax.GT),
		"ge":       compared(syntax.GE),
		"nonce":    nonce,
	}
}

func not(_ *run, args starlark.Tuple) (starlark.Value, error) {
	if err := want(args, 1, 1); err != nil {
		return nil, err
	}
	return !args[0].Truth(), nil
}

func length(_ *run, args starlark.Tuple) (starlark.Value, error) {
	if err := want(args, 1, 1); err != nil {
		return nil, err
	}
	n := starlark.Len(args[0])
	if n < 0 {
		return nil, fmt.Errorf("%s has no length", args[0].Type())
	}
	return starlark.MakeInt(n), nil
}

// index is x[a][b] for index x a b.
func index(_ *run, args starlark.Tuple) (starlark.Value, error) {
	if err := want(args, 1, -1); err != nil {
		return nil, err
	}
	v := args[0]
	for _, key := range args[1:] {
		var err error
		if v, err = item(v, key); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func item(of, key starlark.Value) (starlark.Value, error) {
	switch of := of.(type) {
	case starlark.Mapping:
		v, ok, err := of.Get(key)
		if err == nil && !ok {
			err = fmt.Errorf("the %s has no key %s", of.Type(), host.Cut(key.String()))
		}
		return v, err
	case starlark.Indexable:
		i, err := starlark.AsInt32(key)
		if err != nil {
			return nil, err
		}
		n := of.Len()
		if i < 0 {
			i += n
		}
		if i < 0 || i >= n {
			return nil, fmt.Errorf("the %s has no index %s: its length is %d", of.Type(), key, n)
		}
		return of.Index(i), nil
	}
	return nil, fmt.Errorf("%s has no items", of.Type())
}

// get is a value that need not be there: get x "key", and what it is else, get x "key" "else".
func get(_ *run, args starlark.Tuple) (starlark.Value, error) {
	if err := want(args, 2, 3); err != nil {
		return nil, err
	}
	name, ok := args[1].(starlark.String)
	if m, mapping := args[0].(starlark.Mapping); mapping {
		if v, found, err := m.Get(args[1]); found && err == nil {
			return v, nil
		}
	} else if ok {
		if v, err := attribute(args[0], name); v != nil || err != nil {
			return v, err
		}
	}
	if len(args) == 3 {
		return args[2], nil
	}
	return starlark.None, nil
}

// slice is x[a:b] for slice x a b.
func slice(_ *run, args starlark.Tuple) (starlark.Value, error) {
	if err := want(args, 1, 3); err != nil {
		return nil, err
	}
	s, ok := args[0].(starlark.Sliceable)
	if !ok {
		return nil, fmt.Errorf("%s cannot be sliced", args[0].Type())
	}
	bounds := [2]int{0, s.Len()}
	for i, arg := range args[1:] {
		n, err := starlark.AsInt32(arg)
		if err != nil {
			return nil, err
		}
		if n < 0 {
			n += s.Len()
		}
		bounds[i] = min(max(n, 0), s.Len())
	}
	return s.Slice(bounds[0], max(bounds[0], bounds[1]), 1), nil
}

// call calls a function of the script.
func call(x *run, args starlark.Tuple) (starlark.Value, error) {
	if err := want(args, 1, -1); err != nil {
		return nil, err
	}
	if _, ok := args[0].(starlark.Callable); !ok {
		return nil, fmt.Errorf("%s is not a function", args[0].Type())
	}
	return x.call(x.at, args[0], args[1:], nil)
}

// equal is a == b, or a == c, and so on.
func equal(_ *run, args starlark.Tuple) (starlark.Value, error) {
	if err := want(args, 2, -1); err != nil {
		return nil, err
	}
	for _, other := range args[1:] {
		same, err := compare(syntax.EQL, args[0], other)
		if same || err != nil {
			return same, err
		}
	}
	return starlark.False, nil
}

func compared(op syntax.Token) function {
	return func(_ *run, args starlark.Tuple) (starlark.Value, error) {
		if err := want(args, 2, 2); err != nil {
			return nil, err
		}
		return compare(op, args[0], args[1])
	}
}

func compare(op syntax.Token, a, b starlark.Value) (starlark.Bool, error) {
	for _, v := range []starlark.Value{a, b} {
		if err := host.Measure(v, host.MaxSize); err != nil {
			return false, err
		}
	}
	is, err := starlark.Compare(op, a, b)
	return starlark.Bool(is), err
}

// printed is a function of package fmt, or one like it, for what values are in a page.
func printed(f func(...any) string) function {
	return func(_ *run, args starlark.Tuple) (starlark.Value, error) {
		values, err := operands(args)
		if err != nil {
			return nil, err
		}
		return starlark.String(f(values...)), nil
	}
}

// operands are values for package fmt: numbers and strings of Go, and what other values are in a
// page.
func operands(args starlark.Tuple) ([]any, error) {
	all := make([]any, len(args))
	size := 0
	for i, v := range args {
		switch v := v.(type) {
		case starlark.Int:
			all[i] = v.BigInt()
			if n, ok := v.Int64(); ok {
				all[i] = n
			}
		case starlark.Float:
			all[i] = float64(v)
		default:
			s, err := textOf(v)
			if err != nil {
				return nil, err
			}
			if size += len(s); size > maxOutput {
				return nil, errors.New("its arguments are too large")
			}
			all[i] = s
		}
	}
	return all, nil
}

// printf is that of Go.
func printf(_ *run, args starlark.Tuple) (starlark.Value, error) {
	if err := want(args, 1, -1); err != nil {
		return nil, err
	}
	format, ok := starlark.AsString(args[0])
	if !ok {
		return nil, fmt.Errorf("the format is %s, not a string", args[0].Type())
	}
	values, err := operands(args[1:])
	if err != nil {
		return nil, err
	}
	if err := checkFormat(format); err != nil {
		return nil, err
	}
	for i, v := range values {
		// %.2f of an int is its value, in Starlark.
		if n, ok := v.(int64); ok && verb(format, i) {
			values[i] = float64(n)
		}
	}
	// What does not fit is said in the result, where it cannot be told from what an argument says.
	bare := slices.Clone(values)
	for i, v := range bare {
		if _, ok := v.(string); ok {
			bare[i] = ""
		}
	}
	if s := fmt.Sprintf(format, bare...); strings.Contains(s, "%!") &&
		!strings.Contains(strings.ReplaceAll(format, "%%", "%"), "%!") {
		return nil, fmt.Errorf("the format %q does not fit its arguments: %s", format, host.Cut(s))
	}
	return starlark.String(fmt.Sprintf(format, values...)), nil
}

// checkFormat refuses what takes its width from an argument, or is wider than a page.
func checkFormat(format string) error {
	digits := 0
	for i := range len(format) {
		if c := format[i]; c == '*' {
			return errors.New("a * in the format is not supported")
		} else if c < '0' || c > '9' {
			digits = 0
		} else if digits++; digits > 3 && strings.LastIndexByte(format[:i], '%') >= i-digits-2 {
			return errors.New("a width of more than 999")
		}
	}
	return nil
}

// verb reports whether the i-th verb of a format is one for floats.
func verb(format string, i int) bool {
	for {
		_, rest, ok := strings.Cut(format, "%")
		if !ok {
			return false
		}
		rest = strings.TrimLeft(rest, "+-# 0123456789.")
		if rest == "" {
			return false
		}
		if rest[0] != '%' {
			if i == 0 {
				return strings.ContainsRune("eEfFgG", rune(rest[0]))
			}
			i--
		}
		format = rest[1:]
	}
}
