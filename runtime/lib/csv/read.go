package csv

import (
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func read(a host.Args) (starlark.Value, error) {
	var v, quotechar, header starlark.Value
	var delimiter string
	var skip, strict bool
	if err := a.Unpack(&v, &delimiter, &quotechar, &header, &skip, &strict); err != nil {
		return nil, err
	}
	text, ok := host.Octets(v)
	if !ok {
		return nil, fmt.Errorf("for parameter text: got %s, want string or bytes", v.Type())
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("%d bytes are more than %d", len(text), maxText)
	}
	d, err := newDialect(delimiter, quotechar)
	if err != nil {
		return nil, err
	}
	p := &parser{
		dialect: d, rest: strings.TrimPrefix(text, "\ufeff"), skip: skip, strict: strict, line: 1,
	}
	table, err := newTable(header)
	if err != nil {
		return nil, err
	}
	for p.rest != "" {
		row, err := p.row()
		if err == nil {
			err = table.add(row)
		}
		if err != nil {
			return nil, err
		}
	}
	return starlark.NewList(table.rows), nil
}

// A parser reads rows of a text, which it takes off the rest.
type parser struct {
	dialect
	rest         string
	skip, strict bool
	line         int
	fields       int // so far
}

// row reads a row, an empty one of an empty line. It is total unless it is strict.
func (p *parser) row() ([]starlark.Value, error) {
	if p.lineBreak() {
		return nil, p.count()
	}
	var row []starlark.Value
	for {
		if err := p.count(); err != nil {
			return nil, err
		}
		field, err := p.field()
		if err != nil {
			return nil, err
		}
		row = append(row, starlark.String(field))
		if rest, ok := strings.CutPrefix(p.rest, p.delimiter); ok {
			p.rest = rest
			continue
		}
		p.lineBreak() // or the end
		return row, nil
	}
}

func (p *parser) count() error {
	if p.fields++; p.fields > host.MaxElements {
		return fmt.Errorf("there are more than %d fields", host.MaxElements)
	}
	return nil
}

// lineBreak takes a line break off the rest.
func (p *parser) lineBreak() bool {
	for _, end := range []string{"\r\n", "\n", "\r"} {
		if rest, ok := strings.CutPrefix(p.rest, end); ok {
			p.rest = rest
			p.line++
			return true
		}
	}
	return false
}

// field takes a field off the rest, up to what follows it.
func (p *parser) field() (string, error) {
	if p.skip {
		p.rest = strings.TrimLeft(p.rest, " ")
	}
	if p.quote == "" || !strings.HasPrefix(p.rest, p.quote) {
		return p.plain(), nil
	}
	begun := p.line
	p.rest = p.rest[len(p.quote):]
	var b strings.Builder
	for {
		inside, behind, ok := strings.Cut(p.rest, p.quote)
		p.line += strings.Count(inside, "\n")
		b.WriteString(inside)
		p.rest = behind
		if !ok {
			if p.strict {
				return "", fmt.Errorf("line %d: the quote does not end", begun)
			}
			return b.String(), nil
		}
		if behind, doubled := strings.CutPrefix(p.rest, p.quote); doubled {
			b.WriteString(p.quote)
			p.rest = behind
			continue
		}
		more := p.plain()
		if more != "" && p.strict {
			return "", fmt.Errorf("line %d: there is %s behind the quote that ends",
				p.line, host.Show(starlark.String(more)))
		}
		b.WriteString(more)
		return b.String(), nil
	}
}

// plain takes what is no delimiter and no line break off the rest.
func (p *parser) plain() string {
	end := 0
	for ; end < len(p.rest); end++ {
		ch := p.rest[end]
		if ch == '\n' || ch == '\r' ||
			ch == p.delimiter[0] && strings.HasPrefix(p.rest[end:], p.delimiter) {
			break
		}
	}
	field := p.rest[:end]
	p.rest = p.rest[end:]
	return field
}

// A table is rows that are lists, or dicts if it has names of columns.
type table struct {
	rows  []starlark.Value
	dicts bool
	names []starlark.Value // nil until the first row has come that has them
}

func newTable(header starlark.Value) (*table, error) {
	switch header := header.(type) {
	case starlark.Bool:
		return &table{dicts: bool(header)}, nil
	case *starlark.List, starlark.Tuple:
		t := &table{dicts: true, names: []starlark.Value{}}
		for name := range starlark.Elements(header.(starlark.Iterable)) {
			if _, ok := name.(starlark.String); !ok {
				return nil, fmt.Errorf("for parameter header: a name is %s, not a string",
					name.Type())
			}
			t.names = append(t.names, name)
		}
		return t, columns(t.names)
	}
	return nil, fmt.Errorf("for parameter header: got %s, want bool or list", header.Type())
}

func columns(names []starlark.Value) error {
	if len(names) > maxColumns {
		return fmt.Errorf("%d columns are more than %d", len(names), maxColumns)
	}
	return nil
}

// add adds a row, as Python's DictReader does if it is one of names.
func (t *table) add(row []starlark.Value) error {
	switch {
	case !t.dicts:
		t.rows = append(t.rows, starlark.NewList(row))
		return nil
	case len(row) == 0:
		return nil
	case t.names == nil:
		t.names = row
		return columns(row)
	}
	dict := starlark.NewDict(len(t.names))
	for i, name := range t.names {
		var v starlark.Value = starlark.None
		if i < len(row) {
			v = row[i]
		}
		if err := dict.SetKey(name, v); err != nil {
			return err
		}
	}
	if n := len(t.names); len(row) > n {
		if err := dict.SetKey(starlark.None, starlark.NewList(row[n:])); err != nil {
			return err
		}
	}
	t.rows = append(t.rows, dict)
	return nil
}
