package sql

import (
	"errors"
	"regexp"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// busy reports whether another process has what err was to have.
func busy(err error) bool {
	var own *sqlite.Error
	return errors.As(err, &own) &&
		(own.Code()&0xff == sqlite3.SQLITE_BUSY || own.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// lost reports whether the connection is not to be used again after err.
func lost(err error) bool {
	var own *sqlite.Error
	if !errors.As(err, &own) {
		return false
	}
	switch own.Code() & 0xff {
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PROTOCOL,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_MISUSE:
		return true
	}
	return false
}

// sqliteKinds are the kinds of result codes.
var sqliteKinds = map[int]string{
	sqlite3.SQLITE_BUSY: KindBusy, sqlite3.SQLITE_LOCKED: KindBusy,
	sqlite3.SQLITE_PROTOCOL: KindBusy, sqlite3.SQLITE_FULL: KindFull,
	sqlite3.SQLITE_READONLY: KindDenied, sqlite3.SQLITE_AUTH: KindDenied,
	sqlite3.SQLITE_PERM: KindDenied, sqlite3.SQLITE_CANTOPEN: KindConnection,
	sqlite3.SQLITE_NOTADB: KindConnection, sqlite3.SQLITE_MISMATCH: KindData,
	sqlite3.SQLITE_TOOBIG: KindLimit,
}

// tooLarge is the message of a value that the database would hold, or send, before it could be refused.
const tooLarge = "a value, or a row, has more bytes than a result may have: ask for less of it"

// An ending is what the driver puts behind a message: the code.
var ending = regexp.MustCompile(` \(\d+\)$`)

// explain is of [engine].
func (e *sqliteEngine) explain(err error) *Error {
	var own *sqlite.Error
	if !errors.As(err, &own) {
		return &Error{Message: err.Error(), kind: KindOther}
	}
	// It says "SQL logic error: no such table: x (1)": what kind of error, and which.
	msg := ending.ReplaceAllString(own.Error(), "")
	if _, after, ok := strings.Cut(msg, ": "); ok {
		msg = after
	}
	_, what, _ := strings.Cut(msg, " failed: ")
	switch own.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
		sqlite3.SQLITE_CONSTRAINT_ROWID:
		return columnsOf(what).constraint(KindUnique, "unique constraint")
	case sqlite3.SQLITE_CONSTRAINT_NOTNULL:
		return columnsOf(what).constraint(KindNotNull, "not null constraint")
	case sqlite3.SQLITE_CONSTRAINT_CHECK:
		return (&Error{Constraint: what}).constraint(KindCheck, "check constraint")
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return new(Error).constraint(KindForeignKey, "foreign key constraint")
	}
	made := &Error{Message: msg, kind: sqliteKinds[own.Code()&0xff]}
	made.again = made.kind == KindBusy
	switch {
	case made.kind == KindBusy:
		made.Message = "another process holds the database"
	case made.kind == KindFull:
		made.Message = "the database or the disk is full"
	case made.kind == KindLimit:
		made.Message = tooLarge
	case made.kind != "":
	case own.Code()&0xff == sqlite3.SQLITE_CONSTRAINT:
		made.kind = KindCheck // raised by a trigger, or of a virtual table
	case strings.HasPrefix(msg, "fts5: "):
		// What comes behind is a piece of the text that was searched for.
		made.Message, _, _ = strings.Cut(msg, " near ")
		made.kind = KindData
	case strings.HasPrefix(msg, "no such "), strings.Contains(msg, "has no column named"):
		made.kind = KindMissing
	case strings.Contains(msg, "syntax error"), strings.HasPrefix(msg, "unrecognized token"),
		strings.HasPrefix(msg, "incomplete input"):
		made.kind = KindSyntax
	default:
		made.kind = KindOther
	}
	return made
}

// columnsOf reads "notes.title, notes.author", or "index 'name'" for one of expressions.
func columnsOf(what string) *Error {
	if name, ok := strings.CutPrefix(what, "index '"); ok {
		return &Error{Constraint: strings.TrimSuffix(name, "'")}
	}
	e := new(Error)
	for _, column := range strings.Split(what, ", ") {
		table, name, ok := strings.Cut(column, ".")
		if !ok {
			return &Error{Constraint: what}
		}
		e.Table, e.Columns = table, append(e.Columns, name)
	}
	return e
}
