package sql

import (
	"context"
	"database/sql/driver"
	"sync"
)

// PostgreSQL does not say which key the row has that an INSERT made, unless the statement asks for
// it. So the statement is made to: the primary key of a table is looked up when it is first inserted
// into, and if that is one column with integers the statement returns it.

// keys are the primary keys of tables, as SQL, by the names that statements have for them; "" is one
// that is none, or not an integer. They are safe for concurrent use.
type keys struct {
	mu  sync.Mutex
	all map[string]string
}

// findKey gives the column of a table's primary key.
const findKey = `SELECT quote_ident(a.attname) FROM pg_index i
	JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
	WHERE i.indrelid = to_regclass($1) AND i.indisprimary AND i.indnkeyatts = 1
	AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)`

// returningKey returns an INSERT that gives back the key of each row, nil if there is none that could
// be.
func (d *DB) returningKey(ctx context.Context, c *conn, st *statement) (*statement, error) {
	if st.verb != "INSERT" || returning(st) {
		return nil, nil
	}
	table, length := intoTable(st.text)
	if table == "" {
		return nil, nil
	}
	d.keys.mu.Lock()
	column, known := d.keys.all[table]
	d.keys.mu.Unlock()
	if !known {
		rows, err := d.with(ctx, c, findKey, table)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 { // the table may come to have one
			return nil, nil
		}
		column = text(rows[0].values[0])
		d.keys.mu.Lock()
		if d.keys.all == nil || len(d.keys.all) >= cached {
			d.keys.all = make(map[string]string)
		}
		d.keys.all[table] = column
		d.keys.mu.Unlock()
	}
	with := *st
	with.text = st.text[:length] + "\nRETURNING " + column
	return &with, nil
}

// forget has the key of the table looked up again that an INSERT is into: it may have been made
// anew.
func (d *DB) forget(st *statement) {
	table, _ := intoTable(st.text)
	d.keys.mu.Lock()
	defer d.keys.mu.Unlock()
	delete(d.keys.all, table)
}

// intoTable returns the name of the table that an INSERT of PostgreSQL is into, as it is written, and
// how long the statement is without the semicolon and the comment at its end.
func intoTable(source string) (table string, length int) {
	l := lexer{text: source, postgres: true}
	first, into := l.next(), l.next()
	if first.kind != word || into.kind != word {
		return "", 0
	}
	start, named, dotted := -1, 0, true
	for t := l.next(); t.kind != end; t = l.next() {
		if start < 0 {
			start = t.start
		}
		is := source[t.start:t.end]
		switch {
		case named < 0: // the name is over
		case dotted && (t.kind == word || t.kind == quoted):
			named, dotted = t.end, false
		case !dotted && is == ".":
			dotted = true
		default:
			table, named = source[start:named], -1
		}
		if is != ";" {
			length = t.end
		}
	}
	return table, length
}

// insert runs a statement if it is an INSERT that can return keys, and reports whether it did. One
// that fails outside of a transaction has done nothing: if that is for the key, which is looked up
// anew then, it is run again.
func (d *DB) insert(ctx context.Context, c *conn, t *task, r *result) (done bool, err error) {
	for tries := 1; ; tries++ {
		st, err := d.returningKey(ctx, c, t.st)
		if err != nil || st == nil {
			return false, err
		}
		if err = d.insertReturning(ctx, c, &task{st: st, args: t.args}, r); err == nil {
			return true, nil
		}
		d.forget(st)
		if own := d.engine.explain(err); t.conn != nil || tries > 1 || own == nil || own.kind != KindMissing {
			return true, err
		}
	}
}

func (d *DB) insertReturning(ctx context.Context, c *conn, t *task, r *result) error {
	cur, err := d.begin(ctx, c, t)
	if err != nil {
		return err
	}
	r.rows = 0
	err = c.with(func(driver.Conn) error {
		for {
			values, err := cur.next()
			if err != nil || values == nil {
				return err
			}
			r.rows, r.lastID, cur.size = r.rows+1, values[0], 0
		}
	})
	if ended := cur.close(); err == nil {
		err = ended
	}
	return err
}
