package sql

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"slices"
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
	m.db.migrates(m)
	ways, err := m.db.ways(false)
	if err != nil {
		return m.failed(err)
	}
	c, err := m.acquire(ctx, ways)
	if err != nil {
		return m.failed(m.db.failure(ctx, ctx, controlTask("BEGIN", c), err))
	}
	defer c.release()
	return m.run(ctx, c, logger)
}

// run is apply with a connection that nobody else has.
func (m *migration) run(ctx context.Context, c *conn, logger *slog.Logger) error {
	if before, err := m.before(ctx, c); err == nil { // or there is no table yet
		if err := m.missing(before, logger); err != nil {
			return err
		}
	}
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
	f := &migrationFile{path: m.dir}
	if len(m.files) > 0 {
		f = &m.files[0]
	}
	return f.refuse(0, err, "the database %s cannot be migrated: %v", m.db.name, err)
}

// acquire takes the connection of a transaction, and waits for other processes that open the
// database.
func (m *migration) acquire(ctx context.Context, ways *lanes) (*conn, error) {
	for n := 1; ; n++ {
		c, err := ways.transact.acquire(ctx)
		if err == nil || !m.db.engine.again(err, n) || host.Pause(ctx, time.Millisecond) != nil {
			return c, err
		}
	}
}

// one runs a file, unless it was run, and reports whether it did. A look without the lock comes
// first: most loads have nothing to run.
func (m *migration) one(ctx context.Context, c *conn, f *migrationFile) (ran bool, err error) {
	if before, err := m.before(ctx, c); err == nil && before[f.number] != (applied{}) {
		return false, m.compare(f, before)
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
		return false, m.compare(f, before)
	}
	for number, o := range before {
		if number > f.number {
			return false, m.refuse(f,
				"it comes before %s, which was run already: give it a higher number", o.name)
		}
	}
	for _, p := range f.pieces {
		if err := c.run(ctx, p.text); err != nil {
			err = m.db.failure(ctx, ctx, controlTask(p.text, c), err)
			return false, f.refuse(p.line, err, "%v", err)
		}
	}
	if m.db.engine.postgres() {
		// What pg_dump writes begins with settings, an empty search path among them, in which the table
		// of what was run would not be found.
		if err := c.run(ctx, "RESET ALL"); err != nil {
			return false, f.refuse(0, err, "%v", m.db.failure(ctx, ctx, controlTask("RESET ALL", c), err))
		}
		c.broken = true // roles, locks and temporary tables stay with it
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
		if !m.db.engine.again(err, n) || host.Pause(ctx, time.Millisecond) != nil {
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

// refuse returns the error of a file that is not what was run: with the words for how to begin anew,
// where the database may be thrown away.
func (m *migration) refuse(f *migrationFile, format string, args ...any) error {
	msg := fmt.Sprintf(format, args...)
	if m.db.restart != "" {
		msg += "; or, to begin anew, " + m.db.restart
	}
	return f.refuse(0, nil, "%s", msg)
}

// compare returns an error if f is not what was run under its number.
func (m *migration) compare(f *migrationFile, before map[int64]applied) error {
	was := before[f.number]
	switch {
	case was.checksum == f.checksum:
		return nil
	case was.name != f.name:
		return m.refuse(f, "its number is that of %s, which was run already: give it a higher number",
			was.name)
	}
	return m.refuse(f, "it is not what was run: a migration that was run is not changed, what is "+
		"to change goes into a new file")
}

// missing looks for what was run and is not among the files. As with Flyway, one that is missing before
// others is an error: who begins with an empty database gets another one. Those behind the last file
// are of a newer version, which ran before this one, and that is no reason not to serve.
func (m *migration) missing(before map[int64]applied, logger *slog.Logger) error {
	warn := func(msg string, was applied, more ...any) {
		logger.Warn("sql: "+msg, append([]any{slog.String("database", m.db.name),
			slog.String("migration", was.name)}, more...)...)
	}
	for _, number := range slices.Sorted(maps.Keys(before)) {
		was := before[number]
		at, there := slices.BinarySearchFunc(m.files, number, func(f migrationFile, number int64) int {
			return cmp.Compare(f.number, number)
		})
		switch {
		case there && m.files[at].name != was.name && m.files[at].checksum == was.checksum:
			warn("a migration has another name than when it was run", was,
				slog.String("now", m.files[at].path))
		case there:
		case at == len(m.files):
			warn("a migration was run that this version of the program does not have", was)
		default:
			lost := &migrationFile{path: path.Join(m.dir, was.name)}
			for _, f := range m.files {
				if f.checksum == was.checksum {
					return m.refuse(lost, "it was run, and is called %s now: give it back its name", f.name)
				}
			}
			return m.refuse(lost, "it was run, and is not there any more: put it back, and undo what it "+
				"did in a new file")
		}
	}
	return nil
}
