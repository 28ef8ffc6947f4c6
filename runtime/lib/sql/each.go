package sql

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// each returns the rows as an iterable, for each iteration of which the statement runs anew.
func (x *executor) each(
	t *starlark.Thread, source string, values starlark.Tuple, named []starlark.Tuple,
) (starlark.Value, error) {
	task, err := x.task(t, source, values, named)
	if err != nil {
		return nil, err
	}
	if !task.st.reads && !x.db.engine.postgres() {
		return nil, usage("each() is for a statement that only reads; use query()")
	}
	rows := &host.Iterable{Object: "sql.rows", Thread: t}
	rows.Start = func() host.Steps {
		l := &loop{executor: x, thread: t, task: task, began: time.Now()}
		return host.Steps{Next: l.next, Done: l.done}
	}
	return rows.Sized(-1), nil
}

// A loop is one iteration over the rows of a statement. It has a connection until it ends, or its
// request does.
type loop struct {
	*executor
	thread *starlark.Thread
	task   *task
	began  time.Time

	begun  bool
	cancel context.CancelFunc
	ctx    context.Context
	cursor *cursor
	read   []*row // that the script has not had yet
	last   bool   // there are no more
	count  int64
	err    error
	stop   func() // of the call's OnEnd
	once   sync.Once
}

// ahead is how many rows are read at once: each wait may have others run, which takes its time.
const ahead = 64

func (l *loop) next() (starlark.Value, bool, error) {
	if len(l.read) == 0 && !l.last && l.err == nil {
		l.err = host.CallOf(l.thread).Wait(func(ctx context.Context) error { return l.more(ctx) })
	}
	if l.err != nil {
		return nil, false, fmt.Errorf("each: %w", l.err)
	}
	if len(l.read) == 0 {
		return nil, false, nil
	}
	r := l.read[0]
	l.read = l.read[1:]
	l.count++
	return r, true, nil
}

// more reads further rows; first it begins the statement.
func (l *loop) more(ctx context.Context) (err error) {
	if !l.begun {
		l.begun = true
		if err := l.usable(l.thread); err != nil {
			return err
		}
		whole, err := l.whole()
		if err != nil {
			return err
		}
		if whole {
			l.last = true
			l.read, err = l.db.rows(ctx, l.task, checkedRows, false)
			return err
		}
		if err := l.begin(ctx); err != nil {
			return l.db.failure(ctx, l.ctx, l.task, err)
		}
	}
	l.cursor.size = 0 // what the script has had is not held
	l.read, err = l.cursor.collect(ahead, true)
	l.last = l.cursor.ended
	return l.db.failure(ctx, l.ctx, l.task, err)
}

// checkedRows is how many rows are held at most where a loop has no connection of its own.
const checkedRows = host.MaxElements

// whole reports whether all rows have to be read at once: in a transaction, whose connection is for
// other statements, too, and in a loop inside another, which would wait for a connection while it
// holds one.
func (l *loop) whole() (bool, error) {
	if l.tx != nil || l.db.held(l.thread).loops > 0 {
		return true, nil
	}
	ways, err := l.db.ways(true)
	return err == nil && ways.each == nil, err
}

// begin takes a connection and begins the statement.
func (l *loop) begin(ctx context.Context) error {
	ways, err := l.db.ways(false)
	if err != nil {
		return err
	}
	l.ctx, l.cancel = context.WithCancel(ctx)
	for n := 1; ; n++ {
		c, err := ways.each.acquire(l.ctx)
		if err != nil {
			return err
		}
		c.uses(l.task.st)
		if l.cursor, err = l.db.begin(l.ctx, c, l.task); err == nil {
			break
		}
		c.release()
		if !l.db.engine.again(err, n) || host.Pause(l.ctx, time.Millisecond) != nil {
			return err
		}
	}
	l.db.change(l.thread, func(h *held) { h.loops++ })
	l.stop = host.CallOf(l.thread).OnEnd(l.close)
	return nil
}

// close lets go of the connection. The context ends first: what the database has not sent yet is
// not waited for.
func (l *loop) close() {
	l.once.Do(func() {
		if l.cancel != nil {
			l.cancel()
		}
		if l.cursor != nil {
			c := l.cursor.conn
			_ = l.cursor.close() // that of a statement which only reads says nothing new
			c.release()
			l.db.change(l.thread, func(h *held) { h.loops-- })
		}
	})
}

// done ends the loop, and tells of the statement.
func (l *loop) done() {
	if l.stop != nil {
		l.stop()
	}
	l.close()
	host.Observe(l.thread, host.Work{
		Kind: "sql", Text: l.task.st.source, Began: l.began, Took: time.Since(l.began), Count: l.count, Unit: "rows",
		Err: l.err,
	})
}
