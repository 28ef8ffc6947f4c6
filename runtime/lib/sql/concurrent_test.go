package sql_test

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
	"go.starlark.net/starlark"
)

// TestWriters has 50 requests write at once, each by itself and in transactions that read first: no
// write is lost, and none fails.
func TestWriters(t *testing.T) {
	both(t, func(t *testing.T, g *sql.Grant) {
		p, err := runtime.Load(config(g, files(counterFiles)), "app.star")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		const writers, each = 50, 4
		var wait sync.WaitGroup
		for i := range writers {
			wait.Go(func() {
				for n := range each {
					if _, err := p.Do(context.Background(), i*each+n); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		check := app(t, g, body(`return db.value("SELECT count(*) FROM counted"), db.value("SELECT n FROM total")`))
		if got, want := do(t, check), fmt.Sprintf("(%d, %d)", writers*each, writers*each); got != want {
			t.Errorf("counted are %s, want %s", got, want)
		}
	})
}

// A bell rings for each line that a script prints.
type bell struct {
	slog.Handler
	rings chan string
}

func (b bell) Enabled(context.Context, slog.Level) bool { return true }

func (b bell) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelInfo {
		b.rings <- r.Message
	}
	return nil
}

// TestCancelled ends requests whose statement would go on for ever: before its first row, after it, in
// a loop, in a transaction, and in the queue of writers. The connection is of use to the next.
func TestCancelled(t *testing.T) {
	const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c WHERE x = 1 OR x < 0"
	tests := []struct{ name, lines string }{
		{"first row", `db.value("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c")`},
		{"second row", `db.query("` + endless + `")`},
		{"many rows", `
for r in db.each("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"): pass`},
		{"loop", `
for r in db.each("` + endless + ` LIMIT 65"): pass`},
		{"transaction", `
def fn(tx):
    tx.exec("INSERT INTO t VALUES (1)")
    tx.query("` + endless + `")
db.transaction(fn)`},
		{"exec", `db.exec("INSERT INTO t ` + endless + `")`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := grant(t)
			script := body(`
if db.value("SELECT count(*) FROM sqlite_schema") == 0:
    db.exec("CREATE TABLE t (x)")
    print("begun")
    ` + strings.ReplaceAll(strings.TrimSpace(test.lines), "\n", "\n    ") + `
return [r.x for r in db.query("SELECT x FROM t")]`)
			rings := make(chan string, 10)
			c := config(g, files(map[string]string{"app.star": script}))
			c.Logger = slog.New(bell{slog.DiscardHandler, rings})
			p, err := runtime.Load(c, "app.star")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				<-rings
				cancel()
			}()
			began := time.Now()
			if _, err := p.Do(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v, want that of the context", err)
			}
			if took := time.Since(began); took > 20*time.Second { // the call's own limit is later
				t.Errorf("it took %v", took)
			}
			if got := do(t, p); got != "[]" {
				t.Errorf("then it returns %s, want []", got)
			}
		})
	}
}

// TestCancelledInQueue ends a request that waits for another one's transaction.
func TestCancelledInQueue(t *testing.T) {
	g := grant(t)
	held, release := make(chan bool), make(chan bool)
	hold := &host.Module{Name: "hold", Doc: "It waits.", Members: []host.Member{{
		Name: "hold", Fn: func() { held <- true; <-release },
	}}}
	c := config(g, files(map[string]string{"app.star": prelude + `
load('@hold', 'hold')
def app(wait):
    db.exec("CREATE TABLE IF NOT EXISTS t (x)")
    if wait:
        db.transaction(lambda tx: hold())
    return db.transaction(lambda tx: tx.exec("INSERT INTO t VALUES (1)").rows)
`}))
	c.Modules = append(c.Modules, hold)
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	first := make(chan error)
	go func() {
		_, err := p.Do(context.Background(), true)
		first <- err
	}()
	<-held
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Do(ctx, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v, want that of the context", err)
	}
	release <- true
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// A refuser has a call end with a wait, though what was waited for is done, after some that pass.
type refuser struct{ pass int }

var errRefused = errors.New("the call must not go on")

// Wait refuses once, after what it is told to let pass.
func (r *refuser) Wait(ctx context.Context, f func(ctx context.Context) error) error {
	if err := f(ctx); err != nil || r.pass > 0 {
		r.pass--
		return err
	}
	return errRefused
}

// TestRefusedWait ends calls with the wait for a statement that has succeeded: what it holds is let
// go of.
func TestRefusedWait(t *testing.T) {
	both(t, func(t *testing.T, g *sql.Grant) {
		p := app(t, g, body(`
return [r for r in db.each("SELECT 1")], db.transaction(lambda tx: tx.value("SELECT 1"))`))
		for pass := range 4 { // each, BEGIN, SELECT 1, COMMIT
			for range 20 { // more than there are connections
				err := p.Call(context.Background(), func(_ context.Context, thread *starlark.Thread, fn starlark.Callable) error {
					host.CallOf(thread).(host.Yielder).Yield(&refuser{pass})
					_, err := starlark.Call(thread, fn, nil, nil)
					return err
				})
				if !errors.Is(err, errRefused) {
					t.Fatalf("the error is %v", err)
				}
			}
		}
		if got := do(t, p); got != "([row(1 = 1)], 1)" && got != "([row(?column? = 1)], 1)" {
			t.Errorf("then it returns %s", got)
		}
	})
}

// TestCancelledPostgres sees that the server ends a statement with its request.
func TestCancelledPostgres(t *testing.T) {
	url := server.Database(t)
	g := &sql.Grant{Databases: map[string]string{"notes": url}}
	defer g.Close()
	db, err := stdsql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	sleeping := func(want int) {
		t.Helper()
		for n := -1; n != want; {
			const q = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(1000)%' AND pid <> pg_backend_pid()"
			if err := db.QueryRowContext(ctx, q).Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, lines := range []string{
		`return db.query("SELECT pg_sleep(1000)")`,
		`return [r for r in db.each("SELECT x, CASE WHEN x > 1 THEN pg_sleep(1000) END FROM generate_series(1, 2) x")]`,
		`return db.transaction(lambda tx: tx.exec("SELECT pg_sleep(1000)"))`,
	} {
		p := app(t, g, body(lines))
		call, cancel := context.WithCancel(ctx)
		done := make(chan error)
		go func() {
			_, err := p.Do(call)
			done <- err
		}()
		sleeping(1)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the error is %v, want that of the context", lines, err)
		}
		sleeping(0)
		if got := do(t, app(t, g, body(`return db.value("SELECT 1")`))); got != "1" {
			t.Errorf("%s: then a query returns %s", lines, got)
		}
	}
}
