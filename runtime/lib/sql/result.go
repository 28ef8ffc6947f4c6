package sql

import (
	"database/sql/driver"
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A result is what exec returns, as resultType describes it.
type result struct {
	host.Object
	rows   int64
	lastID starlark.Value
}

var _ starlark.HasAttrs = (*result)(nil)

func newResult() *result { return &result{Object: "sql.result", lastID: starlark.None} }

// take takes over what the driver says. SQLite goes on to say what an earlier statement did after
// one that changes no row.
func (r *result) take(st *statement, postgres bool, res driver.Result) (err error) {
	if !st.changes() {
		return nil
	}
	if r.rows, err = res.RowsAffected(); err != nil {
		return err
	}
	if (st.verb == "INSERT" || st.verb == "REPLACE") && !postgres && r.rows > 0 {
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		r.lastID = starlark.MakeInt64(id)
	}
	return nil
}

// changes reports whether a statement inserts, changes or deletes rows.
func (s *statement) changes() bool {
	switch s.verb {
	case "INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE":
		return true
	case "WITH":
		return !s.reads
	}
	return false
}

func (r *result) String() string {
	return fmt.Sprintf("result(rows = %d, last_id = %v)", r.rows, r.lastID)
}

// AttrNames are the fields.
func (r *result) AttrNames() []string { return resultType.AttrNames() }

// Attr returns a field.
func (r *result) Attr(name string) (starlark.Value, error) {
	switch name {
	case "rows":
		return starlark.MakeInt64(r.rows), nil
	case "last_id":
		return r.lastID, nil
	}
	return nil, nil
}

var resultType = &host.Type{
	Name: "sql.result",
	Doc:  "What became of a statement without rows.",
	Members: []host.Member{
		{Name: "rows", Doc: "How many rows were inserted, changed or deleted."},
		{
			Name: "last_id",
			Doc: "The key of the row that an INSERT made last. It is None for other statements, and " +
				"on PostgreSQL if the primary key is not one column with integers, or the statement " +
				"has a RETURNING of its own: ask for that by query().",
		},
	},
}
