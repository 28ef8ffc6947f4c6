package sql

import (
	"context"
	"database/sql/driver"
	"io"
	"slices"

	"go.starlark.net/starlark"
)

// A cursor reads the rows of a statement that has begun. It has the connection until it is closed.
type cursor struct {
	db       *DB
	conn     *conn
	ctx      context.Context
	rows     driver.Rows
	prepared *prepared
	*shape
	stop  func() // of the engine's watch, which begins with the second row
	read  []driver.Value
	block []starlark.Value
	count int // of rows that were read
	size  int // of what was read, in bytes
	ended bool
}

// begin begins a statement that has rows. The error is the driver's.
func (d *DB) begin(ctx context.Context, c *conn, t *task) (*cursor, error) {
	cur := &cursor{db: d, conn: c, ctx: ctx}
	err := c.with(func(own driver.Conn) (err error) {
		cur.rows, cur.prepared, err = c.query(ctx, own, t.st, t.args)
		return err
	})
	if err != nil {
		return nil, err
	}
	if cur.prepared != nil {
		cur.prepared.busy = true
	}
	rows := cur.rows.(typedRows)
	if p := cur.prepared; p != nil && p.shape.fits(rows) {
		cur.shape = p.shape
	} else {
		cur.shape = newShape(rows, d.engine)
		if p != nil {
			p.shape = cur.shape
		}
	}
	cur.read = make([]driver.Value, len(cur.types))
	return cur, nil
}

// typedRows are those of both drivers.
type typedRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
}

// A shape is what is known of the rows of a statement. It is immutable.
type shape struct {
	columns *columns
	types   []string
	convert []converter // one for each column, nil for plain
}

func newShape(rows typedRows, e engine) *shape {
	names := rows.Columns()
	s := &shape{newColumns(names), make([]string, len(names)), make([]converter, len(names))}
	for i := range names {
		s.types[i] = rows.ColumnTypeDatabaseTypeName(i)
		s.convert[i] = e.column(s.types[i])
	}
	return s
}

// fits reports whether rows are still so: a table may have been made anew.
func (s *shape) fits(rows typedRows) bool {
	if s == nil || !slices.Equal(s.columns.names, rows.Columns()) {
		return false
	}
	for i, name := range s.types {
		if rows.ColumnTypeDatabaseTypeName(i) != name {
			return false
		}
	}
	return true
}

// block is how many rows share an allocation.
const block = 32

// next returns the values of the next row, nil if there is none. It runs inside of with.
func (cur *cursor) next() ([]starlark.Value, error) {
	if cur.ended {
		return nil, nil
	}
	if cur.count == 1 {
		cur.stop = cur.db.engine.watch(cur.ctx, cur.conn)
	}
	if err := cur.rows.Next(cur.read); err != nil {
		cur.ended = true
		if err == io.EOF {
			err = nil
		}
		return nil, err
	}
	cur.count++
	n := len(cur.read)
	if len(cur.block) < n {
		rows := block
		if cur.count == 1 {
			rows = 1 // that of a key is alone
		}
		cur.block = make([]starlark.Value, n*rows)
	}
	values := cur.block[:n:n]
	cur.block = cur.block[n:]
	for i, x := range cur.read {
		var v starlark.Value
		switch convert := cur.convert[i]; {
		case x == nil:
			v = starlark.None
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
	if cur.stop != nil {
		cur.stop()
	}
	err := cur.conn.with(func(driver.Conn) error { return cur.rows.Close() })
	if cur.prepared != nil {
		cur.prepared.busy = false
	}
	return err
}

// collect reads up to most rows. More are an error, unless the rest does not matter now.
func (cur *cursor) collect(most int, rest bool) (all []*row, err error) {
	err = cur.conn.with(func(driver.Conn) (err error) {
		all, err = cur.gather(most, rest)
		return err
	})
	return all, err
}

func (cur *cursor) gather(most int, rest bool) ([]*row, error) {
	var all []*row
	var rows []row // in which those of all are
	for {
		if rest && len(all) == most {
			return all, nil
		}
		if len(all)%block == block-1 && cur.ctx.Err() != nil {
			return nil, cur.ctx.Err() // a statement that is fast is not interrupted
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
