// Package sql is the host module @sql: databases of SQLite and PostgreSQL. [Module] describes it.
//
// # The model
//
// Whoever runs a program grants it databases by name, in a [Grant]. A script says
// database("notes") at its top level, and has a value with which its functions run statements. What
// the name stands for, a file or a server, is not the script's to say or to know.
//
// A grant has one [DB] for each name. It is opened by the first statement, and shared by all
// generations of the program. [library] is the module for one generation: it keeps the statements
// from being run while the program loads, and runs the migrations between the loading and the first
// request.
//
// A statement goes through four steps: [parse] finds its placeholders, by a [lexer], and writes them
// as the database wants them; a [task] has its values as the driver wants them; a [lane] waits for a
// connection; a [cursor] makes values for scripts of what the driver returns. All but the first are
// on database/sql, with modernc.org/sqlite and github.com/jackc/pgx/v5. An [engine] is what the two
// databases differ in.
//
// # Waiting
//
// SQLite has one writer at a time. Here that is one connection, for which statements and
// transactions queue, as long as their calls last; readers have others, and wait for nobody. So
// "database is locked" is never seen: it is a wait, also for other processes. What holds a
// connection while a script runs, a transaction or a loop over each(), never waits for another of
// its kind.
//
// # A file that goes
//
// Each write to a file of SQLite looks whether it is still where it was, and reads do so now and then. If it was deleted, or another
// one put in its place, the connections to it are closed, and the next statement opens what is there
// now: if there is nothing, a new file, in which the migrations of the program are run first. A
// warning in the log says so. What was in the old file beside the new one, its log, is deleted. A
// statement that cannot do so, for a call still uses the old file, fails, and so does one that wrote
// to a file which had gone by then: see [presence].
//
// # What a statement may not do
//
// A value is passed beside the statement, never inside it. What would change the connection for
// those who use it later, or reach another file, is refused: see [forbidden], and for SQLite
// [authorize]. That keeps an application within its database, and is no sandbox for one that
// nobody has read: PostgreSQL does what the role may that it is logged in as.
package sql

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @sql. What it is granted is a *[Grant].
func Module() *host.Module {
	return &host.Module{
		Name: "sql",
		Doc: "Databases of SQLite and PostgreSQL. A statement is a text with placeholders, and " +
			"never made of what a client sent: values are passed beside it. " + mapping,
		Grant: "a database",
		Members: []host.Member{{
			Name: "database",
			Doc: "Returns a database that is granted. It is called at the top level of a script; " +
				"nothing is opened before a function runs the first statement.",
			Params: []host.Param{{
				Name: "name", Doc: "under which it is granted: a-z, 0-9, _ and -", Type: "string",
			}},
			Result: "sql.database",
			Errors: []host.Failure{{When: "it is not granted; the message says how it can be"}},
			Example: `type(database("notes"))  # "sql.database"
database("Other Notes")  # error: is no name of a database`,
			Fn: func(l *library, name string) (starlark.Value, error) {
				d, err := l.database(name)
				if err != nil {
					return nil, err
				}
				return newDatabase(&executor{lib: l, db: d}), nil
			},
		}},
		Whole: true,
		Types: []*host.Type{databaseType, transactionType, rowType, resultType},
		Scene: `db = database("notes")
db.exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, title TEXT UNIQUE)")
db.exec("DELETE FROM notes")
db.exec("INSERT INTO notes VALUES (1, 'first'), (2, 'second')")`,
		Files: map[string]string{
			"migrations/001_notes.sql": "CREATE TABLE pages (name TEXT PRIMARY KEY, text TEXT NOT NULL);\n",
		},
		Open: open,
	}
}

// mapping is the one table of how values are seen on both sides, a line each.
const mapping = "What a script has and what a database has:\n" +
	"None: NULL\n" +
	"bool: BOOLEAN. SQLite has 0 and 1, which are bool again in a column that is declared BOOLEAN.\n" +
	"int: INTEGER, BIGINT, SMALLINT. One beyond 64 bits is a NUMERIC of PostgreSQL; SQLite has no type " +
	"that keeps it, and passing one is an error: pass str(n).\n" +
	"float: REAL, DOUBLE PRECISION\n" +
	"string: TEXT, VARCHAR, UUID, TIME, XML, and every type that is not named here, as the database " +
	"writes it\n" +
	"int or string: NUMERIC of PostgreSQL, an int if it has no decimal point, else the text with all its " +
	"digits. Of SQLite it is an int or a float.\n" +
	"bytes: BLOB, BYTEA\n" +
	"time: TIMESTAMP, TIMESTAMPTZ, DATE, in UTC, to the microsecond. SQLite has text, as of " +
	"CURRENT_TIMESTAMP, which is a time again in a column that is declared TIMESTAMP, DATETIME or DATE. " +
	"PostgreSQL's infinity is a string. A DATE is the time at its midnight: day.format(\"2006-01-02\"), or " +
	"{{.day.format \"2006-01-02\"}} in a template, is the date alone, as larkspur sql and the inspector of " +
	"dev show it; a text so written may be passed for one. larkspur docs time.time has what a time has.\n" +
	"duration: INTERVAL of PostgreSQL; one that has days or months is a string. SQLite has a number of " +
	"nanoseconds, which is a duration again in a column that is declared DURATION.\n" +
	"dict, list: JSON, JSONB, as text where it is passed. SQLite gives them back from a column that is " +
	"declared JSON. A list is an array of PostgreSQL where one is wanted, as in id = ANY(?), and an array " +
	"is a list."
