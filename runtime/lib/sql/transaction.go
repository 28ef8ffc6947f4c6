package sql

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A tx is a transaction that is open, and its connection.
type tx struct {
	db     *DB
	conn   *conn
	depth  int   // of those inside it that are open
	failed error // what a statement failed with, after which there is only the end
	over   bool
}

// usable returns why no statement may be run in the transaction.
func (x *tx) usable() error {
	switch {
	case x.over:
		return usage("the transaction has ended")
	case x.failed != nil:
		return usage("a statement of the transaction has failed, and it can only be rolled back; " +
			"what may fail is tried in tx.transaction(fn)")
	}
	return nil
}

// fail takes down that a statement failed, if that is the end of the transaction: always on
// PostgreSQL, on SQLite where it has rolled back by itself, as on a full disk.
func (x *tx) fail(err error) {
	if x.failed == nil && x.db.engine.aborted(x.conn) {
		x.failed = err
	}
}

// tries is how often a transaction is begun at most. Only the first try runs beside others of its
// kind: one that met another is run again when those before it are done.
const tries = 10

// transaction calls fn in a transaction of its own.
func (x *executor) transaction(t *starlark.Thread, fn starlark.Callable) (starlark.Value, error) {
	if err := x.usable(t); err != nil {
		return nil, err
	}
	if x.tx != nil {
		return x.savepoint(t, fn)
	}
	call := host.CallOf(t)
	queued := false
	defer func() {
		if queued {
			<-x.db.retry
		}
	}()
	for n := 1; ; n++ {
		v, err := x.attempt(t, fn)
		var own *Error
		if err == nil || !errors.As(err, &own) || !own.again {
			return v, err
		}
		if n == tries {
			return nil, &Error{
				Message: fmt.Sprintf("the transaction was tried %d times, and each time others changed "+
					"what it had read", n),
				kind: KindBusy, err: err,
			}
		}
		wait := call.Wait(func(ctx context.Context) error {
			if !queued {
				select {
				case x.db.retry <- struct{}{}:
					queued = true
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return host.Pause(ctx, time.Duration(rand.Int64N(int64(n)*int64(2*time.Millisecond))))
		})
		if wait != nil {
			return nil, x.db.failure(call.Context(), call.Context(), controlTask("BEGIN", nil), wait)
		}
	}
}

// control is a statement that ends or begins a transaction.
func control(text string) *statement { return &statement{source: text, text: text} }

func controlTask(text string, c *conn) *task { return &task{st: control(text), conn: c} }

// attempt runs fn in one transaction, which has ended when it returns, or panics.
func (x *executor) attempt(t *starlark.Thread, fn starlark.Callable) (v starlark.Value, err error) {
	ways, err := x.db.ways(false)
	if err != nil {
		return nil, err
	}
	inner := &tx{db: x.db}
	err = x.run(t, control("BEGIN"), func(ctx context.Context) (int64, error) {
		inner.conn, err = x.db.seize(ctx, ways.transact)
		return 0, err
	})
	if inner.conn == nil {
		return nil, err
	}
	x.db.change(t, func(h *held) { h.transaction = true })
	committed := false
	defer func() {
		inner.over = true
		if !committed {
			x.rollback(t, inner)
		}
		inner.conn.release()
		x.db.change(t, func(h *held) { h.transaction = false })
	}()
	if err != nil {
		return nil, err // it has begun, and the call must not go on
	}
	own := &executor{lib: x.lib, db: x.db, tx: inner}
	v, err = starlark.Call(t, fn, starlark.Tuple{newTransaction(own)}, nil)
	switch {
	case inner.failed != nil:
		return nil, inner.failed // fn may have caught it, or have failed with something that followed
	case err != nil:
		return nil, err
	}
	err = own.run(t, control("COMMIT"), func(ctx context.Context) (int64, error) {
		return 0, x.db.control(ctx, inner.conn, "COMMIT")
	})
	if err != nil {
		return nil, err
	}
	committed = true
	if err := inner.conn.written(); err != nil {
		return nil, err
	}
	return v, nil
}

// seize takes a connection and begins a transaction in it.
func (d *DB) seize(call context.Context, l *lane) (*conn, error) {
	ctx, cancel := d.bounded(call)
	defer cancel()
	begin := d.engine.begin()
	for n := 1; ; n++ {
		c, err := l.acquire(ctx)
		if err == nil {
			if err = c.run(ctx, begin); err == nil {
				return c, nil
			}
			c.release()
		}
		if !d.engine.again(err, n) || host.Pause(ctx, time.Millisecond) != nil {
			return nil, d.failure(call, ctx, controlTask(begin, nil), err)
		}
	}
}

// control runs a statement that begins or ends a transaction.
func (d *DB) control(call context.Context, c *conn, text string) error {
	ctx, cancel := d.bounded(call)
	defer cancel()
	return d.failure(call, ctx, controlTask(text, c), c.run(ctx, text))
}

// grace is how long rolling back may take, which goes on when the call has ended.
const grace = 5 * time.Second

// rollback ends a transaction as if it had not been. A connection that cannot do so is closed, which
// has the same effect.
func (x *executor) rollback(t *starlark.Thread, inner *tx) {
	call := host.CallOf(t)
	ran := false
	roll := func(context.Context) error {
		ran = true
		ctx, cancel := context.WithTimeout(context.WithoutCancel(call.Context()), grace)
		defer cancel()
		return x.db.engine.rollback(ctx, inner.conn)
	}
	began := time.Now()
	err := call.Wait(roll)
	if !ran { // nobody waits in a call that is over
		err = roll(nil)
	}
	if err != nil {
		inner.conn.broken = true
	}
	host.Observe(t, host.Work{
		Kind: "sql", Text: "ROLLBACK", Began: began, Took: time.Since(began), Unit: "rows", Err: err,
	})
}

// savepoint calls fn in a part of the transaction that can fail without the rest.
func (x *executor) savepoint(t *starlark.Thread, fn starlark.Callable) (v starlark.Value, err error) {
	x.tx.depth++
	name := fmt.Sprintf("larkspur_%d", x.tx.depth)
	defer func() { x.tx.depth-- }()
	run := func(text string) error {
		return x.run(t, control(text), func(ctx context.Context) (int64, error) {
			return 0, x.db.control(ctx, x.tx.conn, text)
		})
	}
	if err := run("SAVEPOINT " + name); err != nil {
		return nil, err
	}
	v, err = starlark.Call(t, fn, starlark.Tuple{newTransaction(x)}, nil)
	if err == nil {
		err = x.tx.failed
	}
	if err == nil {
		return v, run("RELEASE " + name)
	}
	if x.db.engine.postgres() || x.tx.failed == nil {
		x.tx.failed = nil
		if back := run("ROLLBACK TO " + name); back != nil {
			x.tx.failed = back
		} else if back := run("RELEASE " + name); back != nil {
			x.tx.failed = back
		}
	}
	return nil, err
}
