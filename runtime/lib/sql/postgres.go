package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"go.starlark.net/starlark"
)

// A postgresEngine is a database of a server. Transactions are SERIALIZABLE, so that a script sees
// what it sees on SQLite: what it read is still so when it writes.
type postgresEngine struct{ config *pgx.ConnConfig }

// newPostgres returns the engine of a URL. What the URL leaves open is as for any client of
// PostgreSQL: the variables PGHOST and so on, and ~/.pgpass.
// connect, if not nil, is [Grant.Connect].
func newPostgres(url string, connect pgconn.DialFunc) (engine, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("sql: read URL of PostgreSQL: %w", err) // without the password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	if connect != nil {
		config.DialFunc = connect
		config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "larkspur"
	}
	// The context of a call ends the statement, and leaves the connection to others.
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: time.Second}
	}
	return &postgresEngine{config}, nil
}

// overhead is more than all else has that a server sends in one message.
const overhead = 1 << 20

// open is of [engine].
func (e *postgresEngine) open(l Limits) (*lanes, error) {
	config := *e.config
	// What the server sends is read message by message, and a row is one. Of those that are in order
	// some have more bytes than their values: bytes of an array, say, are sent as twice as many digits.
	config.MaxProtocolMessageBodyLen = 2*min(l.Bytes, math.MaxInt32/2-overhead) + overhead
	db := stdlib.OpenDB(config)
	n := l.Connections
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxIdleTime(5 * time.Minute)
	p := &pool{db: db}
	one := newLane(max(n/2, 1), p)
	return &lanes{
		read: one, write: one, each: newLane(max(n/4, 1), p), transact: newLane(max(n/4, 1), p),
		pools: []*pool{p},
	}, nil
}

// argument is of [engine].
func (e *postgresEngine) argument(x any) (any, error) {
	switch x := x.(type) {
	case *big.Int:
		return x.String(), nil
	case list:
		return newArray(x)
	case float64:
		// As text: the driver would make 1 of 1.5 for an INTEGER.
		return strconv.FormatFloat(x, 'g', -1, 64), nil
	case string:
		if strings.IndexByte(x, 0) >= 0 {
			return nil, errNUL
		}
	}
	return x, nil
}

var errNUL = errors.New("a string with a byte 0 in it is none of PostgreSQL; pass bytes")

// column is of [engine].
func (e *postgresEngine) column(typeName string) converter {
	if element, ok := strings.CutPrefix(typeName, "_"); ok {
		return func(x any) (starlark.Value, error) {
			if s, ok := x.(string); ok {
				return arrayOf(s, element), nil
			}
			return plain(x), nil
		}
	}
	switch typeName {
	case "NUMERIC":
		return func(x any) (starlark.Value, error) {
			if s, ok := x.(string); ok {
				return number(s), nil
			}
			return plain(x), nil
		}
	case "JSON", "JSONB":
		return func(x any) (starlark.Value, error) {
			if b, ok := x.([]byte); ok {
				return decoded(string(b)), nil
			}
			return plain(x), nil
		}
	case "XML":
		return func(x any) (starlark.Value, error) {
			if b, ok := x.([]byte); ok {
				return starlark.String(b), nil
			}
			return plain(x), nil
		}
	case "INTERVAL":
		return func(x any) (starlark.Value, error) {
			if s, ok := x.(string); ok {
				return interval(s), nil
			}
			return plain(x), nil
		}
	}
	return nil
}

// interval returns the duration that an interval is, or the text of one that has days or months,
// which are not always as long.
func interval(s string) starlark.Value {
	var i pgtype.Interval
	if err := i.Scan(s); err != nil || i.Days != 0 || i.Months != 0 {
		return starlark.String(s)
	}
	const most = int64(1) << 53 // microseconds; a duration has 63 bits of nanoseconds
	if i.Microseconds > most || i.Microseconds < -most {
		return starlark.String(s)
	}
	return duration(i.Microseconds * int64(time.Microsecond))
}

func (e *postgresEngine) postgres() bool { return true }

func (e *postgresEngine) skips(file string) bool { return strings.HasSuffix(file, sqliteOnly) }
func (e *postgresEngine) begin() string          { return "BEGIN ISOLATION LEVEL SERIALIZABLE" }

func (e *postgresEngine) schema() schema { return postgresSchema }

// references is of [engine]: the server says which.
func (e *postgresEngine) references(context.Context, *DB, *task) []string { return nil }

// watch is of [engine]: the driver watches the context by itself.
func (e *postgresEngine) watch(context.Context, *conn) (stop func()) { return func() {} }

// migrationLock is a number that nobody else is likely to use: "larkspur" in ASCII.
const migrationLock int64 = 0x6c61726b73707572

// lock is of [engine]. In a transaction that is SERIALIZABLE, what was there before the wait would be
// all that is seen.
func (e *postgresEngine) lock(ctx context.Context, c *conn) error {
	if err := c.run(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED"); err != nil {
		return err
	}
	return c.run(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock)
}

// again is of [engine]: a connection may have been lost while nobody used it, or a table have been
// changed after a statement was prepared. There may be as many of those as connections.
func (e *postgresEngine) again(err error, n int) bool {
	if n > 100 {
		return false
	}
	if errors.Is(err, driver.ErrBadConn) {
		return true
	}
	var own *pgconn.PgError
	return errors.As(err, &own) && own.Code == "0A000" && strings.HasPrefix(own.Message, "cached plan")
}

// aborted is of [engine]: PostgreSQL refuses all after an error.
func (e *postgresEngine) aborted(c *conn) bool {
	aborted := true
	err := c.with(func(own driver.Conn) error {
		aborted = own.(*stdlib.Conn).Conn().PgConn().TxStatus() != 'T'
		return nil
	})
	return aborted || err != nil
}

// rollback is of [engine].
func (e *postgresEngine) rollback(ctx context.Context, c *conn) error {
	return c.run(ctx, "ROLLBACK")
}
