package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An executor runs statements for a script: those of a database, each by itself, or those of a
// transaction.
type executor struct {
	lib *library
	db  *DB
	tx  *tx // nil outside of a transaction
}

// A method is what a script calls of an executor, given its statement and the values.
type method func(
	x *executor, t *starlark.Thread, source string, values starlark.Tuple, named []starlark.Tuple,
) (starlark.Value, error)

// methods are those that take a statement.
var methods = map[string]method{
	"query": (*executor).query, "one": (*executor).one, "value": (*executor).value,
	"exec": (*executor).exec, "each": (*executor).each,
}

// method returns a method as a script calls it, nil if there is none of that name.
func (x *executor) method(name string) starlark.Value {
	m := methods[name]
	if m == nil {
		return nil
	}
	return starlark.NewBuiltin(name, func(
		t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, named []starlark.Tuple,
	) (starlark.Value, error) {
		if len(args) == 0 {
			return nil, fmt.Errorf("%s: there is no statement", b.Name())
		}
		source, ok := args[0].(starlark.String)
		if !ok {
			return nil, fmt.Errorf("%s: the statement is a %s, not a string", b.Name(), args[0].Type())
		}
		v, err := m(x, t, string(source), args[1:], named)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name(), err)
		}
		return v, nil
	})
}

// usable returns why the call of t may not run a statement now.
func (x *executor) usable(t *starlark.Thread) error {
	if err := x.lib.usable(); err != nil {
		return err
	}
	if x.tx != nil {
		return x.tx.usable()
	}
	if x.db.held(t).transaction {
		return usage("this is inside of %s.transaction(fn): use what fn is given, as in tx.query(...)",
			x.db.name)
	}
	return nil
}

// task makes a statement ready to run.
func (x *executor) task(
	t *starlark.Thread, source string, values starlark.Tuple, named []starlark.Tuple,
) (*task, error) {
	if err := x.usable(t); err != nil {
		return nil, err
	}
	if x.tx != nil {
		return x.db.task(source, values, named, x.tx.conn)
	}
	return x.db.task(source, values, named, nil)
}

// run waits for a statement, which f runs and says how many rows it gave or changed, and tells of it.
func (x *executor) run(
	t *starlark.Thread, st *statement, f func(ctx context.Context) (int64, error),
) error {
	began := time.Now()
	var n int64
	call := host.CallOf(t)
	err := call.Wait(func(ctx context.Context) (err error) {
		n, err = f(ctx)
		return err
	})
	if err != nil && x.tx != nil {
		x.tx.fail(err)
	}
	host.Observe(t, host.Work{
		Kind: "sql", Text: st.source, Began: began, Took: time.Since(began), Count: n, Unit: "rows", Err: err,
	})
	if err != nil {
		return err
	}
	return host.Charge(t, uint64(n))
}

// read runs a statement for its rows.
func (x *executor) read(
	t *starlark.Thread, source string, values starlark.Tuple, named []starlark.Tuple, most int, rest bool,
) (rows []*row, err error) {
	task, err := x.task(t, source, values, named)
	if err != nil {
		return nil, err
	}
	err = x.run(t, task.st, func(ctx context.Context) (int64, error) {
		rows, err = x.db.rows(ctx, task, most, rest)
		return int64(len(rows)), err
	})
	return rows, err
}

func (x *executor) query(
	t *starlark.Thread, source string, values starlark.Tuple, named []starlark.Tuple,
) (starlark.Value, error) {
	rows, err := x.read(t, source, values, named, x.db.limits.Rows, false)
	if err != nil {
		return nil, err
	}
	list := make([]starlark.Value, len(rows))
	for i, r := range rows {
		list[i] = r
	}
	return starlark.NewList(list), nil
}

func (x *executor) one(
	t *starlark.Thread, source string, values starlark.Tuple, named []starlark.Tuple,
) (starlark.Value, error) {
	rows, err := x.read(t, source, values, named, 1, true)
	if err != nil || len(rows) == 0 {
		return starlark.None, err
	}
	return rows[0], nil
}

func (x *executor) value(
	t *starlark.Thread, source string, values starlark.Tuple, named []starlark.Tuple,
) (starlark.Value, error) {
	rows, err := x.read(t, source, values, named, 1, true)
	if err != nil || len(rows) == 0 || len(rows[0].values) == 0 {
		return starlark.None, err
	}
	return rows[0].values[0], nil
}

func (x *executor) exec(
	t *starlark.Thread, source string, values starlark.Tuple, named []starlark.Tuple,
) (starlark.Value, error) {
	task, err := x.task(t, source, values, named)
	if err != nil {
		return nil, err
	}
	var res *result
	err = x.run(t, task.st, func(ctx context.Context) (n int64, err error) {
		res, err = x.db.exec(ctx, task)
		if err == nil {
			n = res.rows
		}
		return n, err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}
