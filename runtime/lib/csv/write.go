package csv

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/starlark"
)

func write(a host.Args) (starlark.Value, error) {
	var rows starlark.Iterable
	var delimiter, end, quoting string
	var quotechar, header starlark.Value
	if err := a.Unpack(&rows, &delimiter, &quotechar, &header, &end, &quoting); err != nil {
		return nil, err
	}
	d, err := newDialect(delimiter, quotechar)
	if err != nil {
		return nil, err
	}
	w := &writer{dialect: d, end: end, quoting: quoting}
	switch quoting {
	case "minimal":
	case "all", "nonnumeric":
		if d.quote == "" {
			return nil, errUnquoted
		}
	default:
		return nil, fmt.Errorf("quoting is %s, not minimal, all or nonnumeric",
			host.Show(starlark.String(quoting)))
	}
	if header != starlark.None {
		names, err := elements("header", header)
		if err == nil {
			err = w.header(names)
		}
		if err != nil {
			return nil, err
		}
	}
	ctx := host.CallOf(a.Thread).Context()
	iter := rows.Iterate()
	defer iter.Done()
	var row starlark.Value
	for i := 0; iter.Next(&row); i++ {
		err := w.add(row)
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return starlark.String(w.b.String()), host.IterError(iter)
}

var errUnquoted = errors.New("a field must be quoted, and quotechar is None")

// A writer writes a table.
type writer struct {
	dialect
	b       strings.Builder
	end     string
	quoting string
	names   []string // of columns
}

// header writes the names of the columns.
func (w *writer) header(names []starlark.Value) error {
	for _, name := range names {
		s, ok := starlark.AsString(name)
		if !ok {
			return fmt.Errorf("the name of a column is %s, not a string", name.Type())
		}
		w.names = append(w.names, s)
	}
	return w.row(names)
}

// elements returns those of an iterable that is no text.
func elements(what string, v starlark.Value) ([]starlark.Value, error) {
	iterable, ok := v.(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("%s is %s, not a list of fields", what, v.Type())
	}
	if err := host.CheckElements(v); err != nil {
		return nil, err
	}
	var all []starlark.Value
	iter := iterable.Iterate()
	defer iter.Done()
	var x starlark.Value
	for iter.Next(&x) {
		if len(all) == host.MaxElements {
			return nil, fmt.Errorf("%s has more than %d fields", what, host.MaxElements)
		}
		all = append(all, x)
	}
	return all, host.IterError(iter)
}

// add writes a row.
func (w *writer) add(row starlark.Value) error {
	dict, ok := row.(starlark.IterableMapping)
	if !ok {
		fields, err := elements("it", row)
		if err != nil {
			return err
		}
		return w.row(fields)
	}
	items := dict.Items()
	if w.names == nil {
		names := make([]starlark.Value, len(items))
		for i, item := range items {
			names[i] = item[0]
		}
		if err := w.header(names); err != nil {
			return err
		}
	}
	values := make(map[string]starlark.Value, len(items))
	for _, item := range items {
		name, _ := starlark.AsString(item[0])
		values[name] = item[1]
	}
	fields := make([]starlark.Value, len(w.names))
	for i, name := range w.names {
		fields[i] = values[name]
		delete(values, name)
	}
	for _, item := range items { // the first one that is left
		name, ok := starlark.AsString(item[0])
		if _, left := values[name]; left || !ok {
			meant := ""
			if near := spell.Nearest(name, w.names, 2); near != "" {
				meant = fmt.Sprintf(" (did you mean %s?)", near)
			}
			return fmt.Errorf("there is no column %s%s", host.Show(item[0]), meant)
		}
	}
	return w.row(fields)
}

// row writes fields; nil is an empty one.
func (w *writer) row(fields []starlark.Value) error {
	for i, v := range fields {
		if i > 0 {
			w.b.WriteString(w.delimiter)
		}
		if err := w.field(v, len(fields) == 1); err != nil {
			return err
		}
	}
	w.b.WriteString(w.end)
	return w.bounded()
}

func (w *writer) bounded() error {
	if w.b.Len() > maxText {
		return fmt.Errorf("the text would be longer than %d bytes", maxText)
	}
	return nil
}

// field writes one field. It is quoted if it could be read as another or, being alone, as an empty
// line.
func (w *writer) field(v starlark.Value, alone bool) error {
	text, number := "", false
	switch v := v.(type) {
	case nil, starlark.NoneType:
	case starlark.String:
		text = string(v)
	case starlark.Bytes:
		return errors.New("a field is bytes; write str(x), or decode(x) of @bytes")
	case starlark.Int, starlark.Float, starlark.Bool: // a bool is an int in Python
		text, number = v.String(), true
	default:
		if err := host.Measure(v, maxText); err != nil {
			return err
		}
		text = v.String()
	}
	quoted := text == "" && alone || strings.ContainsAny(text, "\r\n") ||
		strings.Contains(text, w.delimiter) || w.quote != "" && strings.Contains(text, w.quote)
	for _, r := range w.end {
		quoted = quoted || strings.ContainsRune(text, r)
	}
	switch w.quoting {
	case "all":
		quoted = true
	case "nonnumeric":
		quoted = quoted || !number
	}
	if !quoted {
		w.b.WriteString(text)
		return w.bounded()
	}
	if w.quote == "" {
		return errUnquoted
	}
	w.b.WriteString(w.quote)
	w.b.WriteString(strings.ReplaceAll(text, w.quote, w.quote+w.quote))
	w.b.WriteString(w.quote)
	return w.bounded()
}
