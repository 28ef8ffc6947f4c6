package sql

import (
	"context"
	"strings"
)

// referring finds the foreign keys of a table, and those of others that refer to it.
const referring = `SELECT m.name, f."from", f."table", coalesce(f."to", '') FROM sqlite_schema m
	JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND (m.name = ?1 COLLATE NOCASE
	AND ?2 OR f."table" = ?1 COLLATE NOCASE AND ?3) ORDER BY m.name, f.id, f.seq`

// references is of [engine]. SQLite says that a foreign key does not hold, and not which: it counts
// them. Those of the table that the statement changes, and those of others that refer to it, are
// what it can be.
func (e *sqliteEngine) references(ctx context.Context, d *DB, t *task) []string {
	table, c := target(t.st.text), t.conn
	if table == "" {
		return nil
	}
	if c == nil {
		ways, err := d.ways(true)
		if err != nil {
			return nil
		}
		if c, err = ways.read.acquire(ctx); err != nil {
			return nil
		}
		defer c.release()
	}
	own, others := t.st.verb != "DELETE", t.st.verb != "INSERT"
	rows, err := d.with(ctx, c, referring, table, own, others)
	if err != nil {
		return nil // what is known is that one does not hold
	}
	var keys []string
	for _, r := range rows[:min(len(rows), 10)] {
		key := text(r.values[0]) + "." + text(r.values[1]) + " refers to " + text(r.values[2])
		if to := text(r.values[3]); to != "" {
			key += "." + to
		}
		keys = append(keys, key)
	}
	return keys
}

// target returns the table that a statement changes, "" if that is not seen.
func target(source string) string {
	l := lexer{text: source}
	for t := l.next(); t.kind != end; t = l.next() {
		switch strings.ToUpper(source[t.start:t.end]) {
		case "INTO", "FROM", "UPDATE":
			t = l.next()
			if t.kind == word && strings.EqualFold(source[t.start:t.end], "OR") { // UPDATE OR IGNORE
				l.next()
				t = l.next()
			}
			name := source[t.start:t.end]
			if t.kind == quoted && len(name) > 1 {
				name = name[1 : len(name)-1]
			}
			return name
		}
	}
	return ""
}
