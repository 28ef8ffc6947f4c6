package sql

import (
	"context"
	"time"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// An engine is what the databases differ in.
type engine interface {
	// open makes the lanes. Nothing is connected yet.
	open(l Limits) (*lanes, error)
	// argument returns what the driver takes for a value that argument() returned.
	argument(x any) (any, error)
	// column returns how the values of a column are seen whose type has that name; nil for plain.
	column(typeName string) converter
	// explain says what an error of the driver means.
	explain(err error) *Error
	// again reports whether a statement outside of a transaction has done nothing but fail by what
	// passes, after n tries.
	again(err error, n int) bool
	// references returns the foreign keys that a statement may have broken, if the database itself
	// does not say it.
	references(ctx context.Context, d *DB, t *task) []string
	// watch has a statement of the connection end with the context, until stop is called.
	watch(ctx context.Context, c *conn) (stop func())
	// lock begins a transaction that has migrations of other processes wait until it ends, and sees
	// what those before it have done.
	lock(ctx context.Context, c *conn) error
	// schema says how tables are found.
	schema() schema
	// aborted reports whether the transaction of c can do nothing but end, a statement of it having
	// failed.
	aborted(c *conn) bool
	// rollback ends the transaction of c, if it has not ended by itself.
	rollback(ctx context.Context, c *conn) error
	// begin is the statement that begins a transaction.
	begin() string
	// skips reports whether a file of migrations is for the other kind of database, by its name.
	skips(file string) bool
	// postgres reports whether it is PostgreSQL.
	postgres() bool
}

// lanes are the ways to a database.
type lanes struct {
	read     *lane // a statement that changes nothing
	each     *lane // one whose rows are read while a script runs; nil if there can be none
	write    *lane // a statement that may change something
	transact *lane // a transaction
	pools    []*pool
}

// of returns the lane for a statement outside of a transaction.
func (l *lanes) of(st *statement) *lane {
	if st.reads {
		return l.read
	}
	return l.write
}

// A converter makes a value for scripts of what a driver gives for a column.
type converter func(x any) (starlark.Value, error)

// plain is what a script sees of a value of a driver where the type of the column does not say more.
func plain(x any) starlark.Value {
	switch x := x.(type) {
	case int64:
		return starlark.MakeInt64(x)
	case string:
		return starlark.String(x)
	case float64:
		return starlark.Float(x)
	case bool:
		return starlark.Bool(x)
	case []byte:
		return starlark.Bytes(x)
	case time.Time:
		return startime.Time(x.UTC())
	}
	return starlark.None
}

// The ends of the names of migrations that are for one kind of database only.
const (
	sqliteOnly   = ".sqlite.sql"
	postgresOnly = ".postgres.sql"
)
