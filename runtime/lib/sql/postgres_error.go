package sql

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// postgresKinds are the kinds of codes of SQLSTATE, or of their classes.
var postgresKinds = map[string]string{
	"23505": KindUnique, "23503": KindForeignKey, "23502": KindNotNull, "23514": KindCheck,
	"23P01": KindCheck, "40001": KindBusy, "40P01": KindBusy, "55P03": KindBusy,
	"42601": KindSyntax, "42P01": KindMissing, "42703": KindMissing, "42883": KindMissing,
	"3F000": KindMissing, "42501": KindDenied, "25006": KindDenied, "57014": KindTimeout,
	"42804": KindData, "08": KindConnection, "57P": KindConnection, "53": KindFull, "28": KindConnection,
	"3D": KindConnection, "22": KindData, "54": KindLimit,
}

var (
	// detailKey finds the columns in "Key (author)=(5) is not present in table ...".
	detailKey = regexp.MustCompile(`^Key \(([^()]*)\)=`)
	// misfit finds the type in what the driver says of a value that it cannot send.
	misfit = regexp.MustCompile(`failed to encode args\[(\d+)\]:.* into \w+ format for ([\w\[\]" .]+) \(OID`)
)

// explain is of [engine].
func (e *postgresEngine) explain(err error) *Error {
	var own *pgconn.PgError
	if !errors.As(err, &own) {
		return explainDriver(err)
	}
	kind := postgresKinds[own.Code]
	for n := 3; kind == "" && n >= 2 && len(own.Code) == 5; n-- {
		kind = postgresKinds[own.Code[:n]]
	}
	if kind == "" {
		kind = KindOther
	}
	made := &Error{
		Message: own.Message, Constraint: own.ConstraintName, Table: own.TableName, kind: kind,
		again: own.Code == "40001" || own.Code == "40P01",
	}
	if m := detailKey.FindStringSubmatch(own.Detail); m != nil {
		made.Columns = strings.Split(m[1], ", ")
	}
	switch kind {
	case KindUnique:
		return made.constraint(kind, "unique constraint")
	case KindForeignKey:
		return made.constraint(kind, "foreign key constraint")
	case KindCheck:
		return made.constraint(kind, "check constraint")
	case KindNotNull:
		made.Columns = []string{own.ColumnName}
		return made.constraint(kind, "not null constraint")
	case KindData:
		if own.Code == "22021" { // bytes that are none of UTF-8
			made.status = http.StatusBadRequest
		}
		// As in: invalid input syntax for type integer: "what was passed".
		made.Message, _, _ = strings.Cut(made.Message, `: "`)
		made.Message = between.ReplaceAllString(made.Message, `"..."`)
	case KindBusy:
		made.Message = "another transaction changed the same at the same time"
	case KindSyntax, KindMissing:
		if own.Hint != "" {
			made.Message += " (" + own.Hint + ")"
		}
	}
	return made
}

// between finds what stands in quotes.
var between = regexp.MustCompile(`"[^"]*"`)

// explainDriver says what an error means that is not the server's.
func explainDriver(err error) *Error {
	if m := misfit.FindStringSubmatch(err.Error()); m != nil {
		n := 0
		fmt.Sscan(m[1], &n)
		return &Error{
			Message: fmt.Sprintf("the value of placeholder %d does not fit the type %s", n+1, m[2]),
			kind:    KindData,
		}
	}
	var network net.Error
	var connect *pgconn.ConnectError
	var long *pgproto3.ExceededMaxBodyLenErr
	switch {
	case errors.As(err, &long):
		return &Error{Message: tooLarge, kind: KindLimit}
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, net.ErrClosed),
		pgconn.SafeToRetry(err), pgconn.Timeout(err), errors.Is(err, context.DeadlineExceeded):
		return &Error{Message: "the database cannot be reached, or the connection was lost", kind: KindConnection}
	case strings.Contains(err.Error(), "failed to encode args["):
		return &Error{Message: "a value does not fit the type of its placeholder", kind: KindData}
	case strings.Contains(err.Error(), "conn closed"), strings.Contains(err.Error(), "unexpected EOF"):
		return &Error{Message: "the connection to the database was lost", kind: KindConnection}
	}
	return &Error{Message: err.Error(), kind: KindOther}
}

// postgresSchema asks for what the search path finds.
var postgresSchema = schema{
	tables: `SELECT c.relname, c.relkind IN ('v', 'm') FROM pg_catalog.pg_class c
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_catalog.pg_table_is_visible(c.oid)
		AND c.relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
			WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))
		ORDER BY c.relname`,
	columns: `SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
		coalesce(a.attnum = ANY(i.indkey), false),
		coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
		LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary
		LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE c.relname = ? AND pg_catalog.pg_table_is_visible(c.oid) AND a.attnum > 0
		AND NOT a.attisdropped ORDER BY a.attnum`,
	sql: `SELECT pg_catalog.pg_get_indexdef(i.indexrelid) FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
		WHERE c.relname = ? AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1`,
}
