package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
)

// A lane is how many may do the same kind of thing at once, each with a connection of a pool. What
// waits in one while it holds a connection of another never waits for its own kind: so nobody waits
// for ever.
type lane struct {
	gate chan struct{}
	pool *pool
}

func newLane(width int, p *pool) *lane { return &lane{make(chan struct{}, width), p} }

// acquire waits for a connection, first come first served, as long as the context lasts.
func (l *lane) acquire(ctx context.Context) (*conn, error) {
	select {
	case l.gate <- struct{}{}:
	default:
		select {
		case l.gate <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c, err := l.pool.take(ctx)
	if err != nil {
		<-l.gate
		return nil, err
	}
	c.lane = l
	return c, nil
}

// release gives a connection back. It is to be called once for each acquire.
func (l *lane) release(c *conn) {
	l.pool.give(c)
	<-l.gate
}

// A pool is connections to one database that nobody uses. How many there are is for its lanes to
// say.
type pool struct {
	db *sql.DB
	// prepare makes a new connection what it has to be, and is nil where connections come from
	// the pool of db, and go back there.
	prepare func(ctx context.Context, c *conn) error

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	n := len(p.idle)
	if n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	own, err := p.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: own}
	if p.prepare != nil {
		if err := p.prepare(ctx, c); err != nil {
			c.discard()
			return nil, err
		}
	}
	return c, nil
}

func (p *pool) give(c *conn) {
	if p.prepare == nil || c.broken {
		c.discard()
		return
	}
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if closed {
		c.discard()
	}
}

// close closes what nobody uses, and has the rest closed when it is given back.
func (p *pool) close() error {
	p.mu.Lock()
	all := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range all {
		c.discard()
	}
	return p.db.Close()
}

var errClosed = &Error{Message: "the database is closed", kind: KindConnection}

// A conn is a connection that one statement, or one transaction, has for itself.
type conn struct {
	*sql.Conn
	lane   *lane
	broken bool    // nobody is to use it again
	handle uintptr // of SQLite
	stmts  map[string]*prepared
}

// A prepared is a statement that a connection keeps.
type prepared struct {
	*sql.Stmt
	busy bool // its rows are being read: another one must not begin
}

// release gives c back to where it is from.
func (c *conn) release() { c.lane.release(c) }

// discard closes c: for good, if it is broken.
func (c *conn) discard() {
	if c.broken {
		// The connection is then not put back by database/sql. The error is the one returned here.
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = c.Close() // of a connection that nobody uses there is nothing to say
}

// most is how many statements a connection keeps prepared.
const most = 100

// statement returns the statement prepared, nil where it has to be sent as it is.
func (c *conn) statement(ctx context.Context, st *statement) (*prepared, error) {
	if c.stmts == nil || len(st.source) > cachedBytes {
		return nil, nil
	}
	p := c.stmts[st.text]
	switch {
	case p != nil && p.busy:
		return nil, nil
	case p != nil:
		return p, nil
	case len(c.stmts) >= most:
		for _, old := range c.stmts {
			_ = old.Close() // what is in use is closed when it is not
		}
		clear(c.stmts)
	}
	own, err := c.PrepareContext(ctx, st.text)
	if err != nil {
		return nil, err
	}
	p = &prepared{Stmt: own}
	c.stmts[st.text] = p
	return p, nil
}

// query begins a statement that has rows.
func (c *conn) query(ctx context.Context, st *statement, args []any) (*sql.Rows, *prepared, error) {
	p, err := c.statement(ctx, st)
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		rows, err := c.QueryContext(ctx, st.text, args...)
		return rows, nil, err
	}
	rows, err := p.QueryContext(ctx, args...)
	return rows, p, err
}

// run runs a statement that has none.
func (c *conn) run(ctx context.Context, st *statement, args []any) (sql.Result, error) {
	p, err := c.statement(ctx, st)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return c.ExecContext(ctx, st.text, args...)
	}
	return p.ExecContext(ctx, args...)
}
