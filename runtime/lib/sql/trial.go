package sql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A trial is what tests get in place of a [Grant].
type trial struct{ of *Grant }

var _ host.Tester = (*Grant)(nil)

// Trial is of [host.Tester]: each program that is loaded for a test has databases of SQLite in memory,
// of the names that are granted, which are empty and end with it; with [Grant.Schemas] those of
// PostgreSQL are schemas.
func (g *Grant) Trial(string) (*host.Trial, error) {
	return &host.Trial{Grant: &trial{g}}, nil
}

// A schemaEngine is a schema of a database of PostgreSQL, which is made when it is opened, and dropped
// with all that is in it. No other schema is looked into.
type schemaEngine struct {
	*postgresEngine
	name string
	db   *sql.DB // nil before it is opened
}

// schemaTime is how long making a schema may take, or dropping it.
const schemaTime = 30 * time.Second

// open is of [engine].
func (e *schemaEngine) open(l Limits) (*lanes, error) {
	e.name = "larkspur_test_" + strings.ToLower(rand.Text())
	config := e.config.Copy()
	config.RuntimeParams["search_path"] = e.name
	all, err := (&postgresEngine{config}).open(l)
	if err != nil {
		return nil, err
	}
	db := all.write.pool.db
	if err := alter(db, "CREATE SCHEMA "+e.name); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	e.db = db
	return all, nil
}

// drop ends what open made. It comes before the connections are closed.
func (e *schemaEngine) drop() error {
	if e.db == nil {
		return nil
	}
	return alter(e.db, "DROP SCHEMA "+e.name+" CASCADE")
}

func alter(db *sql.DB, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), schemaTime)
	defer cancel()
	if _, err := db.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("sql: schema of a test: %w", err)
	}
	return nil
}
