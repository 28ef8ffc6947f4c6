package sql_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
)

// TestPostgres runs statements on a server of PostgreSQL.
func TestPostgres(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"rows", `
db.exec("CREATE TABLE t (id SERIAL PRIMARY KEY, title TEXT)")
r = db.exec("INSERT INTO t (title) VALUES (?), (?)", "a", "b")
return r.rows, r.last_id, db.query("SELECT * FROM t ORDER BY id"), db.value("INSERT INTO t (title) VALUES ('c') RETURNING id")`,
			`(2, 2, [row(id = 1, title = "a"), row(id = 2, title = "b")], 3)`},
		{"keys", `
db.exec("CREATE SCHEMA \"s x\"")
db.exec("CREATE TABLE \"s x\".\"T\" (title TEXT, \"the Key\" BIGSERIAL PRIMARY KEY)")
db.exec("CREATE TABLE two (a INT, b INT, PRIMARY KEY (a, b))")
db.exec("CREATE TABLE named (name TEXT PRIMARY KEY)")
db.exec("CREATE TABLE none (n INT)")
db.exec("CREATE TABLE k (id SERIAL PRIMARY KEY, t TEXT UNIQUE)")
def ids(*all):
    return [(r.rows, r.last_id) for r in [db.exec(s) for s in all]]
def fn(tx):
    tx.exec("CREATE TABLE fresh (n INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t TEXT)")
    return tx.exec("INSERT INTO fresh (t) VALUES ('x')").last_id
all = ids(
    "INSERT INTO \"s x\" . \"T\" (title) VALUES ('a'), ('b');",
    "insert into/* - */k(t) VALUES ('a') ON CONFLICT DO NOTHING -- RETURNING",
    "INSERT INTO k (t) VALUES ('a') ON CONFLICT (t) DO NOTHING",
    "INSERT INTO k (t) SELECT x::text FROM generate_series(1, 5) x ; -- the end",
    "INSERT INTO two VALUES (1, 2)", "INSERT INTO named VALUES ('n')", "INSERT INTO none VALUES (3)",
    "INSERT INTO k (t) VALUES ('z') RETURNING t", "UPDATE k SET t = t || '!'", "DELETE FROM two")
again = []
for column in ["other", "third"]:
    db.exec("DROP TABLE k")
    db.exec("CREATE TABLE k (" + column + " SERIAL PRIMARY KEY, t TEXT)")
    again += [ids("INSERT INTO k (t) VALUES ('a')") for _ in range(2)]
return all, db.transaction(fn), again`,
			`([(2, 2), (1, 1), (0, None), (5, 7), (1, None), (1, None), (1, None), (1, None), (7, None), (1, None)], 1, [[(1, 1)], [(1, 2)], [(1, 1)], [(1, 2)]])`},
		{"placeholders", `
return db.query("SELECT :a::int AS a, '? :x' AS b, $$ ? :y $$ AS c, ?::text AS d, :a::int AS e -- ? :z\n, '[1,2]'::jsonb ?? 'x' AS f", "é", a = 2)`,
			`[row(a = 2, b = "? :x", c = " ? :y ", d = "é", e = 2, f = False)]`},
		{"each", `
n = 0
for a in db.each("SELECT x FROM generate_series(1, 1000) x"):
    if a.x % 100 == 0:
        for b in db.each("SELECT y FROM generate_series(1, 3) y"):
            n += b.y * db.value("SELECT 1")
return n`, `60`},
		{"break", `
for r in db.each("SELECT x FROM generate_series(1, 10000000) x"):
    if r.x == 100: break
return r.x, db.value("SELECT 1")`, `(100, 1)`},
		{"transaction", `
db.exec("CREATE TABLE t (x INT UNIQUE)")
def fn(tx):
    tx.exec("INSERT INTO t VALUES (1)")
    e = catch(tx.transaction, lambda p: p.exec("INSERT INTO t VALUES (1)"))[1].kind
    return e, [r.x for r in tx.each("SELECT x FROM t")]
def caught(tx):
    tx.exec("INSERT INTO t VALUES (2)")
    catch(tx.exec, "INSERT INTO t VALUES (1)")
    return catch(tx.value, "SELECT 1")[1].message
return db.transaction(fn), catch(db.transaction, caught)[1].message, db.query("SELECT x FROM t")`,
			`(("unique", [1]), "transaction: unique constraint failed: t.x (t_x_key)", [row(x = 1)])`},
		{"values", `
q = [("bool", True), ("int2", 7), ("int8", 9223372036854775807), ("numeric", 1 << 80), ("numeric", "1.50"), ("float8", 1.5), ("float4", 2), ("text", "é"),
    ("bytea", b"\x00\xff"), ("bytea", b""), ("text", ""), ("int", None), ("json", {"a": [1, None]}), ("jsonb", [1 << 70, 2.5]), ("uuid", "00000000-0000-0000-0000-000000000001"),
    ("int[]", [1, 2, None]), ("text[]", ["a\"b", "c,d", "NULL", "{}"]), ("int[]", []), ("numeric[]", [1 << 70]), ("bool[]", [True, False]), ("inet", "10.0.0.1"), ("date", "2026-01-02"), ("timestamp", "2026-01-02 03:04:05.5"),
    ("timestamptz", "2026-01-02 03:04:05+02"), ("timestamptz", "infinity"), ("interval", "01:00:00.5"), ("interval", "1 day"), ("time", "03:04:05"), ("timestamptz[]", ["2026-01-02 03:04:05+02"])]
return "\n".join([t + " " + str([db.value("SELECT ?::" + t, v)]) for t, v in q])`,
			`"bool [True]\nint2 [7]\nint8 [9223372036854775807]\nnumeric [1208925819614629174706176]\nnumeric [\"1.50\"]\nfloat8 [1.5]\nfloat4 [2.0]\ntext [\"é\"]\nbytea [b\"\\x00\\xff\"]\nbytea [b\"\"]\ntext [\"\"]\nint [None]\njson [{\"a\": [1, None]}]\njsonb [[1180591620717411303424, 2.5]]\nuuid [\"00000000-0000-0000-0000-000000000001\"]\nint[] [[1, 2, None]]\ntext[] [[\"a\\\"b\", \"c,d\", \"NULL\", \"{}\"]]\nint[] [[]]\nnumeric[] [[1180591620717411303424]]\nbool[] [[True, False]]\ninet [\"10.0.0.1\"]\ndate [2026-01-02 00:00:00 +0000 UTC]\ntimestamp [2026-01-02 03:04:05.5 +0000 UTC]\ntimestamptz [2026-01-02 01:04:05 +0000 UTC]\ntimestamptz [\"infinity\"]\ninterval [1h0m0.5s]\ninterval [\"1 day\"]\ntime [\"03:04:05\"]\ntimestamptz[] [[2026-01-02 01:04:05 +0000 UTC]]"`},
		{"any", `
db.exec("CREATE TABLE t (x INT)")
db.exec("INSERT INTO t SELECT generate_series(1, 5)")
return db.value("SELECT sum(x) FROM t WHERE x = ANY(?)", [1, 3, 9]), db.value("SELECT ?::text", [1, "a"])`,
			`(4, "[1,\"a\"]")`},
		{"nested arrays", `return db.value("SELECT '{{1,2},{3,4}}'::int[]"), db.value("SELECT '[2:3]={1,2}'::int[]")`,
			`([[1, 2], [3, 4]], [1, 2])`},
		{"kinds", `
db.exec("CREATE TABLE a (id INTEGER PRIMARY KEY)")
db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE, n TEXT NOT NULL, c INTEGER CONSTRAINT positive CHECK (c > 0), a INTEGER REFERENCES a (id), UNIQUE (n, c))")
db.exec("INSERT INTO t VALUES (1, 'u', 'n', 1, NULL)")
all = []
for q, x in [("INSERT INTO t VALUES (2, ?, 'm', 1, NULL)", "u"), ("INSERT INTO t VALUES (2, 'v', ?, 1, NULL)", None),
    ("INSERT INTO t VALUES (2, 'v', 'm', ?, NULL)", 0), ("INSERT INTO t VALUES (2, 'v', 'm', 1, ?)", 7), ("INSERT INTO t VALUES (?, 'v', 'm', 1, NULL)", 1),
    ("INSERT INTO t VALUES (2, 'v', ?, 1, NULL)", "n"), ("SELEC ?", 1), ("SELECT * FROM nowhere WHERE x = ?", 1), ("SELECT x FROM t WHERE id = ?", 1), ("INSERT INTO t VALUES (?::text::int, 'v', 'm', 1, NULL)", "secret"),
    ("INSERT INTO t VALUES (?, 'v', 'm', 1, NULL)", "secret"), ("SELECT 1 / ?", 0), ("SELECT ?::date", "secret"), ("SELECT ?::int", 1.5)]:
    e = catch(db.exec, q, x)[1]
    if not e: fail(q)
    all.append(e.kind + ": " + e.message)
return "\n".join(all)`, `"unique: exec: unique constraint failed: t.u (t_u_key)
not_null: exec: not null constraint failed: t.n
check: exec: check constraint failed: t: positive
foreign_key: exec: foreign key constraint failed: t.a (t_a_fkey)
unique: exec: unique constraint failed: t.id (t_pkey)
unique: exec: unique constraint failed: t.n, t.c (t_n_c_key)
syntax: exec: syntax error at or near \"SELEC\"
missing: exec: relation \"nowhere\" does not exist
missing: exec: column \"x\" does not exist
data: exec: invalid input syntax for type integer
data: exec: invalid input syntax for type integer
data: exec: division by zero
data: exec: invalid input syntax for type date
data: exec: invalid input syntax for type integer"`},
		{"a table that changes", `
db.exec("CREATE TABLE t (x INT)")
db.exec("INSERT INTO t VALUES (1)")
a = db.query("SELECT * FROM t")
db.exec("ALTER TABLE t ADD y TEXT DEFAULT 'y'")
return a, db.query("SELECT * FROM t")`, `([row(x = 1)], [row(x = 1, y = "y")])`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := strings.ReplaceAll(test.want, "\n", `\n`)
			if got := do(t, app(t, postgresGrant(t), body(test.script))); got != want {
				t.Errorf("it returns\n%s, want\n%s", strings.ReplaceAll(got, `\n`, "\n"), strings.ReplaceAll(want, `\n`, "\n"))
			}
		})
	}
}

// TestPostgresConnection: what a script, or a migration that pg_dump has written, leaves in its
// connection is not there for the next one.
func TestPostgresConnection(t *testing.T) {
	g := postgresGrant(t)
	g.Limits.Connections = 4
	c := config(g, files(map[string]string{
		"app.star": prelude + `
db.migrate("migrations")
def app(statement):
    path = db.value("SELECT current_setting('search_path')")
    changed = [catch(f, statement)[1] for f in (db.query, db.exec, lambda s: db.transaction(lambda tx: tx.one(s)))]
    for _ in db.each(statement): pass
    left = [db.value("SELECT current_setting('search_path')") == path, path != "", db.transaction(lambda tx: tx.value("SELECT current_setting('statement_timeout')"))]
    return [e and e.kind for e in changed], left, len(db.query("SELECT * FROM notes")), catch(db.query, "SELECT * FROM passing")[1].kind
`,
		"migrations/1_dump.sql": "SET statement_timeout = 12345;\nSELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.notes (id integer);\n",
		"migrations/2_more.sql": "INSERT INTO notes VALUES (1);\n",
	}))
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for statement, want := range map[string]string{
		"SELECT set_config('search_path', 'nowhere', false)":     "[None, None, None]",
		"SELECT 1 AS x INTO TEMP passing":                        `[None, None, None]`,
		"SELECT set_config('search_path', 'nowhere', 1 = 0)":     "[None, None, None]",
		"SELECT set_config('statement_timeout', '54321', false)": "[None, None, None]",
	} {
		v, err := p.Do(t.Context(), statement)
		if want := "(" + want + `, [True, True, "0"], 1, "missing")`; err != nil || v.String() != want {
			t.Errorf("%s: it returns %v, %v, want %s", statement, v, err, want)
		}
	}
	for _, lock := range []string{"pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared"} {
		if v, err := p.Do(t.Context(), "SELECT "+lock+"(1)"); err == nil || !strings.Contains(err.Error(), lock+" is not for a script") {
			t.Errorf("%s: it returns %v, %v", lock, v, err)
		}
	}
}
