package sql_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	"github.com/larkspur-web/larkspur/runtime/lint"
	"go.starlark.net/starlark"
)

// TestApart has statements that a script puts together: those whose values a placeholder can stand for
// are warned of, with what to write, and those that are chosen among what stands in the script are not.
func TestApart(t *testing.T) {
	const changes = ", which can change what it does: write "
	const raw = ", which can change what it does, and no placeholder stands for"
	for _, test := range []struct{ lines, want string }{
		{`db.query("SELECT * FROM notes WHERE id = %s" % x)`, `5:14: x` + changes + `db.query("SELECT * FROM notes WHERE id = ?", x)`},
		{`db.query("SELECT * FROM notes WHERE id = " + x)`, `5:14: x` + changes + `db.query("SELECT * FROM notes WHERE id = ?", x)`},
		{`db.one("SELECT * FROM notes WHERE id = {}".format(x.id))`, `5:12: x.id` + changes + `db.one("SELECT * FROM notes WHERE id = ?", x.id)`},
		{`db.value("SELECT 1 FROM notes WHERE id = " + str(x) + " AND title = ?", y)`, `5:14: x` + changes + `db.value("SELECT 1 FROM notes WHERE id = ? AND title = ?", x, y)`},
		{`db.value("SELECT 1 FROM notes WHERE title = ? AND id = " + str(x), y)`, `5:14: x` + changes + `db.value("SELECT 1 FROM notes WHERE title = ? AND id = ?", y, x)`},
		{`db.exec("INSERT INTO notes VALUES (%s, '%s')" % (x, y["title"]))`, `5:13: x` + changes + `db.exec("INSERT INTO notes VALUES (?, ?)", x, y["title"])`},
		{`db.each("SELECT * FROM notes WHERE title LIKE '%" + x + "%' LIMIT 5")`, `5:13: x` + changes + `db.each("SELECT * FROM notes WHERE title LIKE ? LIMIT 5", "%" + x + "%")`},
		{`db.query("SELECT * FROM notes WHERE a = '%(a)s' AND b = '%%'" % {"a": x})`, `5:14: x` + changes + `db.query("SELECT * FROM notes WHERE a = ? AND b = '%'", x)`},
		{`db.query(" ".join(["SELECT 1 WHERE 1 =", x]))`, `5:14: x` + changes + `db.query("SELECT 1 WHERE 1 = ?", x)`},
		{`catch(db.exec, "DELETE FROM notes WHERE id = " + x)`, `5:20: x` + changes + `db.exec("DELETE FROM notes WHERE id = ?", x)`},
		{`db.transaction(lambda tx: tx.exec("DELETE FROM notes WHERE id = %s" % x))`, `5:39: x` + changes + `tx.exec("DELETE FROM notes WHERE id = ?", x)`},
		{"def fn(tx):\n    tx.transaction(lambda part: part.exec('DELETE FROM notes WHERE id = ' + y))\ndb.transaction(fn)", `6:47: y` + changes + `part.exec("DELETE FROM notes WHERE id = ?", y)`},
		{"q = 'SELECT * FROM notes'\nif x:\n    q += \" WHERE title = '\" + x + \"'\"\nreturn db.query(q)", `7:14: x` + changes + `" WHERE title = ?" here, and pass x behind the statement`},
		{`db.query("SELECT * FROM notes ORDER BY " + environ["QUERY_STRING"])`, `5:14: environ["QUERY_STRING"]` + raw},
		{"f = form(environ)\ndb.query('SELECT * FROM ' + f.get('table', 'notes'))", `6:14: f.get('table', 'notes')` + raw},
		{`db.query("SELECT * FROM notes WHERE b BETWEEN 1 AND " + x + ORDER)`, `5:14: x` + changes + `db.query("SELECT * FROM notes WHERE b BETWEEN 1 AND ? ORDER BY id", x)`},
		{`db.query("SELECT * FROM notes WHERE id = " + x + ORDERS[y])`, `5:14: x` + changes + `? in its place`},
		// What is not to be warned of.
		{`db.query("SELECT *" + " FROM notes" + ORDER)`, ""},
		{`db.query("SELECT %s FROM notes" % COLUMNS)`, ""},
		{`db.query("SELECT * FROM notes " + ORDERS[x])`, ""},
		{`db.query("SELECT * FROM notes " + ORDERS.get(environ["QUERY_STRING"], ORDER))`, ""},
		{`db.query("SELECT * FROM notes WHERE id IN (" + ", ".join(["?"] * len(x)) + ")", *x)`, ""},
		{`db.query("SELECT * FROM notes WHERE id IN (%s)" % ", ".join(["?" for _ in x]), *x)`, ""},
		{`db.query("SELECT * FROM notes LIMIT %d" % x)`, ""},
		{`db.query("SELECT * FROM notes LIMIT " + str(int(x)))`, ""},
		{`db.query("SELECT * FROM notes WHERE " + x, y)`, ""},
		{`db.query("SELECT * FROM " + x + " WHERE id IN (" + y + ")")`, ""},
		{`db.query("SELECT * FROM notes ORDER BY id " + ("DESC" if x else "ASC"))`, ""},
		{"where = []\nif x:\n    where.append('title = ?')\ndb.query('SELECT * FROM notes WHERE ' + ' AND '.join(where), x)", ""},
		{"q = 'SELECT * FROM notes'\nif x:\n    q += ' WHERE title = ?'\ndb.query(q, x)", ""},
		{"for word in ['a', 'b']:\n    db.query('SELECT * FROM notes WHERE title = ' + word)", ""},
		{`y.query("SELECT * FROM notes WHERE id = %s" % x)`, ""},
		{`db.query(y % x)`, ""},
		{`db.query("SELECT 1 WHERE 1 = " + _quoted(x))`, ""},
	} {
		script := "load('@sql', 'database')\nload('@http', 'form')\ndb = database('notes')\ndef app(x, y, environ):\n    " +
			strings.ReplaceAll(test.lines, "\n", "\n    ") + `
ORDER = " ORDER BY id"
ORDERS = {"id": ORDER, "title": " ORDER BY title"}
COLUMNS = ", ".join(["id", "title"])
def _quoted(x): return "'" + x + "'"
form(1)
`
		c := config(&sql.Grant{Dir: t.TempDir()}, files(map[string]string{"app.star": script}))
		c.Modules = append(c.Modules, requests())
		_, wrong := runtime.Parse(c, "app.star")
		if len(wrong) > 0 {
			t.Errorf("%s: %v", test.lines, wrong)
		}
		var got []string
		for _, d := range lint.Run(c, "app.star", lint.Rules{}.Check) {
			if strings.Contains(d.Message, "a statement is made with") {
				got = append(got, strings.TrimPrefix(strings.Replace(d.String(), "a statement is made with ", "", 1), "app.star:"))
			}
		}
		if test.want == "" && len(got) == 0 || len(got) == 1 && test.want != "" && strings.HasPrefix(got[0], test.want) {
			continue
		}
		t.Errorf("%s: it warns\n%s, want\n%s", test.lines, strings.Join(got, "\n"), test.want)
	}
}

// requests is a module that gives what a client sent.
func requests() *host.Module {
	return &host.Module{Name: "http", Doc: "Requests.", Members: []host.Member{{
		Name: "form", Fn: func(starlark.Value) starlark.Value { return starlark.None },
		Params: []host.Param{{Name: "environ"}},
	}}}
}
