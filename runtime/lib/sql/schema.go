package sql

import (
	"context"
	"strings"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// A Table is a table or a view of a database.
type Table struct {
	Name string
	View bool
}

// A Column is one of a table.
type Column struct {
	Name    string
	Type    string // as it was declared
	NotNull bool
	Key     bool   // it is of the primary key
	Default string // as SQL; empty if it has none
}

// A Schema is how a table is made.
type Schema struct {
	Columns []Column
	// SQL is the statement that made it, and those of its indexes, where the database keeps them:
	// SQLite does.
	SQL []string
}

// An Answer is what a statement gave.
type Answer struct {
	Columns []string
	// Rows are the values of each row, in the order of the columns. Somebody is to read them: a DATE
	// is the text 2006-01-02.
	Rows [][]starlark.Value
	// Changed is how many rows the statement inserted, changed or deleted.
	Changed int64
	// More says that there are more rows than these.
	More bool
}

// A schema has the statements that tell how a database is made.
type schema struct {
	tables  string // name and whether it is a view
	columns string // of the table ?: name, type, not null, key, default
	sql     string // of the table ?; empty if there is none
}

var sqliteSchema = schema{
	tables: `SELECT name, type = 'view' FROM sqlite_schema WHERE type IN ('table', 'view')
		AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`,
	columns: `SELECT name, type, "notnull", pk > 0, coalesce(dflt_value, '') FROM pragma_table_xinfo(?)
		WHERE hidden <> 1 ORDER BY cid`,
	sql: `SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL
		ORDER BY type = 'table' DESC, name`,
}

// Tables returns the tables and views, in the order of their names.
func (d *DB) Tables(ctx context.Context) ([]Table, error) {
	rows, err := d.ask(ctx, d.engine.schema().tables)
	if err != nil {
		return nil, err
	}
	tables := make([]Table, len(rows))
	for i, r := range rows {
		tables[i] = Table{Name: text(r[0]), View: bool(r[1].Truth())}
	}
	return tables, nil
}

// Schema returns how a table is made. The error of one that is not there is of [KindMissing].
func (d *DB) Schema(ctx context.Context, table string) (*Schema, error) {
	rows, err := d.ask(ctx, d.engine.schema().columns, starlark.String(table))
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, &Error{Message: "there is no such table", kind: KindMissing}
	}
	s := new(Schema)
	for _, r := range rows {
		s.Columns = append(s.Columns, Column{
			Name: text(r[0]), Type: text(r[1]), NotNull: bool(r[2].Truth()), Key: bool(r[3].Truth()),
			Default: text(r[4]),
		})
	}
	if q := d.engine.schema().sql; q != "" {
		if rows, err = d.ask(ctx, q, starlark.String(table)); err != nil {
			return nil, err
		}
		for _, r := range rows {
			s.SQL = append(s.SQL, text(r[0]))
		}
	}
	return s, nil
}

// Rows returns up to limit rows of a table from the row offset on, in the order in which the
// database has them.
func (d *DB) Rows(ctx context.Context, table string, limit, offset int) (*Answer, error) {
	if _, err := d.Schema(ctx, table); err != nil {
		return nil, err
	}
	limit = max(min(limit, d.limits.Rows), 0)
	a, err := d.Run(ctx, "SELECT * FROM "+quotedName(table)+" LIMIT ? OFFSET ?", starlark.Tuple{
		starlark.MakeInt(limit + 1), starlark.MakeInt(max(offset, 0)),
	})
	if err == nil && len(a.Rows) > limit {
		a.Rows, a.More = a.Rows[:limit], true
	}
	return a, err
}

// Run runs one statement, as a script does, and returns its rows, as many as [Limits] say.
func (d *DB) Run(ctx context.Context, statement string, values starlark.Tuple) (*Answer, error) {
	t, err := d.task(statement, values, nil, nil)
	if err != nil {
		return nil, err
	}
	a := new(Answer)
	if t.st.changes() && !returning(t.st) {
		r, err := d.exec(ctx, t)
		if err != nil {
			return nil, err
		}
		a.Changed = r.rows
		return a, nil
	}
	err = d.do(ctx, t, func(ctx context.Context, c *conn) error {
		cur, err := d.begin(ctx, c, t)
		if err != nil {
			return err
		}
		a.Columns = cur.columns.names
		rows, err := cur.collect(d.limits.Rows, true)
		if end := cur.close(); err == nil {
			err = end
		}
		a.Rows, a.More = make([][]starlark.Value, len(rows)), len(rows) == d.limits.Rows
		for i, r := range rows {
			a.Rows[i] = r.values
			for at, name := range cur.types {
				if name == "DATE" {
					r.values[at] = dateOf(r.values[at])
				}
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if t.st.verb != "SELECT" {
		a.Changed = int64(len(a.Rows))
	}
	return a, nil
}

// dateOf returns a time at midnight as the date that it is, and other values as they are: SQLite keeps
// anything in a DATE.
func dateOf(v starlark.Value) starlark.Value {
	t, ok := v.(startime.Time)
	if !ok || !time.Time(t).Equal(time.Time(t).Truncate(24*time.Hour)) {
		return v
	}
	return starlark.String(time.Time(t).Format(time.DateOnly))
}

// returning reports whether a statement that changes rows gives them back.
func returning(st *statement) bool {
	l := lexer{text: st.text}
	for t := l.next(); t.kind != end; t = l.next() {
		if t.kind == word && strings.EqualFold(st.text[t.start:t.end], "RETURNING") {
			return true
		}
	}
	return false
}

// ask runs a statement of this package.
func (d *DB) ask(ctx context.Context, statement string, values ...starlark.Value) ([][]starlark.Value, error) {
	a, err := d.Run(ctx, statement, values)
	if err != nil {
		return nil, err
	}
	return a.Rows, nil
}

// text is a value that is one, or that of nothing.
func text(v starlark.Value) string {
	s, _ := starlark.AsString(v)
	return s
}
