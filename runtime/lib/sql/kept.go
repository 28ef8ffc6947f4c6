package sql

import (
	"context"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

var _ host.Keeper = (*Grant)(nil)

// Kept is [host.Keeper]'s: the tables of all databases that there are. Migrations are among them.
func (g *Grant) Kept(ctx context.Context) ([]host.Collection, error) {
	var all []host.Collection
	for _, name := range g.Names() {
		d, err := g.Open(name)
		if err != nil {
			return all, err
		}
		tables, err := d.Tables(ctx)
		if err != nil {
			return all, err
		}
		for _, t := range tables {
			c := host.Collection{In: name, Name: t.Name, Kind: "table", Count: -1}
			if t.View {
				c.Kind = "view"
			} else if rows, err := d.ask(ctx, "SELECT count(*) FROM "+quotedName(t.Name)); err == nil {
				if n, ok := rows[0][0].(starlark.Int); ok {
					c.Count, _ = n.Int64()
				}
			}
			s, err := d.Schema(ctx, t.Name)
			if err != nil {
				return all, err
			}
			c.Text = strings.Join(s.SQL, ";\n")
			all = append(all, c)
		}
	}
	return all, nil
}

// Look is [host.Keeper]'s.
func (g *Grant) Look(ctx context.Context, c host.Collection, from, n int) (*host.Sheet, error) {
	d, err := g.Open(c.In)
	if err != nil {
		return nil, err
	}
	a, err := d.Rows(ctx, c.Name, n, from)
	if err != nil {
		return nil, err
	}
	s := &host.Sheet{Columns: a.Columns, More: a.More}
	for _, row := range a.Rows {
		cells := make([]host.Cell, len(row))
		for i, v := range row {
			text, ok := starlark.AsString(v)
			if !ok {
				text = v.String()
			}
			cells[i] = host.Cell{Text: host.Cut(text), None: v == starlark.None}
		}
		s.Rows = append(s.Rows, cells)
	}
	return s, nil
}

// Split takes what somebody types apart into the statements that a semicolon ends, and the rest.
func Split(text string, postgres bool) (whole []string, rest string) {
	for _, p := range split(text, postgres) {
		if p.open {
			return whole, p.text + "\n"
		}
		whole = append(whole, p.text)
	}
	return whole, ""
}

func quotedName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
