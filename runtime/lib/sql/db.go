package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A DB is one database that is granted. It is opened by the first statement, and closed with its
// [Grant]. It is safe for concurrent use.
type DB struct {
	name       string
	engine     engine
	limits     Limits
	statements statements
	keys       keys   // of PostgreSQL
	restart    string // how to begin anew with it; empty if nobody is to

	mu        sync.Mutex
	lanes     *lanes
	closed    bool
	anew      bool       // the file had gone
	migration *migration // of the program that was loaded last; nil if it has none
	logger    *slog.Logger
	// inside has the calls that are in a transaction, or in a loop over each, by what tells one from
	// another: its thread.
	inside map[any]*held

	retry chan struct{} // held by a transaction that is run again
}

// A held is what a call has of a database besides the statement that it runs.
type held struct {
	transaction bool
	loops       int
}

func newDB(name string, e engine, l Limits) *DB {
	return &DB{
		name: name, engine: e, limits: l, statements: statements{postgres: e.postgres()},
		inside: make(map[any]*held), retry: make(chan struct{}, 1), logger: slog.New(slog.DiscardHandler),
	}
}

// Name is the name that the database is granted under.
func (d *DB) Name() string { return d.name }

// Kind is "sqlite" or "postgres".
func (d *DB) Kind() string {
	if d.engine.postgres() {
		return "postgres"
	}
	return "sqlite"
}

// ways returns the lanes, which the first call makes, and the first after the file has gone: that is looked
// for each time by what writes, and now and then by what reads.
func (d *DB) ways(reads bool) (*lanes, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errClosed
	}
	if d.lanes != nil && d.lanes.write.pool.file.gone(reads) {
		if err := d.renew(); err != nil {
			return nil, err
		}
	}
	if d.lanes == nil {
		var err error
		if d.lanes, err = d.engine.open(d.limits); err != nil {
			return nil, &Error{
				Message: "the database " + d.name + " cannot be opened", kind: KindConnection, err: err,
			}
		}
		if d.anew && d.migration != nil {
			r := &remaking{d.migration, d.logger, d.lanes.write.pool, make(chan struct{}, 1)}
			r.turn <- struct{}{}
			for _, p := range d.lanes.pools {
				p.remaking = r
			}
		}
	}
	return d.lanes, nil
}

// close closes what is open. What is in use is closed when it is not.
func (d *DB) close() error {
	d.mu.Lock()
	all := d.lanes
	d.lanes, d.closed = nil, true
	d.mu.Unlock()
	if all == nil {
		return nil
	}
	var errs []error
	for _, p := range all.pools {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// A task is one statement with its values, and where it is to run.
type task struct {
	st   *statement
	args []driver.NamedValue
	lane *lane
	conn *conn // of the transaction that it is in; nil if it is in none
}

// task makes one of what a script passes. c is the connection of a transaction, or nil.
func (d *DB) task(
	source string, values starlark.Tuple, named []starlark.Tuple, c *conn,
) (*task, error) {
	if len(source) > d.limits.Statement {
		return nil, limited("the statement has more than %d bytes", d.limits.Statement)
	}
	st, err := d.statements.parse(source)
	if err != nil {
		return nil, err
	}
	if values, err = st.values(values, named); err != nil {
		return nil, err
	}
	t := &task{st: st, conn: c}
	if t.args, err = d.arguments(st, values); err != nil {
		return nil, err
	}
	if c == nil {
		ways, err := d.ways(st.reads)
		if err != nil {
			return nil, err
		}
		t.lane = ways.of(st)
	}
	return t, nil
}

// bounded returns a context that ends when a statement has to.
func (d *DB) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if by, ok := ctx.Deadline(); ok && time.Until(by) <= d.limits.Time {
		return ctx, func() {} // another context would cost a goroutine
	}
	return context.WithTimeout(ctx, d.limits.Time)
}

// do runs f with a connection for the task. While another process has what f was to have, f is run
// again: it has done nothing then.
func (d *DB) do(call context.Context, t *task, f func(ctx context.Context, c *conn) error) error {
	ctx, cancel := d.bounded(call)
	defer cancel()
	if t.conn != nil {
		t.conn.uses(t.st)
		return d.failure(call, ctx, t, f(ctx, t.conn))
	}
	for n := 1; ; n++ {
		err := d.once(ctx, t, f)
		if err == errGone && n == 1 { // a read has not looked whether the file is there
			var ways *lanes
			if ways, err = d.ways(false); err == nil {
				t.lane = ways.of(t.st)
				continue
			}
		}
		if err == nil || !d.engine.again(err, n) || host.Pause(ctx, time.Millisecond) != nil {
			return d.failure(call, ctx, t, err)
		}
	}
}

func (d *DB) once(ctx context.Context, t *task, f func(ctx context.Context, c *conn) error) error {
	c, err := t.lane.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.release()
	c.uses(t.st)
	if err := f(ctx, c); err != nil || t.st.reads {
		return err
	}
	return c.written()
}

// rows runs a task, and returns up to most rows; see [cursor.collect].
func (d *DB) rows(call context.Context, t *task, most int, rest bool) (all []*row, err error) {
	err = d.do(call, t, func(ctx context.Context, c *conn) error {
		cur, err := d.begin(ctx, c, t)
		if err != nil {
			return err
		}
		all, err = cur.collect(most, rest)
		if end := cur.close(); err == nil {
			err = end
		}
		return err
	})
	return all, err
}

// with runs a statement of this package on a connection that is in use, and returns its rows. The
// error is the driver's.
func (d *DB) with(ctx context.Context, c *conn, text string, args ...any) ([]*row, error) {
	cur, err := d.begin(ctx, c, &task{st: control(text), args: numbered(args)})
	if err != nil {
		return nil, err
	}
	all, err := cur.collect(checkedRows, false)
	if end := cur.close(); err == nil {
		err = end
	}
	return all, err
}

// exec runs a task whose rows nobody wants.
func (d *DB) exec(call context.Context, t *task) (r *result, err error) {
	r = newResult()
	err = d.do(call, t, func(ctx context.Context, c *conn) error {
		if d.engine.postgres() {
			done, err := d.insert(ctx, c, t, r)
			if err != nil || done {
				return err
			}
		}
		res, err := c.exec(ctx, t.st, t.args)
		if err != nil {
			return err
		}
		return r.take(t.st, d.engine.postgres(), res)
	})
	return r, err
}

// held returns what the call of key has.
func (d *DB) held(key any) held {
	d.mu.Lock()
	defer d.mu.Unlock()
	if h := d.inside[key]; h != nil {
		return *h
	}
	return held{}
}

// change changes what the call of key has.
func (d *DB) change(key any, f func(h *held)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.inside[key]
	if h == nil {
		h = new(held)
		d.inside[key] = h
	}
	f(h)
	if *h == (held{}) {
		delete(d.inside, key)
	}
}
