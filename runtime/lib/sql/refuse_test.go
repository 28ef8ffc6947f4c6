package sql_test

import (
	"net/http"
	"os"
	"path/filepath"
	gort "runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
)

// TestUsage has statements and values that are refused without asking the database.
func TestUsage(t *testing.T) {
	tests := []struct{ call, kind, want string }{
		{`db.query("SELECT ?")`, "usage", "the statement has 1 placeholder (?), and 0 values were passed"},
		{`db.query("SELECT ?, ?", 1, 2, 3)`, "usage", "the statement has 2 placeholders (?), and 3 values were passed"},
		{`db.query("SELECT 1", 1)`, "usage", "the statement has 0 placeholders (?), and 1 value was passed"},
		{`db.query("SELECT :a, :b", a = 1)`, "usage", "nothing is passed for :b; the statement has 2 named placeholders and got 1 value by name"},
		{`db.query("SELECT :a", a = 1, c = 1)`, "usage", "there is no :c in the statement, which has 1 named placeholder and got 2 values by name"},
		{`db.query("SELECT '?'", 1)`, "usage", "'?' is a string, and no placeholder: write ? without quotes"},
		{`db.query("SELECT 1 WHERE 'a' LIKE '%?%'", "a")`, "usage", `'%?%' is a string, and no placeholder: write ? without quotes, and pass "%" + x + "%"`},
		{`db.query("SELECT ':a'", a = 1)`, "usage", "':a' is a string, and no placeholder: write :a without quotes"},
		{`db.query("SELECT '%s'", 1)`, "usage", "'%s' is a string, and no placeholder: write ? without quotes"},
		{`db.query("SELECT %s", 1)`, "usage", "%s is no placeholder here: write ? for a value that is passed by position"},
		{`db.query("SELECT %(a)s", a = 1)`, "usage", "%(a)s is no placeholder here"},
		{`db.query("SELECT '12:30', 'a?b', '?'", 1)`, "usage", "'?' is a string"},
		{`db.query("SELECT '12:30', 'a?b'", 1)`, "usage", "the statement has 0 placeholders"},
		{`db.query("SELECT :a", {"a": 1})`, "usage", "the value of :a is passed by name: write a = x behind the statement, or ** before the dict"},
		{`db.query("SELECT :a", 1)`, "usage", "the value of :a is passed by name: write a = x behind the statement"},
		{`db.query("SELECT 1 WHERE 1 IN (?, ?)", [1, 2])`, "usage", "the statement has 2 placeholders (?), and a list of 2 was passed as one value: write * before it, as in query(sql, *values)"},
		{`db.query("SELECT ?, ?", (1, 2))`, "usage", "a tuple of 2 was passed as one value: write * before it"},
		{`db.query("SELECT 1 WHERE 1 IN (?, ?)", 1, [1, 2])`, "usage", "a ? of IN (?) is one value, and got a list of 2"},
		{`db.query("SELECT 1 WHERE 1 IN (SELECT 1 WHERE ? = '[]')", [])`, "", ""},
		{`db.query("SELECT ?1", 1)`, "usage", "?1 is no placeholder here"},
		{`db.query("SELECT $a", a = 1)`, "usage", "$a is no placeholder here"},
		{`db.query("SELECT @a", a = 1)`, "usage", "@a is no placeholder here"},
		{`db.query("SELECT 1 ?? 2")`, "usage", "?? is a ? of PostgreSQL's operators"},
		{`db.query("SELECT 1 WHERE 1 IN (?)", [1, 2])`, "usage", `a ? of IN (?) is one value, and got a list of 2: write "IN (" + ", ".join(["?"] * len(x)) + ")" and pass *x`},
		{`db.query("SELECT 1; SELECT 2")`, "usage", "there is a second statement behind the ;"},
		{`db.query("SELECT 1; -- one")`, "", ""},
		{`db.query("  ")`, "usage", "there is no statement in the text"},
		{`db.query("-- SELECT 1")`, "usage", "there is no statement in the text"},
		{`db.query("SELECT 1\x00")`, "usage", "there is a byte 0 in the statement"},
		{`db.query(1)`, "error", "the statement is a int, not a string"},
		{`db.query()`, "error", "there is no statement"},
		{`db.exec("BEGIN")`, "usage", "BEGIN is not for a script: transactions are db.transaction(fn)"},
		{`db.exec("/**/ commit")`, "usage", "COMMIT is not for a script"},
		{`db.exec("SAVEPOINT x")`, "usage", "SAVEPOINT is not for a script"},
		{`db.query("SELECT ?", 1 << 64)`, "usage", "the value of placeholder 1: an int of 65 bits does not fit an INTEGER"},
		{`db.query("SELECT :x", x = len)`, "usage", "the value of :x: a builtin_function_or_method cannot be passed"},
		{`db.each("DELETE FROM t")`, "usage", "each() is for a statement that only reads"},
		{`db.query("SELECT '" + "x" * 200 + "'")`, "limit", "the statement has more than 200 bytes"},
		{`db.query("SELECT ?", "x" * 100000)`, "limit", "the values that are passed have more than 50000 bytes"},
		{`db.query("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c")`, "limit", "there are more than 50 rows: use db.each(...), or LIMIT"},
		{`db.query("SELECT zeroblob(60000)")`, "limit", "a value, or a row, has more bytes than a result may have"},
		{`db.query("SELECT zeroblob(30000), zeroblob(30000)")`, "limit", "the rows have more than 50000 bytes"},
		{`db.value("SELECT length(hex(?))", "x" * 40000)`, "limit", "a value, or a row, has more bytes than a result may have"},
		{`list(db.each("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100) SELECT x FROM c"))`, "", ""},
		{`db.value("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c")`, "timeout", "the statement took longer than 200ms"},
		{`database("other")`, "denied", `the database "other" is not granted; granted is notes; grant sql:other=FILE`},
		{`database("../x")`, "usage", `"../x" is no name of a database`},
	}
	g := grant(t)
	g.Limits = sql.Limits{Rows: 50, Bytes: 50_000, Statement: 200}
	slow := grant(t)
	slow.Limits.Time = 200 * time.Millisecond
	for _, test := range tests {
		g := g
		if test.kind == "timeout" {
			g = slow
		}
		script := body("e = catch(lambda: " + test.call + ")[1]\nreturn e and (e.kind + \" \" + e.message)")
		got := do(t, app(t, g, script))
		if test.kind == "" && got != "None" {
			t.Errorf("%s returns %s, want no error", test.call, got)
		}
		_, message, _ := strings.Cut(got, " ")
		if test.kind != "" && (!strings.HasPrefix(got, `"`+test.kind+" ") || !strings.Contains(strings.ReplaceAll(message, `\"`, `"`), test.want)) {
			t.Errorf("%s returns %s, want %s %s", test.call, got, test.kind, test.want)
		}
	}
}

// TestHuge asks for a value that is far larger than a result may be: it is refused before it is held,
// and the database goes on.
func TestHuge(t *testing.T) {
	both(t, func(t *testing.T, g *sql.Grant) {
		g.Limits.Bytes = 50_000
		p := app(t, g, body(`
statement = "SELECT printf('%.*c', 60000000, 'x')" if db.kind == "sqlite" else "SELECT repeat(repeat('x', 1000), 60000)"
kinds = [catch(f, statement)[1].kind for f in (db.query, db.one, db.value)]
kinds.append(catch(db.transaction, lambda tx: tx.query(statement))[1].kind)
return kinds, len(db.value("SELECT " + ("hex(zeroblob(20000))" if db.kind == "sqlite" else "repeat('x', 40000)")))`))
		var before, after gort.MemStats
		gort.ReadMemStats(&before)
		got := do(t, p)
		gort.ReadMemStats(&after)
		if want := `(["limit", "limit", "limit", "limit"], 40000)`; got != want {
			t.Errorf("it returns %s, want %s", got, want)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 40<<20 {
			t.Errorf("%d MiB were taken", n>>20)
		}
	})
}

// TestInjections passes texts that would do harm if they came into the statement, as values: they come
// back as they are, and nothing else happens.
func TestInjections(t *testing.T) {
	attempts := []string{
		`'; DROP TABLE notes; --`, `' OR '1'='1`, `" OR ""="`, `\'; DROP TABLE notes; --`, `1; DROP TABLE notes`,
		`') ; DELETE FROM notes; SELECT ('`, `$$; DROP TABLE notes; $$`, `/* */ ? :name -- `, `?`, `:title`, `$1`,
		`%27%20OR%201=1`, "\u02bc OR 1=1", "\xbf' OR 1=1 --", `E'\''`, `*/ DROP TABLE notes; /*`, `NULL`, "a\nb; DROP TABLE notes",
		`\x27 OR 1=1`, `'||(SELECT title FROM notes)||'`, `0x27`, `{"a": "'"}`, `admin'--`,
		"a\x00' OR 1=1 --", "\x00", "\xc0\xa7 OR 1=1", "\xed\xa0\x80'", "\uff07 OR 1=1", "\u2019 OR 1=1", `' UNION SELECT title FROM notes --`,
		`'; SELECT pg_sleep(100); --`, `' AND randomblob(1000000000) --`, `';ATTACH 'x' AS y;--`, `\' OR 1=1 --`, `U&'\0027'`, "'\r\n; COMMIT; --",
		`%' AND title LIKE '%`, `' || char(39) || '`, `1' ORDER BY 1 --`, `'/**/OR/**/1=1`, `"; DROP TABLE notes; --`, "`; DROP TABLE notes; --", `]; DROP TABLE notes; --`,
	}
	both(t, func(t *testing.T, g *sql.Grant) {
		script := prelude + `
def app(text):
    db.exec("CREATE TABLE IF NOT EXISTS notes (title TEXT)")
    db.exec("DELETE FROM notes")
    db.exec("INSERT INTO notes VALUES ('secret')")
    db.exec("INSERT INTO notes VALUES (?)", text)
    found = db.query("SELECT title FROM notes WHERE title = :title", title = text)
    changed = db.exec("UPDATE notes SET title = :to WHERE title = :title", to = "done", title = text).rows
    return found[0].title == text, len(found), changed, db.value("SELECT count(*) FROM notes"), db.value("SELECT count(*) FROM notes WHERE title = 'secret'")
`
		p := app(t, g, script)
		for _, text := range attempts {
			v, err := p.Do(t.Context(), text)
			if (!utf8.ValidString(text) || strings.Contains(text, "\x00")) && strings.HasPrefix(g.Databases["notes"], "postgres:") {
				if host.KindOf(err) != sql.KindData || host.StatusOf(err) != http.StatusBadRequest {
					t.Errorf("%q: it returns %v, want a bad request", text, err)
				}
				continue // PostgreSQL has no text that is not UTF-8, or has a byte 0
			}
			if err != nil || v.String() != "(True, 1, 1, 2, 1)" {
				t.Errorf("%q: it returns %v, %v", text, v, err)
			}
		}
	})
}

// TestConfined has statements that would reach out of the database, or change the connection for
// others.
func TestConfined(t *testing.T) {
	g := grant(t)
	dir := filepath.Dir(g.Databases["notes"])
	for _, statement := range []string{
		"ATTACH DATABASE 'DIR/other.db' AS other", "VACUUM INTO 'DIR/other.db'", "EXPLAIN ATTACH 'DIR/other.db' AS x",
		"PRAGMA journal_mode = DELETE", "PRAGMA synchronous = OFF", "PRAGMA foreign_keys = OFF", "PRAGMA query_only = 1",
		"PRAGMA writable_schema = 1", "PRAGMA temp_store_directory = 'DIR'", "SELECT load_extension('x')", "PRAGMA locking_mode = EXCLUSIVE",
		"\ufeffATTACH DATABASE 'DIR/other.db' AS other", "SELECT * FROM pragma_database_list",
	} {
		got := do(t, app(t, g, body(`return catch(db.exec, "`+strings.ReplaceAll(statement, "DIR", dir)+`")[1].kind`)))
		if got != `"denied"` && got != `"usage"` && !strings.Contains(statement, "load_extension") {
			t.Errorf("%s: it returns %s, want denied", statement, got)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "other.db")); err == nil {
		t.Error("there is a file more")
	}
	if got := do(t, app(t, g, body(`
db.exec("CREATE TABLE t (x)")
db.exec("VACUUM")
return [r.name for r in db.query("PRAGMA table_info(t)")], db.value("SELECT count(*) FROM pragma_table_info('t')"), db.exec("PRAGMA user_version = 7").rows, db.value("PRAGMA user_version")`))); got != `(["x"], 1, 0, 7)` {
		t.Errorf("what is allowed returns %s", got)
	}
}

// TestFull fills a database up: the error says so, what was there before stays, and what did not fit
// is not there in part.
func TestFull(t *testing.T) {
	g := grant(t)
	g.Databases["notes"] += "?_pragma=max_page_count(60)"
	got := do(t, app(t, g, body(`
db.exec("CREATE TABLE t (x)")
kinds = []
for i in range(100):
    e = catch(db.exec, "INSERT INTO t VALUES (?)", "x" * 10000)[1]
    if e:
        kinds.append((e.kind, e.message, e.status))
        break
n = db.value("SELECT count(*) FROM t")
def fn(tx):
    tx.exec("DELETE FROM t WHERE rowid = 1")
    e = catch(tx.exec, "INSERT INTO t VALUES (?)", "x" * 1000000)[1]
    kinds.append(e.kind)
    kinds.append(catch(tx.exec, "INSERT INTO t VALUES (1)")[1].kind)
kinds.append(catch(db.transaction, fn)[1].kind)
return kinds, n == i, n > 5, db.value("SELECT count(*) FROM t") == n, db.value("SELECT sum(length(x)) FROM t") == n * 10000, db.value("PRAGMA integrity_check")`)))
	const want = `([("full", "exec: the database or the disk is full", 503), "full", "usage", "full"], True, True, True, True, "ok")`
	if got != want {
		t.Errorf("it returns\n%s, want\n%s", got, want)
	}
}

// TestRefused has grants that grant nothing, or nothing that can be opened.
func TestRefused(t *testing.T) {
	closed := grant(t)
	closed.Close()
	advising := &sql.Grant{Advice: func(name string) string { return "say --data DIR, or grant " + name }}
	for _, test := range []struct {
		grant any
		want  string
	}{
		{nil, `app.star:2:14: database: the database "notes" is not granted; grant sql:notes=FILE`},
		{new(sql.Grant), `app.star:2:14: database: the database "notes" is not granted; grant sql:notes=FILE`},
		{advising, `the database "notes" is not granted; say --data DIR, or grant notes`},
		{"x", "the grant is a string, not a *sql.Grant"},
		{(*sql.Grant)(nil), "the grant is a nil *sql.Grant"},
		{closed, "the database is closed"},
		{&sql.Grant{Databases: map[string]string{"notes": "postgres://u:hidden@/%zz"}}, "read URL of PostgreSQL"},
	} {
		_, err := runtime.Load(config(test.grant, files(map[string]string{"app.star": prelude + "def app(): pass"})), "app.star")
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("the error is %v, want %s", err, test.want)
		}
	}
	for url, want := range map[string]string{
		filepath.Join(t.TempDir(), "no", "such.db"):           `"connection"`,
		"postgres://u:hidden@127.0.0.1:1/x?connect_timeout=5": `"connection"`,
	} {
		g := &sql.Grant{Databases: map[string]string{"notes": url}}
		if got := do(t, app(t, g, body(`
e = catch(db.query, "SELECT 1")[1]
return e.kind if "hidden" not in e.message else e.message`))); got != want {
			t.Errorf("%s: it returns %s, want %s", url, got, want)
		}
		g.Close()
	}
}
