package sql_test

import (
	"context"
	stdsql "database/sql"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	_ "modernc.org/sqlite"
)

// stock is the program of the benchmarks, with a thousand notes.
const stock = prelude + `
def fill():
    db.exec("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT, views INTEGER)")
    def fn(tx):
        for i in range(1000):
            tx.exec("INSERT INTO notes VALUES (?, ?, ?)", i, "note %d" % i, i * 7)
    db.transaction(fn)

def app(n, what):
    if what == "fill":
        fill()
    for i in range(n):
        if what == "key":
            r = db.one("SELECT id, title, views FROM notes WHERE id = ?", i % 1000)
            r.title, r.views
        elif what == "all":
            for r in db.query("SELECT id, title, views FROM notes"):
                r.title
        elif what == "each":
            for r in db.each("SELECT id, title, views FROM notes"):
                r.title
        elif what == "write":
            db.exec("UPDATE notes SET views = views + 1 WHERE id = ?", i % 1000)
`

// BenchmarkSQLite compares statements of a script with those of database/sql in Go, in turns: both have
// them prepared, and a context that can be cancelled. The best turn of each counts: on a machine that
// does other things it is the one that says most.
func BenchmarkSQLite(b *testing.B) {
	file := filepath.Join(b.TempDir(), "notes.db")
	g := &sql.Grant{Databases: map[string]string{"notes": file}}
	defer g.Close()
	c := config(g, files(map[string]string{"app.star": stock}))
	c.Limits = runtime.Limits{Steps: math.MaxUint64, Time: -1}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := p.Do(ctx, 0, "fill"); err != nil {
		b.Fatal(err)
	}
	db, err := stdsql.Open("sqlite", "file:"+file+
		"?_pragma=busy_timeout(1000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for _, work := range []struct {
		name, statement string
		turn            int // how often it is done in one
		in              func(st *stdsql.Stmt, i int) error
	}{
		{"key", "SELECT id, title, views FROM notes WHERE id = ?", 50, func(st *stdsql.Stmt, i int) error {
			var n note
			return st.QueryRowContext(ctx, i%1000).Scan(&n.id, &n.title, &n.views)
		}},
		{"all", "SELECT id, title, views FROM notes", 2, func(st *stdsql.Stmt, _ int) error {
			rows, err := st.QueryContext(ctx)
			if err != nil {
				return err
			}
			var all []note
			for rows.Next() {
				var n note
				if err := rows.Scan(&n.id, &n.title, &n.views); err != nil {
					return err
				}
				all = append(all, n)
			}
			if len(all) == 0 {
				return stdsql.ErrNoRows
			}
			return rows.Close()
		}},
		{"each", "SELECT id, title, views FROM notes", 2, func(st *stdsql.Stmt, _ int) error {
			rows, err := st.QueryContext(ctx)
			if err != nil {
				return err
			}
			for rows.Next() {
				var n note
				if err := rows.Scan(&n.id, &n.title, &n.views); err != nil {
					return err
				}
			}
			return rows.Close()
		}},
		{"write", "UPDATE notes SET views = views + 1 WHERE id = ?", 2, func(st *stdsql.Stmt, i int) error {
			_, err := st.ExecContext(ctx, i%1000)
			return err
		}},
	} {
		b.Run(work.name, func(b *testing.B) {
			st, err := db.PrepareContext(ctx, work.statement)
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			inGo, script := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
			for range b.N {
				began := time.Now()
				for i := range work.turn {
					if err := work.in(st, i); err != nil {
						b.Fatal(err)
					}
				}
				between := time.Now()
				if _, err := p.Do(ctx, work.turn, work.name); err != nil {
					b.Fatal(err)
				}
				inGo, script = min(inGo, between.Sub(began)), min(script, time.Since(between))
			}
			b.ReportMetric(0, "ns/op") // of both together it says nothing
			b.ReportMetric(float64(inGo.Nanoseconds())/float64(work.turn), "go-ns")
			b.ReportMetric(float64(script.Nanoseconds())/float64(work.turn), "script-ns")
			b.ReportMetric(float64(script)/float64(inGo), "ratio")
		})
	}
}

// A note is a row of the benchmarks.
type note struct {
	id    int64
	title string
	views int64
}
