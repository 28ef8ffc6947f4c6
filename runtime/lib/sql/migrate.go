package sql

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// The table of what was run. Both databases understand these.
const (
	makeTable = `CREATE TABLE IF NOT EXISTS larkspur_migrations (
	number BIGINT PRIMARY KEY,
	name TEXT NOT NULL,
	checksum TEXT NOT NULL,
	applied TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
)`
	readTable  = "SELECT number, name, checksum FROM larkspur_migrations ORDER BY number"
	addToTable = "INSERT INTO larkspur_migrations (number, name, checksum) VALUES (?, ?, ?)"
)

// A migrationError says why a program does not load: a migration failed, or is not what was run.
type migrationError struct {
	host.Diagnostic
	err error
}

var (
	_ host.Placer = (*migrationError)(nil)
	_ host.Kinder = (*migrationError)(nil)
)

func (e *migrationError) Error() string { return e.String() }
func (e *migrationError) Kind() string  { return KindMigration }

// Unwrap returns the error as [host.Diagnostics], and that of the database.
func (e *migrationError) Unwrap() []error {
	return []error{host.Diagnostics{e.Diagnostic}, e.err}
}

// Place is [host.Placer]'s.
func (e *migrationError) Place() string { return e.Diagnostic.Place.String() }

// refuse returns the error of a file, at a line or, if that is 0, as a whole.
func (f *migrationFile) refuse(line int, err error, format string, args ...any) error {
	return &migrationError{host.Diagnostic{
		Place: host.Place{File: f.path, Line: line}, Message: fmt.Sprintf(format, args...),
	}, err}
}

// background is the context of what nobody waits for but the program that is being loaded.
func (l *library) background() context.Context { return context.Background() }

// apply runs what has not been run, each file in a transaction that has the lock of all migrations:
// of processes that come at once one runs it, and the others then see that it was run.
func (m *migration) apply(ctx context.Context, logger *slog.Logger) error {
	ways, err := m.db.ways()
	if err != nil {
		return m.failed(err)
	}
	c, err := m.acquire(ctx, ways)
	if err != nil {
		return m.failed(m.db.failure(ctx, ctx, controlTask("BEGIN", c), err))
	}
	defer c.release()
	for i := range m.files {
		f := &m.files[i]
		began := time.Now()
		ran, err := m.one(ctx, c, f)
		if err != nil {
			return err
		}
		if ran {
			logger.Info("sql: migrated", slog.String("database", m.db.name),
				slog.String("file", f.path), slog.Duration("time", time.Since(began)))
		}
	}
	return nil
}

// failed is the error of all of the migrations.
func (m *migration) failed(err error) error {
	f := &m.files[0]
	return f.refuse(0, err, "the database %s cannot be migrated: %v", m.db.name, err)
}

// acquire takes the connection of a transaction, and waits for other processes that open the
// database.
func (m *migration) acquire(ctx context.Context, ways *lanes) (*conn, error) {
	for n := 1; ; n++ {
		c, err := ways.transact.acquire(ctx)
		if err == nil || !m.db.engine.again(err, n) || pause(ctx, time.Millisecond) != nil {
			return c, err
		}
	}
}

// one runs a file, unless it was run, and reports whether it did. A look without the lock comes
// first: most loads have nothing to run.
func (m *migration) one(ctx context.Context, c *conn, f *migrationFile) (ran bool, err error) {
	if before, err := m.before(ctx, c); err == nil && before[f.number] != (applied{}) {
		return false, f.compare(before)
	}
	committed := false
	defer func() {
		if !committed {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
			defer cancel()
			if m.db.engine.rollback(last, c) != nil {
				c.broken = true // which has the same effect
			}
		}
	}()
	if err := m.start(ctx, c); err != nil {
		return false, m.failed(m.db.failure(ctx, ctx, controlTask("BEGIN", c), err))
	}
	before, err := m.before(ctx, c)
	if err != nil {
		return false, m.failed(m.db.failure(ctx, ctx, controlTask(readTable, c), err))
	}
	if before[f.number] != (applied{}) {
		return false, f.compare(before)
	}
	for number, o := range before {
		if number > f.number {
			return false, f.refuse(0, nil,
				"it comes before %s, which was run already: give it a higher number", o.name)
		}
	}
	for _, p := range f.pieces {
		if err := c.run(ctx, p.text); err != nil {
			err = m.db.failure(ctx, ctx, controlTask(p.text, c), err)
			return false, f.refuse(p.line, err, "%v", err)
		}
	}
	add, err := m.db.statements.parse(addToTable)
	if err != nil {
		return false, err
	}
	err = c.run(ctx, add.text, f.number, f.name, f.checksum)
	if err == nil {
		err = c.run(ctx, "COMMIT")
	}
	if err != nil {
		err = m.db.failure(ctx, ctx, controlTask("COMMIT", c), err)
		return false, f.refuse(0, err, "%v", err)
	}
	committed = true
	return true, nil
}

// start begins a transaction, takes the lock, and makes the table.
func (m *migration) start(ctx context.Context, c *conn) error {
	for n := 1; ; n++ {
		err := m.db.engine.lock(ctx, c)
		if err == nil {
			break
		}
		if !m.db.engine.again(err, n) || pause(ctx, time.Millisecond) != nil {
			return err
		}
	}
	return c.run(ctx, makeTable)
}

// An applied is a row of the table.
type applied struct{ name, checksum string }

// before returns what was run, by number.
func (m *migration) before(ctx context.Context, c *conn) (map[int64]applied, error) {
	rows, err := m.db.with(ctx, c, readTable)
	if err != nil {
		return nil, err
	}
	all := make(map[int64]applied, len(rows))
	for _, r := range rows {
		var number int64
		if err := starlark.AsInt(r.values[0], &number); err != nil {
			return nil, err
		}
		all[number] = applied{text(r.values[1]), text(r.values[2])}
	}
	return all, nil
}

// compare returns an error if f is not what was run under its number.
func (f *migrationFile) compare(before map[int64]applied) error {
	was := before[f.number]
	switch {
	case was.checksum == f.checksum:
		return nil
	case was.name != f.name:
		return f.refuse(0, nil, "its number is that of %s, which was run already", was.name)
	}
	return f.refuse(0, nil, "it is not what was run: a migration that was run is not changed, what is "+
		"to change goes into a new file")
}
