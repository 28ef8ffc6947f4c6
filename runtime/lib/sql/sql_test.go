package sql_test

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
)

// files makes a tree of a program.
func files(named map[string]string) fs.FS {
	tree := make(fstest.MapFS)
	for name, text := range named {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

// config is that of a program with @sql.
func config(grant any, tree fs.FS) *runtime.Config {
	return &runtime.Config{
		FS: tree, Modules: []*host.Module{sql.Module()}, Grants: map[string]any{"sql": grant},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// app is a program whose function is app, with the database db.
func app(t testing.TB, grant any, script string) *runtime.Program {
	t.Helper()
	p, err := runtime.Load(config(grant, files(map[string]string{"app.star": script})), "app.star")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

const prelude = "load('@sql', 'database')\ndb = database('notes')\n"

// body is a script whose app() has these lines in it.
func body(lines string) string {
	return prelude + "def app():\n    " + strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\n    ") + "\n"
}

// do calls app() and returns what it returns, as text.
func do(t testing.TB, p *runtime.Program) string {
	t.Helper()
	v, err := p.Do(context.Background())
	if err != nil {
		return "error: " + err.Error()
	}
	return v.String()
}

// grant is one of a database notes in a file of its own.
func grant(t testing.TB) *sql.Grant {
	t.Helper()
	g := &sql.Grant{Databases: map[string]string{"notes": filepath.Join(t.TempDir(), "notes.db")}}
	t.Cleanup(func() { g.Close() })
	return g
}

// TestStatements runs statements on a database of SQLite, and on one in memory as tests have it.
func TestStatements(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"rows", `
db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT)")
r = db.exec("INSERT INTO t (title) VALUES (?), (?)", "a", "b")
return r.rows, r.last_id, db.query("SELECT * FROM t ORDER BY id")`,
			`(2, 2, [row(id = 1, title = "a"), row(id = 2, title = "b")])`},
		{"row", `
r = db.one("SELECT 1 AS id, 'x' AS title, 2 AS id")
return r.id, r["title"], r[2], r[-1], len(r), "title" in r, r.keys(), dict(r), r == db.one("SELECT 1 AS id, 'x' AS title, 2 AS id")`,
			`(1, "x", 2, 2, 2, True, ["id", "title"], {"id": 1, "title": "x"}, True)`},
		{"no row", `return db.one("SELECT 1 WHERE 0"), db.value("SELECT 1 WHERE 0"), db.query("SELECT 1 WHERE 0")`,
			`(None, None, [])`},
		{"named", `return db.query("SELECT :a AS a, :b AS b, :a AS c, ? AS d", 4, b = 2, a = 1)`,
			`[row(a = 1, b = 2, c = 1, d = 4)]`},
		{"each", `return [r.x for r in db.each("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000) SELECT x FROM c")][-1]`,
			`1000`},
		{"each in each", `
n = 0
for a in db.each("SELECT 1 AS x UNION ALL SELECT 2"):
    for b in db.each("SELECT 1 AS x UNION ALL SELECT 2"):
        n += a.x * b.x + db.value("SELECT 1")
return n`, `13`},
		{"each and write", `
db.exec("CREATE TABLE t (x)")
for r in db.each("SELECT 1 AS x UNION ALL SELECT 2"):
    db.exec("INSERT INTO t VALUES (?)", r.x)
return db.value("SELECT sum(x) FROM t")`, `3`},
		{"break", `
for r in db.each("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 10000) SELECT x FROM c"):
    if r.x == 100: break
return r.x`, `100`},
		{"returning", `
db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
return db.value("INSERT INTO t (x) VALUES (?) RETURNING id", "a"), db.query("UPDATE t SET x = 'b' RETURNING *"), db.value("SELECT count(*) FROM t")`,
			`(1, [row(id = 1, x = "b")], 1)`},
		{"transaction", `
db.exec("CREATE TABLE t (x)")
def fn(tx):
    tx.exec("INSERT INTO t VALUES (1)")
    return tx.value("SELECT count(*) FROM t"), [r.x for r in tx.each("SELECT x FROM t")]
def bad(tx):
    tx.exec("INSERT INTO t VALUES (2)")
    fail("no")
return db.transaction(fn), catch(db.transaction, bad)[1].message, db.query("SELECT x FROM t")`,
			`((1, [1]), "no", [row(x = 1)])`},
		{"transaction in it", `
db.exec("CREATE TABLE t (x)")
def inner(tx):
    tx.exec("INSERT INTO t VALUES (2)")
    fail("no")
def fn(tx):
    tx.exec("INSERT INTO t VALUES (1)")
    e = catch(tx.transaction, inner)[1].message
    tx.transaction(lambda p: p.exec("INSERT INTO t VALUES (3)"))
    return e
return db.transaction(fn), db.query("SELECT x FROM t")`,
			`("no", [row(x = 1), row(x = 3)])`},
		{"the database inside of a transaction", `return catch(db.transaction, lambda tx: db.value("SELECT 1"))[1].message`,
			`"value: this is inside of notes.transaction(fn): use what fn is given, as in tx.query(...)"`},
		{"a transaction that has ended", `return catch(db.transaction(lambda tx: tx).value, "SELECT 1")[1].message`,
			`"value: the transaction has ended"`},
		{"caught in a transaction", `
db.exec("CREATE TABLE t (x UNIQUE)")
def fn(tx):
    tx.exec("INSERT INTO t VALUES (1)")
    return catch(tx.exec, "INSERT INTO t VALUES (1)")[1].kind
return db.transaction(fn), db.query("SELECT x FROM t")`, `("unique", [row(x = 1)])`},
		{"values", `
return [db.value("SELECT ?", v) for v in [None, True, 1, 9223372036854775807, -9223372036854775808, 1.5, "é\x00", b"\x00\xff", b"", "", [1, {"a": None}], {"b": 2}]]`,
			`[None, 1, 1, 9223372036854775807, -9223372036854775808, 1.5, "é\x00", b"\x00\xff", b"", "", "[1,{\"a\":null}]", "{\"b\":2}"]`},
		{"declared", `
db.exec("CREATE TABLE t (b BOOLEAN, t TIMESTAMP, d DURATION, j JSON, x BLOB)")
load_time = db.exec("INSERT INTO t VALUES (?, '2026-01-02 03:04:05.5', ?, ?, ?)", True, 1500, {"a": [1]}, b"")
r = db.one("SELECT * FROM t")
return r.b, str(r.t), str(r.d), r.j, r.x`,
			`(True, "2026-01-02 03:04:05.5 +0000 UTC", "1.5µs", {"a": [1]}, b"")`},
		{"kinds", `
db.exec("CREATE TABLE a (id INTEGER PRIMARY KEY)")
db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, n TEXT NOT NULL, c INTEGER CONSTRAINT positive CHECK (c > 0), a REFERENCES a (id), UNIQUE (n, c))")
db.exec("INSERT INTO t VALUES (1, 'u', 'n', 1, NULL)")
all = []
for q in ["INSERT INTO t VALUES (2, 'u', 'm', 1, NULL)", "INSERT INTO t VALUES (2, 'v', NULL, 1, NULL)",
    "INSERT INTO t VALUES (2, 'v', 'm', 0, NULL)", "INSERT INTO t VALUES (2, 'v', 'm', 1, 7)", "INSERT INTO t VALUES (1, 'v', 'm', 1, NULL)",
    "INSERT INTO t VALUES (2, 'v', 'n', 1, NULL)", "SELEC 1", "SELECT * FROM nowhere", "SELECT x FROM t", "INSERT INTO t VALUES ('x', 'v', 'm', 1, NULL)"]:
    e = catch(db.exec, q)[1]
    all.append(e.kind + ": " + e.message)
return "\n".join(all)`, `"unique: exec: unique constraint failed: t.u
not_null: exec: not null constraint failed: t.n
check: exec: check constraint failed: positive
foreign_key: exec: foreign key constraint failed: t.a refers to a.id
unique: exec: unique constraint failed: t.id
unique: exec: unique constraint failed: t.n, t.c
syntax: exec: near \"SELEC\": syntax error
missing: exec: no such table: nowhere
missing: exec: no such column: x
data: exec: datatype mismatch"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := strings.ReplaceAll(test.want, "\n", `\n`)
			if got := do(t, app(t, grant(t), body(test.script))); got != want {
				t.Errorf("in a file it returns\n%s, want\n%s", got, want)
			}
			trial, err := grant(t).Trial(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if got := do(t, app(t, trial.Grant, body(test.script))); got != want {
				t.Errorf("in memory it returns\n%s, want\n%s", got, want)
			}
		})
	}
}

// TestTimes passes times and durations, which come back to the microsecond, in UTC and in order.
func TestTimes(t *testing.T) {
	both(t, func(t *testing.T, g *sql.Grant) {
		got := do(t, app(t, g, "load('@time', 'time')\n"+body(`
db.exec("CREATE TABLE t (t TIMESTAMP, d %s)" % ("DURATION" if db.kind == "sqlite" else "INTERVAL"))
early = time.parse_time("2026-03-04T05:06:07+02:00")
late = time.parse_time("2026-03-04T03:06:07.123456789Z")
for moment in [late, early]:
    db.exec("INSERT INTO t VALUES (?, ?)", moment, 1500 * time.millisecond)
rows = db.query("SELECT * FROM t ORDER BY t")
return [str(r.t) for r in rows], rows[0].t == early, rows[0].d == 1500 * time.millisecond, db.value("SELECT count(*) FROM t WHERE t > ?", early), db.value("SELECT count(*) FROM t WHERE t < CURRENT_TIMESTAMP")`)))
		const want = `(["2026-03-04 03:06:07 +0000 UTC", "2026-03-04 03:06:07.123456 +0000 UTC"], True, True, 1, 2)`
		if got != want {
			t.Errorf("it returns\n%s, want\n%s", got, want)
		}
	})
}

// TestDates has dates: a time at midnight for a script, to be passed as one or as a text.
func TestDates(t *testing.T) {
	both(t, func(t *testing.T, g *sql.Grant) {
		got := do(t, app(t, g, "load('@time', 'time')\n"+body(`
db.exec("CREATE TABLE t (day DATE)")
db.exec("INSERT INTO t VALUES (?)", "2026-11-27")
day = db.value("SELECT day FROM t")
later = db.value("SELECT count(*) FROM t WHERE day >= ? AND day < ?", "2026-11-27", "2026-11-28")
return day.year, day.format("2006-01-02"), day == time.time(year = 2026, month = 11, day = 27), later`)))
		if want := `(2026, "2026-11-27", True, 1)`; got != want {
			t.Errorf("it returns %s, want %s", got, want)
		}
	})
}
