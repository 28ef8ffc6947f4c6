package sql_test

import (
	"context"
	stdsql "database/sql"
	"math"
	"path/filepath"
	"testing"

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

// BenchmarkSQLite compares statements of a script with those of database/sql in Go: both have them
// prepared, and a context that can be cancelled.
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
	run := func(b *testing.B, n int, what string) {
		b.ReportAllocs()
		if _, err := p.Do(ctx, n, what); err != nil {
			b.Fatal(err)
		}
	}
	run(b, 0, "fill")
	db, err := stdsql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(1000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	statement := func(b *testing.B, text string) *stdsql.Stmt {
		st, err := db.PrepareContext(ctx, text)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { st.Close() })
		return st
	}
	b.Run("key/go", func(b *testing.B) {
		b.ReportAllocs()
		st := statement(b, "SELECT id, title, views FROM notes WHERE id = ?")
		for i := range b.N {
			var id, views int64
			var title string
			if err := st.QueryRowContext(ctx, i%1000).Scan(&id, &title, &views); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("key/script", func(b *testing.B) { run(b, b.N, "key") })
	b.Run("1000/go", func(b *testing.B) {
		b.ReportAllocs()
		st := statement(b, "SELECT id, title, views FROM notes")
		type note struct {
			id    int64
			title string
			views int64
		}
		for range b.N {
			rows, err := st.QueryContext(ctx)
			if err != nil {
				b.Fatal(err)
			}
			var all []note
			for rows.Next() {
				var n note
				if err := rows.Scan(&n.id, &n.title, &n.views); err != nil {
					b.Fatal(err)
				}
				all = append(all, n)
			}
			if err := rows.Close(); err != nil || len(all) != 1000 {
				b.Fatal(err, len(all))
			}
		}
	})
	b.Run("1000/script", func(b *testing.B) { run(b, b.N, "all") })
	b.Run("1000/each", func(b *testing.B) { run(b, b.N, "each") })
	b.Run("write/go", func(b *testing.B) {
		b.ReportAllocs()
		st := statement(b, "UPDATE notes SET views = views + 1 WHERE id = ?")
		for i := range b.N {
			if _, err := st.ExecContext(ctx, i%1000); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write/script", func(b *testing.B) { run(b, b.N, "write") })
}
