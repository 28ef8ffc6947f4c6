package sql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A sqliteEngine is a database in a file, or in memory.
//
// The journal is a write-ahead log, so that readers and the writer do not wait for each other, and
// synchronous is FULL: the log is flushed to the disk before a write is answered. With NORMAL, the
// other safe setting of a write-ahead log, what was answered outlives a process that is killed, but
// not a machine that loses its power; a program that answers "saved" has no other copy. Who can lose
// a second of writes says so in the name of the database: notes.db?_pragma=synchronous(normal).
//
// All writes of the process go through one connection, one after the other, each beginning with the
// lock (BEGIN IMMEDIATE). Another process is waited for as long as the call lasts.
type sqliteEngine struct {
	file   string // its path; empty for one in memory
	params string // of the name, as in _pragma=max_page_count(100)
	make   bool   // its directory
	// prepare is called before the directory is made; nil does nothing.
	prepare func() error
}

// waits is how long SQLite itself waits for another process, in milliseconds: longer than any call.
const waits = 3_600_000

// open is of [engine]. One in memory is its only connection: all wait for that.
func (e *sqliteEngine) open(l Limits) (*lanes, error) {
	if e.make {
		if e.prepare != nil {
			if err := e.prepare(); err != nil {
				return nil, fmt.Errorf("sql: prepare directory: %w", err)
			}
		}
		if err := os.MkdirAll(filepath.Dir(e.file), 0o700); err != nil {
			return nil, fmt.Errorf("sql: make directory: %w", err)
		}
	}
	var file *presence
	if e.file != "" {
		file = &presence{path: e.file}
	}
	writer := e.pool(false, file, l.Bytes)
	one := newLane(1, writer)
	all := &lanes{read: one, write: one, transact: one, pools: []*pool{writer}}
	if e.file != "" {
		readers := e.pool(true, file, l.Bytes)
		all.read = newLane(max(l.Connections/2, 1), readers)
		all.each = newLane(max(l.Connections/2, 1), readers)
		all.pools = append(all.pools, readers)
	}
	return all, nil
}

// pool returns connections that all read, or all write. On them no value and no row has more than so
// many bytes: one that a statement makes would be held whole before anybody could look at it.
func (e *sqliteEngine) pool(readOnly bool, file *presence, bytes int) *pool {
	db := sql.OpenDB(&sqliteConnector{dsn: e.dsn(readOnly)})
	db.SetMaxIdleConns(0) // the pool has those that are idle
	return &pool{db: db, file: file, prepare: func(_ context.Context, c *conn) (err error) {
		c.stmts = make(map[string]*prepared)
		err = c.with(func(own driver.Conn) error {
			c.handle, err = handle(own)
			return err
		})
		if err == nil {
			_, err = sqlite.Limit(c.sql, sqlite3.SQLITE_LIMIT_LENGTH, bytes)
		}
		if err != nil {
			return err
		}
		return file.note()
	}}
}

func (e *sqliteEngine) dsn(readOnly bool) string {
	q := url.Values{}
	// The driver runs them in this order, once for each connection.
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", waits))
	if e.file != "" && !readOnly {
		q.Add("_pragma", "journal_mode(wal)")
	}
	q.Add("_pragma", "synchronous(full)")
	q.Add("_pragma", "foreign_keys(1)")
	q.Set("_defensive", "1")
	q.Set("_error_rc", "1")
	if readOnly {
		q.Set("_query_only", "1")
	}
	tail := "?" + q.Encode()
	if e.params != "" {
		tail += "&" + e.params
	}
	if e.file == "" {
		return "file::memory:" + tail
	}
	path := filepath.ToSlash(e.file)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // of Windows: file:///C:/...
	}
	return (&url.URL{Scheme: "file", Path: path}).String() + tail
}

// A sqliteConnector makes connections, which refuse what no application is to do.
type sqliteConnector struct{ dsn string }

var sqliteDriver = &sqlite.Driver{}

// Driver is of driver.Connector.
func (c *sqliteConnector) Driver() driver.Driver { return sqliteDriver }

// Connect is of driver.Connector. Another process may just be making the database what this one
// wants it to be, or be closing it, which SQLite does not wait for.
func (c *sqliteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	for {
		own, err := sqliteDriver.Open(c.dsn)
		if err == nil {
			err = own.(sqlite.AuthorizerRegisterer).RegisterAuthorizer(authorize)
			if err == nil {
				return own, nil
			}
			_ = own.Close() // the error is that of the authorizer
		}
		if !busy(err) {
			return nil, err
		}
		if err := host.Pause(ctx, 5*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// settings are the pragmas that a script may use: those that tell of the database, or do to it what
// a migration may want. Others change what the connection is, or where files are.
var settings = map[string]bool{
	"analysis_limit": true, "application_id": true, "collation_list": true, "compile_options": true,
	"data_version": true, "defer_foreign_keys": true, "encoding": true, "foreign_key_check": true,
	"foreign_key_list": true, "freelist_count": true, "function_list": true,
	"incremental_vacuum": true, "index_info": true, "index_list": true, "index_xinfo": true,
	"integrity_check": true, "module_list": true, "optimize": true, "page_count": true,
	"page_size": true, "quick_check": true, "table_info": true, "table_list": true,
	"table_xinfo": true, "user_version": true,
}

// authorize is asked when a statement is prepared. A file is attached by VACUUM INTO, too; VACUUM
// alone attaches one that has no name.
func authorize(
	action sqlite.AuthorizerActionCode, first, second, _, _ string,
) sqlite.AuthorizerReturnCode {
	switch action {
	case sqlite.AuthAttach:
		if first != "" {
			return sqlite.AuthorizerDeny
		}
	case sqlite.AuthPragma:
		if !settings[strings.ToLower(first)] {
			return sqlite.AuthorizerDeny
		}
	case sqlite.AuthFunction:
		if second == "load_extension" {
			return sqlite.AuthorizerDeny
		}
	}
	return sqlite.AuthorizerOK
}

// handle returns the sqlite3* of a connection of the driver. The driver ends a statement with its
// context until the first row is there, and has no way to end one after that: a SELECT that looks
// for its second row for ever. sqlite3_interrupt does, and wants the handle.
func handle(own any) (uintptr, error) {
	v := reflect.Indirect(reflect.ValueOf(own))
	if v.Kind() == reflect.Struct {
		if f := v.FieldByName("db"); f.IsValid() && f.Kind() == reflect.Uintptr {
			return uintptr(f.Uint()), nil
		}
	}
	return 0, errors.New("sql: this version of modernc.org/sqlite has no handle to interrupt")
}

// watch is of [engine]. When stop has returned nothing is interrupted any more, so that the
// connection may be used for something else.
func (e *sqliteEngine) watch(ctx context.Context, c *conn) (stop func()) {
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		tls := libc.NewTLS() // that of the connection is in use
		defer tls.Close()
		sqlite3.Xsqlite3_interrupt(tls, c.handle)
	})
	return func() {
		if !cancel() {
			<-done
		}
	}
}

// argument is of [engine].
func (e *sqliteEngine) argument(x any) (any, error) {
	switch x := x.(type) {
	case *big.Int:
		return nil, tooBig(x)
	case list:
		return x.json, nil
	case time.Time:
		return sqliteTime(x), nil
	case time.Duration:
		return int64(x), nil
	}
	return x, nil
}

// column is of [engine]: what the column was declared as decides, as far as a value is so. The
// driver makes times by itself, of columns that are DATE, DATETIME or TIMESTAMP.
func (e *sqliteEngine) column(typeName string) converter {
	switch typeName {
	case "BOOLEAN", "BOOL":
		return func(x any) (starlark.Value, error) {
			if n, ok := x.(int64); ok && (n == 0 || n == 1) {
				return starlark.Bool(n == 1), nil
			}
			return plain(x), nil
		}
	case "DURATION":
		return func(x any) (starlark.Value, error) {
			if n, ok := x.(int64); ok {
				return duration(n), nil
			}
			return plain(x), nil
		}
	case "JSON":
		return func(x any) (starlark.Value, error) {
			if text, ok := x.(string); ok {
				return decoded(text), nil
			}
			return plain(x), nil
		}
	}
	return nil
}

func (e *sqliteEngine) postgres() bool { return false }

func (e *sqliteEngine) skips(file string) bool { return strings.HasSuffix(file, postgresOnly) }
func (e *sqliteEngine) begin() string          { return "BEGIN IMMEDIATE" }
func (e *sqliteEngine) schema() schema         { return sqliteSchema }

// again is of [engine]: another process is waited for as long as the context lasts.
func (e *sqliteEngine) again(err error, _ int) bool { return busy(err) }

// lock is of [engine]: a transaction has the lock from its beginning.
func (e *sqliteEngine) lock(ctx context.Context, c *conn) error { return c.run(ctx, e.begin()) }

// aborted is of [engine]: SQLite rolls back by itself if there is no room, say.
func (e *sqliteEngine) aborted(c *conn) bool {
	tls := libc.NewTLS()
	defer tls.Close()
	return sqlite3.Xsqlite3_get_autocommit(tls, c.handle) != 0
}

// rollback is of [engine].
func (e *sqliteEngine) rollback(ctx context.Context, c *conn) error {
	if e.aborted(c) {
		return nil
	}
	return c.run(ctx, "ROLLBACK")
}
