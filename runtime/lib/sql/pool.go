package sql

import (
	"context"
	"database/sql"
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

	file     *presence // that they are to; nil if it is none
	remaking *remaking // what comes before the first of them

	mu     sync.Mutex
	idle   []*conn
	used   int   // how many are not idle, or are being made
	closed error // why there are none any more
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	p.mu.Lock()
	if err := p.closed; err != nil {
		p.mu.Unlock()
		return nil, err
	}
	p.used++
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	var c *conn
	err := p.remaking.run(ctx)
	if err == nil {
		c, err = p.connect(ctx)
	}
	if err != nil {
		p.mu.Lock()
		p.used--
		p.mu.Unlock()
		return nil, err
	}
	return c, nil
}

// connect makes a connection.
func (p *pool) connect(ctx context.Context) (*conn, error) {
	if p.file.gone(false) {
		return nil, errGone
	}
	own, err := p.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{sql: own}
	if p.prepare != nil {
		if err := p.prepare(ctx, c); err != nil {
			c.discard()
			return nil, err
		}
	}
	return c, nil
}

func (p *pool) give(c *conn) {
	p.mu.Lock()
	keep := p.prepare != nil && !c.broken && p.closed == nil
	if keep {
		p.idle = append(p.idle, c)
	}
	p.used--
	p.mu.Unlock()
	if !keep {
		c.discard()
	}
}

// close closes what nobody uses, and has the rest closed when it is given back.
func (p *pool) close() error {
	p.mu.Lock()
	all := p.idle
	p.idle, p.closed = nil, errClosed
	p.mu.Unlock()
	for _, c := range all {
		c.discard()
	}
	return p.db.Close()
}

// retire closes the connections to a file that has gone, and reports whether none was in use. If one
// was, nothing is done.
func (p *pool) retire() bool {
	p.mu.Lock()
	all := p.idle
	if p.used > 0 {
		p.mu.Unlock()
		return false
	}
	p.idle, p.closed = nil, errGone
	p.mu.Unlock()
	for _, c := range all {
		c.discard()
	}
	_ = p.db.Close() // it is idle
	return true
}

var errClosed = &Error{Message: "the database is closed", kind: KindConnection}
