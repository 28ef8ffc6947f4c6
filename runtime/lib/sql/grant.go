package sql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A Grant is the databases that a program may reach: what stands for the name sql in
// runtime.Config.Grants, as a pointer. The zero value grants none. Its exported fields must not be
// changed once it is in use; it is then safe for concurrent use, and shared by all generations of a
// program, and by programs that are to see the same.
type Grant struct {
	// Databases are where they are, by the names that a script knows: the path of a file of SQLite,
	// bare or behind "sqlite:", or a URL of PostgreSQL, "postgres://..." or "postgresql://...".
	// Behind a ? of a path may be parameters of modernc.org/sqlite, as in
	// "notes.db?_pragma=synchronous(normal)". Who writes this is trusted.
	Databases map[string]string
	// Dir is a directory in which names that Databases lacks are files of SQLite, NAME.db. It is
	// made with the first of them. Empty means that only Databases are granted.
	Dir string
	// Prepare is called before a database in Dir is opened, to make what is above it as it should be.
	// Nil does nothing.
	Prepare func() error
	// Renew says how to begin anew with the database of a name that is in Dir, where a migration is not
	// what was run, in the words of whoever runs the program. Nil says nothing: what is in them is not
	// to be thrown away.
	Renew func(name string) string
	// Schemas has tests reach the servers of those Databases that are of PostgreSQL: each test has a
	// schema of its own there, which ends with it. False gives them databases of SQLite in memory.
	Schemas bool
	// Limits bound what a statement may take.
	Limits Limits
	// Connect connects to the address of a server of Databases, as Dial of a Grant in another process
	// does: that of "tcp" is HOST:PORT, that of "unix" the path of a socket. Nil means that this process
	// does. It may be called from any number of goroutines.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
	// Advice says what to do for a script to reach the database of a name that is not granted, in
	// the words of whoever runs the program. Nil says "grant sql:NAME=FILE".
	Advice func(name string) string

	mu     sync.Mutex
	open   map[string]*DB
	closed bool
}

// Limits bound what one statement may take. The zero value holds on an open network.
type Limits struct {
	// Rows is how many rows a result may have that is held whole. Zero means 10,000; a negative
	// number sets no bound.
	Rows int
	// Bytes is how large a result may be, or what is passed with a statement, and on SQLite each
	// value that a statement makes and each row. Zero means 64 MiB; a negative number sets no bound.
	Bytes int
	// Time is how long a statement may take, if the call does not end before. Zero means 30 seconds;
	// a negative number sets no bound.
	Time time.Duration
	// Migration is how long all migrations of a load may take, the wait for those of other processes
	// included. Zero means 10 minutes; a negative number sets no bound.
	Migration time.Duration
	// Statement is how many bytes a statement may have. Zero means 1 MiB; a negative number sets no
	// bound.
	Statement int
	// Connections is how many a database may have at most, besides the one that writes to SQLite.
	// Zero means 16; less than 4 is 4.
	Connections int
}

func (l Limits) withDefaults() Limits {
	const no = 1<<31 - 1
	bound := func(n *int, zero int) {
		if *n = cmp.Or(*n, zero); *n < 0 {
			*n = no
		}
	}
	bound(&l.Rows, 10_000)
	bound(&l.Bytes, 64<<20)
	bound(&l.Statement, 1<<20)
	bound(&l.Connections, 16)
	l.Connections = max(min(l.Connections, 1000), 4)
	const ages = 100 * 365 * 24 * time.Hour
	if l.Time = cmp.Or(l.Time, 30*time.Second); l.Time < 0 {
		l.Time = ages
	}
	if l.Migration = cmp.Or(l.Migration, 10*time.Minute); l.Migration < 0 {
		l.Migration = ages
	}
	return l
}

var schemeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

var nameForm = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// Open returns the database that is granted under a name. It is not connected before it is used.
func (g *Grant) Open(name string) (*DB, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errClosed
	}
	if d := g.open[name]; d != nil {
		return d, nil
	}
	e, err := g.engine(name)
	if err != nil {
		return nil, err
	}
	d := newDB(name, e, g.Limits.withDefaults())
	if _, listed := g.Databases[name]; !listed && g.Renew != nil {
		d.restart = g.Renew(name)
	}
	if g.open == nil {
		g.open = make(map[string]*DB)
	}
	g.open[name] = d
	return d, nil
}

// engine returns what the database of a name is.
func (g *Grant) engine(name string) (engine, error) {
	if !nameForm.MatchString(name) {
		return nil, &Error{
			Message: fmt.Sprintf("%s is no name of a database: it has a-z, 0-9, _ and - only",
				host.Cut(fmt.Sprintf("%q", name))),
			kind: KindUsage,
		}
	}
	where, ok := g.Databases[name]
	switch {
	case ok && where == "":
		return nil, errors.New("sql: the grant of the database " + name + " does not say where it is")
	case ok && isPostgres(where):
		return newPostgres(where, g.Connect)
	case ok && schemeForm.MatchString(where):
		scheme, _, _ := strings.Cut(where, "://")
		return nil, fmt.Errorf("sql: there is no driver for %s: a database is the path of a file of "+
			"SQLite, or a URL postgres://", scheme)
	case ok:
		return newSQLite(strings.TrimPrefix(where, "sqlite:"))
	case g.Dir != "":
		dir, err := filepath.Abs(g.Dir)
		if err != nil {
			return nil, fmt.Errorf("sql: find directory: %w", err)
		}
		return &sqliteEngine{file: filepath.Join(dir, name+".db"), make: true, prepare: g.Prepare}, nil
	}
	advice := "grant sql:" + name + "=FILE"
	if g.Advice != nil {
		advice = g.Advice(name)
	}
	msg := fmt.Sprintf("the database %q is not granted", name)
	if names := g.Names(); len(names) > 0 {
		msg += "; granted is " + strings.Join(names, ", ")
	}
	if advice != "" {
		msg += "; " + advice
	}
	return nil, &Error{Message: msg, kind: KindDenied}
}

// Check returns what is wrong with Databases, nil if nothing is. It opens none. What it says has no
// password in it.
func (g *Grant) Check() error {
	for _, name := range slices.Sorted(maps.Keys(g.Databases)) {
		if _, err := g.engine(name); err != nil {
			return err
		}
	}
	return nil
}

// newSQLite returns the engine of a file, whose path may have parameters behind it.
func newSQLite(where string) (engine, error) {
	path, params, _ := strings.Cut(where, "?")
	path, err := filepath.Abs(path) // the process may change its directory
	if err != nil {
		return nil, fmt.Errorf("sql: find file: %w", err)
	}
	return &sqliteEngine{file: path, params: params}, nil
}

// Names returns the names of the databases that are granted and known, in order: those that the
// grant names, and the files that are in Dir now.
func (g *Grant) Names() []string {
	names := slices.Collect(maps.Keys(g.Databases))
	if g.Dir != "" {
		files, _ := os.ReadDir(g.Dir) // there are none if there is no such directory
		for _, f := range files {
			if name, ok := strings.CutSuffix(f.Name(), ".db"); ok && nameForm.MatchString(name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Close closes all databases. Statements that run are not waited for; later ones fail.
func (g *Grant) Close() error {
	g.mu.Lock()
	all := g.open
	g.open, g.closed = nil, true
	g.mu.Unlock()
	var errs []error
	for _, d := range all {
		errs = append(errs, d.close())
	}
	return errors.Join(errs...)
}
