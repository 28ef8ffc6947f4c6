package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// A conn is a connection that one statement, or one transaction, has for itself. What is done with it
// goes past the statements and rows of database/sql, to the driver: those have a goroutine and a lock
// for each statement that is shared, and nothing is shared here.
type conn struct {
	sql    *sql.Conn
	lane   *lane
	broken bool    // nobody is to use it again
	handle uintptr // of SQLite
	stmts  map[string]*prepared
}

// A prepared is a statement that a connection keeps.
type prepared struct {
	driver.Stmt
	busy  bool   // its rows are being read: another one must not begin
	shape *shape // of its rows; nil before the first
}

// uses says that a statement runs on c: one that leaves something there is the last before others
// have it.
func (c *conn) uses(st *statement) { c.broken = c.broken || st.lasting }

// release gives c back to where it is from.
func (c *conn) release() { c.lane.release(c) }

// written returns an error if what was written is in a file that has gone.
func (c *conn) written() error {
	if c.lane.pool.file.gone(false) {
		return errLost
	}
	return nil
}

// discard closes c: for good, if it is broken.
func (c *conn) discard() {
	for _, p := range c.stmts {
		_ = p.Close() // the connection is closed with them
	}
	clear(c.stmts)
	if c.broken {
		// The connection is then not put back by database/sql. The error is the one returned here.
		_ = c.sql.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = c.sql.Close() // of a connection that nobody uses there is nothing to say
}

// with runs f with the connection of the driver. What f says of it is remembered.
func (c *conn) with(f func(own driver.Conn) error) error {
	var failed error
	err := c.sql.Raw(func(own any) error {
		failed = f(own.(driver.Conn))
		return nil // what it is worth to the pool is decided when it is given back
	})
	if failed == nil {
		failed = err
	}
	if failed != nil && (errors.Is(failed, driver.ErrBadConn) || lost(failed)) {
		c.broken = true
	}
	return failed
}

// most is how many statements a connection keeps prepared.
const most = 100

// statement returns the statement prepared, nil where it has to be sent as it is.
func (c *conn) statement(ctx context.Context, own driver.Conn, st *statement) (*prepared, error) {
	if c.stmts == nil || st.verb == "" || len(st.source) > cachedBytes {
		return nil, nil
	}
	p := c.stmts[st.text]
	switch {
	case p != nil && p.busy:
		return nil, nil
	case p != nil:
		return p, nil
	case len(c.stmts) >= most:
		for text, old := range c.stmts {
			if !old.busy {
				_ = old.Close() // it has no rows that could fail
				delete(c.stmts, text)
			}
		}
	}
	stmt, err := own.(driver.ConnPrepareContext).PrepareContext(ctx, st.text)
	if err != nil {
		return nil, err
	}
	p = &prepared{Stmt: stmt}
	c.stmts[st.text] = p
	return p, nil
}

// query begins a statement that has rows.
func (c *conn) query(
	ctx context.Context, own driver.Conn, st *statement, args []driver.NamedValue,
) (driver.Rows, *prepared, error) {
	p, err := c.statement(ctx, own, st)
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		rows, err := own.(driver.QueryerContext).QueryContext(ctx, st.text, args)
		return rows, nil, err
	}
	rows, err := p.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	return rows, p, err
}

// exec runs a statement that has none, or whose rows nobody wants.
func (c *conn) exec(
	ctx context.Context, st *statement, args []driver.NamedValue,
) (res driver.Result, err error) {
	err = c.with(func(own driver.Conn) error {
		p, err := c.statement(ctx, own, st)
		switch {
		case err != nil:
		case p == nil:
			res, err = own.(driver.ExecerContext).ExecContext(ctx, st.text, args)
		default:
			res, err = p.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
		}
		return err
	})
	return res, err
}

// run runs a statement of this package.
func (c *conn) run(ctx context.Context, text string, args ...any) error {
	_, err := c.exec(ctx, control(text), numbered(args))
	return err
}

// numbered returns values as drivers want them.
func numbered(args []any) []driver.NamedValue {
	if len(args) == 0 {
		return nil
	}
	all := make([]driver.NamedValue, len(args))
	for i, x := range args {
		all[i] = driver.NamedValue{Ordinal: i + 1, Value: x}
	}
	return all
}
