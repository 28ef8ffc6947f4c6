package sql

import (
	"context"
	"database/sql"

	"go.starlark.net/starlark"
)

// A cursor reads the rows of a statement that has begun. It has the connection until it is closed.
type cursor struct {
	db       *DB
	conn     *conn
	rows     *sql.Rows
	prepared *prepared
	columns  *columns
	convert  []converter // one for each column, nil for plain
	stop     func()      // of the engine's watch
	scanned  []any
	into     []any // pointers to scanned
	block    []starlark.Value
	size     int // of what was read
	ended    bool
}

// begin begins a statement that has rows. The error is the driver's.
func (d *DB) begin(ctx context.Context, c *conn, st *statement, args []any) (*cursor, error) {
	cur := &cursor{db: d, conn: c, stop: d.engine.watch(ctx, c)}
	err := cur.start(ctx, st, args)
	if err != nil {
		cur.stop()
		c.broken = c.broken || lost(err)
		return nil, err
	}
	return cur, nil
}

func (cur *cursor) start(ctx context.Context, st *statement, args []any) (err error) {
	cur.rows, cur.prepared, err = cur.conn.query(ctx, st, args)
	if err != nil {
		return err
	}
	if cur.prepared != nil {
		cur.prepared.busy = true
	}
	names, err := cur.rows.Columns()
	if err != nil {
		return err
	}
	cur.columns = newColumns(names)
	types, err := cur.rows.ColumnTypes()
	if err != nil {
		return err
	}
	n := len(names)
	cur.convert = make([]converter, n)
	cur.scanned, cur.into = make([]any, n), make([]any, n)
	for i := range n {
		cur.convert[i] = cur.db.engine.column(types[i].DatabaseTypeName())
		cur.into[i] = &cur.scanned[i]
	}
	return nil
}

// block is how many rows share an allocation.
const block = 32

// next returns the values of the next row, nil if there is none. The first row is alone, as that of
// a key is.
func (cur *cursor) next() ([]starlark.Value, error) {
	if cur.ended || !cur.rows.Next() {
		cur.ended = true
		return nil, cur.rows.Err()
	}
	if err := cur.rows.Scan(cur.into...); err != nil {
		return nil, err
	}
	n := len(cur.scanned)
	switch {
	case cur.size == 0:
		cur.block = make([]starlark.Value, n)
	case len(cur.block) < n:
		cur.block = make([]starlark.Value, n*block)
	}
	values := cur.block[:n:n]
	cur.block = cur.block[n:]
	for i, x := range cur.scanned {
		v := starlark.Value(starlark.None)
		switch convert := cur.convert[i]; {
		case x == nil:
		case convert == nil:
			v = plain(x)
		default:
			var err error
			if v, err = convert(x); err != nil {
				return nil, err
			}
		}
		values[i] = v
		cur.size += sizeOf(v)
	}
	if cur.size > cur.db.limits.Bytes {
		return nil, limited("the rows have more than %d bytes: use db.each(...), or ask for fewer "+
			"or for less of each", cur.db.limits.Bytes)
	}
	return values, nil
}

// close ends the statement. What a write has to say at its end is its error.
func (cur *cursor) close() error {
	err := cur.rows.Close()
	cur.stop()
	if cur.prepared != nil {
		cur.prepared.busy = false
	}
	cur.conn.broken = cur.conn.broken || lost(err)
	return err
}

// collect reads up to most rows; more is the error of a limit, unless the rest does not matter.
func (cur *cursor) collect(most int, rest bool) ([]*row, error) {
	var all []*row
	var rows []row // in which those of all are
	for {
		if rest && len(all) == most {
			return all, nil
		}
		values, err := cur.next()
		if err != nil || values == nil {
			return all, err
		}
		if len(all) == most {
			instead := "use db.each(...), or LIMIT"
			if most == checkedRows {
				instead = "they are all read at once in a transaction, and in a loop inside another: use LIMIT"
			}
			return nil, limited("there are more than %d rows: %s", most, instead)
		}
		if len(rows) == 0 {
			rows = make([]row, min(max(len(all), 1), 256))
		}
		rows[0] = row{rowName, cur.columns, values}
		all = append(all, &rows[0])
		rows = rows[1:]
	}
}
