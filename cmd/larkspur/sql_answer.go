package main

import (
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	"go.starlark.net/starlark"
)

// print prints what a statement gave.
func (p *sqlPrompt) print(a *sql.Answer) error {
	if len(a.Columns) == 0 {
		if p.interactive {
			fmt.Fprintf(p.stdout, "%d %s changed\n", a.Changed, plural(a.Changed, "row"))
		}
		return nil
	}
	var err error
	switch {
	case p.json:
		err = p.printJSON(a)
	case p.csv:
		err = p.printCSV(a)
	default:
		p.printTable(a)
	}
	if a.More {
		fmt.Fprintln(p.stderr, "there are more rows: narrow it down with WHERE, or with LIMIT and OFFSET")
	}
	return err
}

func plural(n int64, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// cell is a value as a person reads it, in one line.
func cell(v starlark.Value) string {
	switch v := v.(type) {
	case starlark.NoneType:
		return "NULL"
	case starlark.String:
		return display.Escape(string(v))
	}
	return display.Escape(v.String())
}

// printTable prints rows below the names of their columns, numbers to the right.
func (p *sqlPrompt) printTable(a *sql.Answer) {
	width := make([]int, len(a.Columns))
	right := make([]bool, len(a.Columns))
	lines := make([][]string, len(a.Rows)+1)
	for i, name := range a.Columns {
		lines[0] = append(lines[0], display.Escape(name))
		right[i] = len(a.Rows) > 0
	}
	for r, row := range a.Rows {
		for i, v := range row {
			lines[r+1] = append(lines[r+1], cell(v))
			switch v.(type) {
			case starlark.Int, starlark.Float, starlark.NoneType:
			default:
				right[i] = false
			}
		}
	}
	for _, line := range lines {
		for i, text := range line {
			width[i] = max(width[i], utf8.RuneCountInString(text))
		}
	}
	rule := make([]string, len(width))
	for i, n := range width {
		rule[i] = strings.Repeat("-", n)
	}
	for n, line := range append([][]string{lines[0], rule}, lines[1:]...) {
		var b strings.Builder
		for i, text := range line {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(text))
			if i > 0 {
				b.WriteString("  ")
			}
			if right[i] && n > 1 {
				b.WriteString(pad + text)
			} else {
				b.WriteString(text + pad)
			}
		}
		fmt.Fprintln(p.stdout, strings.TrimRight(b.String(), " "))
	}
}

func (p *sqlPrompt) printCSV(a *sql.Answer) error {
	w := csv.NewWriter(p.stdout)
	_ = w.Write(a.Columns) // Error has it
	for _, row := range a.Rows {
		record := make([]string, len(row))
		for i, v := range row {
			if v != starlark.None {
				record[i] = plain(v)
			}
		}
		_ = w.Write(record)
	}
	w.Flush()
	return w.Error()
}

// plain is a value as a program reads it.
func plain(v starlark.Value) string {
	if s, ok := v.(starlark.String); ok {
		return string(s)
	}
	return v.String()
}

// printJSON prints an array of objects. A bytes value is its Base64, and what JSON has no word for
// is as it is printed.
func (p *sqlPrompt) printJSON(a *sql.Answer) error {
	rows := starlark.NewList(nil)
	for _, row := range a.Rows {
		record := starlark.NewDict(len(row))
		for i, v := range row {
			if err := record.SetKey(starlark.String(a.Columns[i]), encodable(v)); err != nil {
				return runError{err}
			}
		}
		if err := rows.Append(record); err != nil {
			return runError{err}
		}
	}
	text, err := json.Limits{Bytes: 1 << 30, Values: 1 << 30}.Encode(rows)
	if err != nil {
		return runError{err}
	}
	_, err = fmt.Fprintln(p.stdout, text)
	return err
}

// encodable is v, or what stands for it in JSON.
func encodable(v starlark.Value) starlark.Value {
	if b, ok := v.(starlark.Bytes); ok {
		return starlark.String(base64.StdEncoding.EncodeToString([]byte(b)))
	}
	if _, err := json.Encode(v); err != nil {
		return starlark.String(v.String())
	}
	return v
}
