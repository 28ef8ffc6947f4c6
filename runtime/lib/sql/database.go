package sql

import (
	"fmt"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A database is what a script has of a [DB], as databaseType describes it.
type database struct {
	host.Object
	*executor
}

// A transaction is what a script has of a transaction, as transactionType describes it.
type transaction struct {
	host.Object
	*executor
}

var (
	_ starlark.HasAttrs = (*database)(nil)
	_ starlark.HasAttrs = (*transaction)(nil)
)

func newDatabase(x *executor) *database       { return &database{"sql.database", x} }
func newTransaction(x *executor) *transaction { return &transaction{"sql.transaction", x} }

func (d *database) String() string { return fmt.Sprintf("<sql.database %s>", d.db.name) }

// AttrNames are those of the description.
func (d *database) AttrNames() []string { return databaseType.AttrNames() }

// Attr returns a method, or what the database is.
func (d *database) Attr(name string) (starlark.Value, error) {
	switch name {
	case "name":
		return starlark.String(d.db.name), nil
	case "kind":
		return starlark.String(d.db.Kind()), nil
	}
	if m := d.method(name); m != nil {
		return m, nil
	}
	return databaseType.Method(d, name), nil
}

// AttrNames are those of the description.
func (x *transaction) AttrNames() []string { return transactionType.AttrNames() }

// Attr returns a method.
func (x *transaction) Attr(name string) (starlark.Value, error) {
	if m := x.method(name); m != nil {
		return m, nil
	}
	return transactionType.Method(x, name), nil
}

// statementParams are those of all that run a statement.
var statementParams = []host.Param{
	{
		Name: "sql", Type: "string", Pass: host.ByPosition,
		Doc: "one statement; ? stands for a value that is passed by position, :name for one by name, " +
			"?? for the ? of an operator of PostgreSQL",
		Apart: apart,
	},
	{Name: "args", Doc: "the values of the ?, in their order", Type: "any", Pass: host.Rest},
	{Name: "named", Doc: "the values of the :name", Type: "any", Pass: host.RestByName},
}

// statementErrors are those of all that run a statement.
var statementErrors = []host.Failure{
	{When: "a constraint does not hold: the .kind of what catch() returns is unique, foreign_key, " +
		"not_null or check, and the message names table and column"},
	{When: "the statement is not understood (syntax), there is no such table or column (missing), a " +
		"value does not fit (data), something is not allowed (denied)"},
	{When: "a text has a byte 0, or bytes that are no UTF-8, of which PostgreSQL has none (data); the " +
		"client, which has sent it as a rule, gets 400 if that is not caught"},
	{When: "the database is full (full), cannot be reached (connection), or another process holds " +
		"it for long (busy); the client gets 503, as for timeout, if that is not caught"},
	{When: "it takes longer than a statement may (timeout), or the call ends before (cancelled)"},
	{When: "there are more rows or bytes than are granted (limit)"},
	{When: "the number of values is not that of the placeholders, or the script is still being " +
		"loaded (usage)"},
}

// executing are the members that a database and a transaction have.
func executing(self string) []host.Member {
	say := func(name, doc, result, example string) host.Member {
		return host.Member{
			Name: name, Doc: doc, Params: statementParams, Result: result, Errors: statementErrors,
			Example: example,
		}
	}
	all := []host.Member{
		say("query", "Runs a statement and returns its rows, 10,000 at most unless more are granted.",
			"a list of sql.row", `[n.title for n in db.query("SELECT * FROM notes ORDER BY id")]  `+
				`# ["first", "second"]
db.query("SELECT id FROM notes WHERE title = :title", title = "second")[0].id  # 2
db.query("SELECT * FROM notes WHERE id = ?")  # error: 1 placeholder (?), and 0 values were passed`),
		say("each", "Returns the rows one by one, so that they are never all held: an iterable, each "+
			"loop over which runs the statement. In a transaction, and in a loop inside another, it "+
			"reads them all at once, as query does, 1,048,576 at most.", "an iterable of sql.row",
			`[row.title for row in db.each("SELECT title FROM notes ORDER BY id DESC")]  `+
				`# ["second", "first"]`),
		say("one", "Runs a statement and returns its first row.", "sql.row, or None if there is none",
			`db.one("SELECT title FROM notes WHERE id = ?", 2)["title"]  # "second"
db.one("SELECT title FROM notes WHERE id = ?", 3)  # None`),
		say("value", "Runs a statement and returns the first value of its first row.",
			"the value, or None if there is no row", `db.value("SELECT count(*) FROM notes")  # 2`),
		say("exec", "Runs a statement whose rows nobody wants.", "sql.result",
			`db.exec("UPDATE notes SET title = ? WHERE id = ?", "third", 2).rows  # 1
db.exec("INSERT INTO notes (title) VALUES (?)", "fourth").last_id  # 3
catch(db.exec, "INSERT INTO notes (title) VALUES (?)", "fourth")[1].kind  # "unique"`),
	}
	for i := range all {
		if self == "tx" {
			all[i].Example = inside(all[i].Name)
		}
	}
	return all
}

// inside is the example of a method of a transaction.
func inside(name string) string {
	switch name {
	case "exec":
		return `db.transaction(lambda tx: tx.exec("DELETE FROM notes").rows)  # 2`
	case "value":
		return `db.transaction(lambda tx: tx.value("SELECT count(*) FROM notes"))  # 2`
	}
	return `db.transaction(lambda tx: [r.id for r in [tx.one("SELECT id FROM notes")]])  # [1]`
}

// transactMember is the method that both have.
func transactMember(doc, example string, fn any) host.Member {
	return host.Member{
		Name: "transaction", Doc: doc,
		Params: []host.Param{{
			Name: "fn", Doc: "a function of one argument: sql.transaction, which runs statements",
			Given: "sql.transaction",
		}},
		Result: "what fn returns",
		Errors: append([]host.Failure{{When: "fn fails: with that error"}}, statementErrors[2:]...),
		Fn:     fn, Example: example,
	}
}

var databaseType = &host.Type{
	Name: "sql.database",
	Doc: "A database. A statement that is run with it is a transaction of its own: what it changed " +
		"is on the disk when it returns. If the file of one of SQLite is deleted meanwhile, the next " +
		"write begins a new one, with the migrations, and so does a read a moment later; if it is " +
		"replaced, they have the new one.",
	Members: slices.Concat(executing("db"), []host.Member{
		{Name: "kind", Doc: "What it is, \"sqlite\" or \"postgres\": the two speak different SQL."},
		{Name: "name", Doc: "The name that it is granted under."},
		transactMember("Calls fn in a transaction, and commits it. All is rolled back if fn fails, or "+
			"is ended. Transactions are as if they ran one after the other: if another one changed "+
			"what fn had read, fn is called again from the beginning, ten times at most, so that what "+
			"else it does has to bear that.",
			`db.transaction(lambda tx: tx.exec("DELETE FROM notes").rows)  # 2
db.transaction(lambda tx: fail("no"))  # error: no
db.transaction(lambda tx: db.value("SELECT 1"))  # error: use what fn is given`,
			func(d *database, t *starlark.Thread, fn starlark.Callable) (starlark.Value, error) {
				return d.executor.transaction(t, fn)
			}),
		migrateMember(),
	}),
}

var transactionType = &host.Type{
	Name: "sql.transaction",
	Doc:  "A transaction, until the function ends that has it.",
	Members: append(executing("tx"), transactMember("Calls fn in a part of the transaction: if it "+
		"fails, that part is rolled back, and whoever catches the error can go on.",
		`db.transaction(lambda tx: tx.transaction(lambda part: part.value("SELECT 1")))  # 1`,
		func(x *transaction, t *starlark.Thread, fn starlark.Callable) (starlark.Value, error) {
			return x.executor.transaction(t, fn)
		})),
}
