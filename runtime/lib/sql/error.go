package sql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// The kinds of an [Error].
const (
	KindUnique     = "unique"      // a value is there already that may be there once
	KindForeignKey = "foreign_key" // a row refers to one that is not there, or would
	KindNotNull    = "not_null"    // a value is missing
	KindCheck      = "check"       // a CHECK, or an exclusion, does not hold
	KindBusy       = "busy"        // another one holds what is wanted, and went on holding it
	KindCancelled  = "cancelled"   // the call has ended meanwhile
	KindTimeout    = "timeout"     // the statement took too long
	KindLimit      = "limit"       // too many rows, or too much in them
	KindSyntax     = "syntax"      // the database does not understand the statement
	KindMissing    = "missing"     // there is no such table, column or function
	KindData       = "data"        // a value does not fit where it is to go
	KindDenied     = "denied"      // it is not allowed
	KindFull       = "full"        // there is no room for more
	KindConnection = "connection"  // the database cannot be reached, or was lost
	KindUsage      = "usage"       // what was passed does not fit the statement
	KindMigration  = "migration"   // a migration is not what it was, or is missing
	KindOther      = "sql"         // anything else that the database says
)

// An Error is what a database, or this package in its place, says of a statement. Its message has no
// value in it that was passed with the statement, so that it may be logged and shown.
type Error struct {
	// Message says what is wrong, in one line.
	Message string
	// Constraint is the name of the constraint that does not hold, "" if it has none that is known.
	Constraint string
	// Table and Columns are what the constraint is of, as far as is known.
	Table   string
	Columns []string

	kind   string
	status int  // for the client, 0 for that of the kind
	again  bool // it may be right if the whole transaction is run again
	err    error
}

var (
	_ host.Kinder    = (*Error)(nil)
	_ host.Statuser  = (*Error)(nil)
	_ host.Timeouter = (*Error)(nil)
)

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Kind is what a script sees as .kind of what catch() returns: one of the constants of the package.
func (e *Error) Kind() string { return e.kind }

// HTTPStatus is 503 for what may go well later, and 400 for a text that is none to the database, which
// is, as a rule, the client's.
func (e *Error) HTTPStatus() int {
	if e.status != 0 {
		return e.status
	}
	switch e.kind {
	case KindBusy, KindTimeout, KindConnection, KindFull:
		return 503
	}
	return 0
}

// Timeout reports whether a limit of time was reached.
func (e *Error) Timeout() bool { return e.kind == KindTimeout }

// Unwrap returns the error of the driver, or of the context. Its message may have values in it.
func (e *Error) Unwrap() error { return e.err }

// usage is the error of a statement, or of its values, that no database is asked about.
func usage(format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), kind: KindUsage}
}

// limited is the error of a limit.
func limited(format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), kind: KindLimit}
}

// failure says what err means that a statement failed with. If the context has ended, that is why:
// whatever the driver made of it. The time that a statement may take is told from that of the call
// by the two contexts.
func (d *DB) failure(call, ctx context.Context, t *task, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if ended := call.Err(); ended != nil {
		return &Error{Message: "the call ended before the statement did", kind: KindCancelled, err: ended}
	}
	if ended := ctx.Err(); ended != nil {
		return &Error{
			Message: fmt.Sprintf("the statement took longer than %v", d.limits.Time),
			kind:    KindTimeout, err: err,
		}
	}
	e := d.engine.explain(err)
	e.err = err
	if e.kind == KindForeignKey && e.Table == "" {
		e.refer(d.engine.references(ctx, d, t))
	}
	e.conceal(t.st, t.args)
	return e
}

// constraint makes e the error of a constraint.
func (e *Error) constraint(kind, what string) *Error {
	e.kind = kind
	e.Message = what + " failed"
	where := e.Constraint
	if len(e.Columns) > 0 {
		names := slices.Clone(e.Columns)
		if e.Table != "" {
			for i := range names {
				names[i] = e.Table + "." + names[i]
			}
		}
		where = strings.Join(names, ", ")
		if e.Constraint != "" {
			where += " (" + e.Constraint + ")"
		}
	} else if e.Table != "" && where != "" {
		where = e.Table + ": " + where
	}
	if where != "" {
		e.Message += ": " + where
	}
	return e
}

// refer adds the foreign keys that may be the one that does not hold: SQLite does not say which.
func (e *Error) refer(keys []string) {
	if len(keys) > 0 {
		e.Message += ": " + strings.Join(keys, ", or ")
	}
}

// conceal takes the values that were passed out of a message of the database, where they stand as
// words, unless they stand in the statement anyway. What a constraint is called is none of them.
func (e *Error) conceal(st *statement, args []driver.NamedValue) {
	switch e.kind {
	case KindUnique, KindForeignKey, KindNotNull, KindCheck:
		return
	}
	for _, arg := range args {
		text, ok := arg.Value.(string)
		if b, is := arg.Value.([]byte); is {
			text, ok = string(b), true
		}
		if ok && text != "" && !strings.Contains(st.source, text) {
			e.Message = replaceWord(e.Message, text, "...")
		}
	}
}

// replaceWord replaces word in text where no letter or digit is beside it.
func replaceWord(text, word, by string) string {
	var out strings.Builder
	for {
		i := strings.Index(text, word)
		if i < 0 {
			return out.String() + text
		}
		end := i + len(word)
		alone := (i == 0 || !inWord(text[i-1])) && (end == len(text) || !inWord(text[end]))
		out.WriteString(text[:i])
		if alone {
			out.WriteString(by)
		} else {
			out.WriteString(word)
		}
		text = text[end:]
	}
}
