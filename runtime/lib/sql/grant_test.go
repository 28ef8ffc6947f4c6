package sql_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	"go.starlark.net/starlark"
)

// TestTrial gives each load of a program databases of its own, and leaves those of the grant alone.
func TestTrial(t *testing.T) {
	for _, g := range []*sql.Grant{grant(t), {Databases: map[string]string{"notes": "postgres://localhost:1/x"}}, {Dir: filepath.Join(t.TempDir(), "data")}} {
		trial, err := g.Trial(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		tree := files(map[string]string{
			"app.star":            "load('@sql', 'database')\ndb = database('notes')\ndb.migrate('migrations')\ndef app():\n    db.exec('INSERT INTO t VALUES (1)')\n    return db.value('SELECT count(*) FROM t')\n",
			"migrations/01_t.sql": "CREATE TABLE t (x INTEGER)",
		})
		for range 2 {
			p, err := runtime.Load(config(trial.Grant, tree), "app.star")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"1", "2"} {
				if got := do(t, p); got != want {
					t.Errorf("it returns %s, want %s", got, want)
				}
			}
			p.Close()
		}
		var wait sync.WaitGroup
		p, err := runtime.Load(config(trial.Grant, tree), "app.star")
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			wait.Go(func() { do(t, p) })
		}
		wait.Wait()
		if got := do(t, p); got != "11" {
			t.Errorf("eleven calls at once make %s", got)
		}
		p.Close()
	}
	g := &sql.Grant{Databases: map[string]string{"notes": "x.db"}}
	trial, err := g.Trial("")
	if err != nil {
		t.Fatal(err)
	}
	_, err = runtime.Load(config(trial.Grant, files(map[string]string{"app.star": "load('@sql', 'database')\ndatabase('other')\ndef app(): pass"})), "app.star")
	if err == nil || !strings.Contains(err.Error(), "is not granted") {
		t.Errorf("a test has a database that is not granted: %v", err)
	}
}

// TestTrialSchemas gives each load of a program a schema of its own on the server that is granted, of which
// nothing stays, and which sees nothing of what is in the database.
func TestTrialSchemas(t *testing.T) {
	g := postgresGrant(t)
	g.Schemas = true
	do(t, app(t, g, body(`db.exec("CREATE TABLE theirs (x INTEGER)")`)))
	trial, err := g.Trial("")
	if err != nil {
		t.Fatal(err)
	}
	tree := files(map[string]string{
		"app.star":            prelude + "db.migrate('migrations')\ndef app():\n    db.exec('INSERT INTO t VALUES (1)')\n    return db.kind, db.value('SELECT count(*) FROM t'), catch(db.query, 'SELECT * FROM theirs')[1].kind\n",
		"migrations/01_t.sql": "CREATE TABLE t (x INTEGER)",
	})
	for range 2 {
		p, err := runtime.Load(config(trial.Grant, tree), "app.star")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`("postgres", 1, "missing")`, `("postgres", 2, "missing")`} {
			if got := do(t, p); got != want {
				t.Errorf("it returns %s, want %s", got, want)
			}
		}
		p.Close()
	}
	left := "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'larkspur%' UNION ALL SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	if got := do(t, app(t, g, body(`return db.query("`+left+`")`))); got != `[row(nspname = "theirs")]` {
		t.Errorf("left are %s", got)
	}
}

// TestDir has databases in a directory, by their names.
func TestDir(t *testing.T) {
	g := &sql.Grant{Dir: filepath.Join(t.TempDir(), "a?b", "data")}
	defer g.Close()
	if got := fmt.Sprint(g.Names()); got != "[]" {
		t.Errorf("the names are %s", got)
	}
	if got := do(t, app(t, g, body(`
db.exec("CREATE TABLE t (x)")
return database("other-1").exec("CREATE TABLE u (x)").rows, db.kind, db.name`))); got != `(0, "sqlite", "notes")` {
		t.Error(got)
	}
	if got := fmt.Sprint(g.Names()); got != "[notes other-1]" {
		t.Errorf("the names are %s", got)
	}
}

// TestLook looks at databases, as a prompt and the inspector do.
func TestLook(t *testing.T) {
	both(t, func(t *testing.T, g *sql.Grant) {
		d, err := g.Open("notes")
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		run := func(statement string, values ...starlark.Value) string {
			t.Helper()
			a, err := d.Run(ctx, statement, values)
			if err != nil {
				return "error: " + err.Error()
			}
			return fmt.Sprint(a.Columns, a.Rows, a.Changed, a.More)
		}
		const quoted = `"odd ""name"" ; x"`
		for _, s := range []struct{ statement, want string }{
			{"CREATE TABLE " + quoted + " (id INTEGER PRIMARY KEY, title TEXT NOT NULL DEFAULT 'x')", "[] [] 0 false"},
			{"INSERT INTO " + quoted + " (id) VALUES (1), (2), (3)", "[] [] 3 false"},
			{"UPDATE " + quoted + " SET title = 'y' WHERE id = 2 RETURNING id", "[id] [[2]] 1 false"},
			{"CREATE VIEW v AS SELECT 1 AS one", "[] [] 0 false"},
			{"CREATE INDEX i ON " + quoted + " (title)", "[] [] 0 false"},
			{"SELECT * FROM v", "[one] [[1]] 0 false"},
			{"CREATE TABLE days (day DATE, at TIMESTAMP)", "[] [] 0 false"},
			{"INSERT INTO days VALUES ('2026-11-27', '2026-11-27 00:00:00'), (NULL, NULL)", "[] [] 2 false"},
			{"SELECT day, at FROM days", `[day at] [["2026-11-27" 2026-11-27 00:00:00 +0000 UTC] [None None]] 0 false`},
			{"DROP TABLE days", "[] [] 0 false"},
			{"DELETE", "error"},
		} {
			if got := run(s.statement); got != s.want && (s.want != "error" || !strings.Contains(got, "syntax error") && !strings.Contains(got, "incomplete input")) {
				t.Errorf("%s: %s, want %s", s.statement, got, s.want)
			}
		}
		tables, err := d.Tables(ctx)
		if got, want := fmt.Sprint(tables, err), `[{odd "name" ; x false} {v true}] <nil>`; got != want {
			t.Errorf("the tables are %s, want %s", got, want)
		}
		s, err := d.Schema(ctx, `odd "name" ; x`)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ToUpper(fmt.Sprint(s.Columns)); !strings.HasPrefix(got, "[{ID INTEGER ") || !strings.Contains(got, " TRUE } {TITLE TEXT TRUE FALSE 'X'") || len(s.SQL) == 0 {
			t.Errorf("the schema is %s, %q", got, s.SQL)
		}
		a, err := d.Rows(ctx, `odd "name" ; x`, 2, 1)
		if err != nil || len(a.Rows) != 2 || a.More || fmt.Sprint(a.Columns) != "[id title]" {
			t.Errorf("the rows are %v, %v", a, err)
		}
		if a, err = d.Rows(ctx, `odd "name" ; x`, 2, 0); err != nil || len(a.Rows) != 2 || !a.More {
			t.Errorf("the rows are %v, %v", a, err)
		}
		if _, err = d.Rows(ctx, `x"; DROP TABLE v; --`, 2, 0); host.KindOf(err) != sql.KindMissing {
			t.Errorf("the error is %v", err)
		}
	})
}

// An observer is told of what is done for a call.
type observer struct {
	mu   sync.Mutex
	work []host.Work
}

func (o *observer) Observe(w host.Work) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.work = append(o.work, w)
}

func (o *observer) Wait(ctx context.Context, f func(ctx context.Context) error) error { return f(ctx) }

// TestObserved sees that each statement is told of, in the log and to who observes the call, without
// its values.
func TestObserved(t *testing.T) {
	var log bytes.Buffer
	g := grant(t)
	c := config(g, files(map[string]string{"app.star": body(`
db.exec("CREATE TABLE t (x UNIQUE)")
def fn(tx):
    tx.exec("INSERT INTO t VALUES (?), (?)", "secret", "other")
db.transaction(fn)
catch(db.exec, "INSERT INTO t VALUES (?)", "secret")
for r in db.each("SELECT x FROM t"): pass
return db.query("SELECT x FROM t")`)}))
	c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	o := new(observer)
	err = p.Call(context.Background(), func(_ context.Context, thread *starlark.Thread, fn starlark.Callable) error {
		host.CallOf(thread).(host.Yielder).Yield(o)
		_, err := starlark.Call(thread, fn, nil, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range o.work {
		if w.Kind != "sql" || w.Unit != "rows" || w.Began.IsZero() || w.Took <= 0 {
			t.Errorf("the work is %+v", w)
		}
		got = append(got, fmt.Sprint(w.Text, " ", w.Count, " ", w.Err))
	}
	want := []string{
		"CREATE TABLE t (x UNIQUE) 0 <nil>", "BEGIN 0 <nil>", "INSERT INTO t VALUES (?), (?) 2 <nil>", "COMMIT 0 <nil>",
		"INSERT INTO t VALUES (?) 0 unique constraint failed: t.x", "SELECT x FROM t 2 <nil>", "SELECT x FROM t 2 <nil>",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("observed is\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the log has a value that was passed:\n%s", &log)
	}
}

// TestHoldAndWait has more requests in loops and transactions than there are connections, each of which
// needs another one to go on.
func TestHoldAndWait(t *testing.T) {
	both(t, func(t *testing.T, g *sql.Grant) {
		g.Limits.Connections = 4
		p := app(t, g, body(`
db.exec("CREATE TABLE IF NOT EXISTS t (x INTEGER)")
n = 0
for a in db.each("SELECT 1 AS x UNION ALL SELECT 2"):
    for b in db.each("SELECT 1 AS x UNION ALL SELECT 2"):
        n += db.value("SELECT 1")
    n += db.transaction(lambda tx: tx.exec("INSERT INTO t VALUES (?)", a.x).rows)
    n += len([r for r in db.each("SELECT 1")])
return n`))
		do(t, p)
		var wait sync.WaitGroup
		for range 40 {
			wait.Go(func() {
				if got := do(t, p); got != "8" {
					t.Errorf("it returns %s, want 8", got)
				}
			})
		}
		wait.Wait()
	})
}
