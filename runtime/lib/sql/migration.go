package sql

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A migration is the files of a directory that bring a database up to date, in their order.
type migration struct {
	db    *DB
	dir   string
	files []migrationFile
}

// A migrationFile is one of them.
type migrationFile struct {
	number   int64
	path     string
	name     string // without the directory
	checksum string
	pieces   []piece
}

var migrationName = regexp.MustCompile(`^([0-9]{1,9})_[A-Za-z0-9_.-]+\.sql$`)

func migrateMember() host.Member {
	return host.Member{
		Name: "migrate",
		Doc: "Brings the database up to date. The files NUMBER_NAME.sql of a directory are run in the " +
			"order of their numbers, each once and in a transaction of its own, when the program has " +
			"loaded and before its first call; one that ends in .sqlite.sql or .postgres.sql is for " +
			"that kind of database only; the table larkspur_migrations has what was run. If one " +
			"fails, the program does not load, and the version that served serves on. A file that was " +
			"run must not be changed, renumbered or deleted, nor may one come before it: that is an error, " +
			"and what is to change goes into a new file. What a newer version has run is a warning in " +
			"the log: an older one may be put back. Processes that start at once wait for each other. " +
			"It is called at the top level, once for a database; checks and documentation run nothing.",
		Params: []host.Param{{
			Name: "dir", Doc: "the directory, a path from the root of the application", Type: "string",
		}},
		Result: "None",
		Errors: []host.Failure{
			{When: "there is no such directory or no such file in it, a name or a number is wrong, or " +
				"it is called in a function"},
		},
		Example: `fresh = database("fresh")
fresh.migrate("migrations")
fresh.query("SELECT name FROM pages")  # []`,
		Fn: func(d *database, dir string) error { return d.lib.migrate(d.db, dir) },
	}
}

// migrate reads the files, and has them run when the program has loaded.
func (l *library) migrate(d *DB, dir string) error {
	m, err := readMigration(l.load, d, dir)
	if err != nil {
		return err
	}
	l.mu.Lock()
	late := l.loaded
	again := slices.ContainsFunc(l.pending, func(o *migration) bool { return o.db == d })
	if !late && !again {
		l.pending = append(l.pending, m)
	}
	l.mu.Unlock()
	switch {
	case again:
		return usage("the database %s has its migrations already: all of them are in one directory",
			d.name)
	case late && l.load.Events == nil: // nobody will say when
		return m.apply(l.background(), l.logger())
	case late:
		return usage("migrate() is for the top level of a script: it runs before the first call")
	}
	return nil
}

// readMigration reads the files of a directory. The error names those that are wrong.
func readMigration(l *host.Load, d *DB, dir string) (*migration, error) {
	rel := path.Clean(strings.TrimLeft(dir, "/"))
	if !fs.ValidPath(rel) {
		return nil, usage("the path %s leads out of the application's tree", starlark.String(dir))
	}
	texts, err := l.Read(host.Input{Dir: rel, Ext: ".sql"})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage("there is no directory %s in the application's tree", starlark.String(dir))
	case err != nil:
		return nil, err
	case len(texts) == 0:
		return nil, usage("no file in %s ends in .sql", starlark.String(dir))
	}
	m := &migration{db: d, dir: rel}
	var found host.Diagnostics
	for _, t := range texts {
		if d.engine.skips(t.Name) {
			continue
		}
		f, fault := newMigrationFile(t, d.engine.postgres())
		if fault == nil {
			for _, o := range m.files {
				if o.number == f.number {
					fault = &host.Diagnostic{Message: "its number is that of " + o.path}
				}
			}
		}
		if fault != nil {
			fault.File = t.Name
			found = append(found, *fault)
			continue
		}
		m.files = append(m.files, f)
	}
	if len(found) > 0 {
		return nil, found
	}
	slices.SortFunc(m.files, func(a, b migrationFile) int { return int(a.number - b.number) })
	return m, nil
}

func newMigrationFile(t host.Text, postgres bool) (f migrationFile, fault *host.Diagnostic) {
	refuse := func(line int, format string, args ...any) (migrationFile, *host.Diagnostic) {
		return f, &host.Diagnostic{Place: host.Place{Line: line}, Message: fmt.Sprintf(format, args...)}
	}
	name := path.Base(t.Name)
	parts := migrationName.FindStringSubmatch(name)
	if parts == nil {
		return refuse(0, "a migration is named NUMBER_NAME.sql, as 001_notes.sql")
	}
	number, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return refuse(0, "its number cannot be read: %v", err)
	}
	text := strings.ReplaceAll(string(host.Unmarked(t.Content)), "\r\n", "\n")
	if strings.IndexByte(text, 0) >= 0 {
		return refuse(0, "there is a byte 0 in it")
	}
	sum := sha256.Sum256([]byte(text))
	f = migrationFile{
		number: number, path: t.Name, name: name, checksum: hex.EncodeToString(sum[:]),
		pieces: split(text, postgres),
	}
	if len(f.pieces) == 0 {
		return refuse(0, "there is no statement in it")
	}
	for _, p := range f.pieces {
		l := lexer{text: p.text, postgres: postgres}
		first := l.next()
		switch verb := strings.ToUpper(p.text[first.start:first.end]); verb {
		case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE":
			return refuse(p.line, "%s: each file is a transaction already", verb)
		case "ATTACH", "DETACH", "COPY":
			return refuse(p.line, "%s is not for a migration", verb)
		}
	}
	return f, nil
}
