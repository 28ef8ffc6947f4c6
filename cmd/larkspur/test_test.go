package main

import (
	"bytes"
	"context"
	stdsql "database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/runtime/lib/sql/sqltest"
)

// TestApps tests what is below a PATH, by one test of the applications that come with Larkspur: TestClone
// runs them all.
func TestApps(t *testing.T) {
	racetest.Skip(t)
	var out, errs bytes.Buffer
	args := []string{"test", "--run", "^test_mounted_without_a_slash$", "../../apps"}
	if status := run(t.Context(), args, &out, &errs); status != exitOK {
		t.Errorf("status %d\n%s%s", status, &out, &errs)
	}
	for _, want := range []string{"tour_test.star", "ok 1 passed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
}

// TestAppsOnPostgres runs the tests of the applications that are for both databases on PostgreSQL, where
// each has a schema of its own, of which nothing stays.
func TestAppsOnPostgres(t *testing.T) {
	racetest.Skip(t)
	cluster := new(sqltest.Cluster)
	t.Cleanup(cluster.Stop)
	where := cluster.Database(t)
	for name, path := range map[string]string{
		"library": "../../apps/api_test.star", "links": "../../apps/links_test.star", "site": "starter/site",
	} {
		var out, errs bytes.Buffer
		args := []string{"test", "--verbose", "--grant", "sql:" + name + "=" + where, path}
		if status := run(t.Context(), args, &out, &errs); status != exitOK {
			t.Errorf("%s: status %d\n%s%s", name, status, &out, &errs)
		}
	}
	db, err := stdsql.Open("pgx", where)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var tables, schemas int
	err = db.QueryRow(`SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public'),
		(SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'larkspur%')`).Scan(&tables, &schemas)
	if err != nil || tables+schemas > 0 {
		t.Errorf("%d tables and %d schemas are left, %v", tables, schemas, err)
	}
	for line, want := range map[string]string{
		"sql:notes=notes.db": "--grant sql:notes: tests have what stands in for it", "fetch=example.com": "--grant fetch: tests",
		"sqll:x=y": `there is no kind "sqll"`,
	} {
		var out, errs bytes.Buffer
		if status := run(t.Context(), []string{"test", "--grant", line, "starter/site"}, &out, &errs); status != exitUsage ||
			!strings.Contains(errs.String(), want) {
			t.Errorf("%s: status %d, %s", line, status, &errs)
		}
	}
	var out, errs bytes.Buffer
	args := []string{"serve", "--listen", "http://127.0.0.1:0", "--grant", "sql:wiki=" + where, "wiki"}
	if status := run(t.Context(), args, &out, &errs); status == exitOK || !strings.Contains(errs.String(), "the wiki is for SQLite only") {
		t.Errorf("the wiki is served on PostgreSQL with status %d, %s%s", status, &out, &errs)
	}
}

// TestClone runs what the README says, typed where it was cloned: each application in it is tested
// as its own.
func TestClone(t *testing.T) {
	racetest.Skip(t)
	t.Chdir("../..")
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"test"}, &out, &errs); status != exitOK {
		t.Errorf("status %d\n%s%s", status, &out, &errs)
	}
	for _, file := range []string{"apps/tour_test.star", "cmd/larkspur/starter/page/app_test.star"} {
		if !strings.Contains(out.String(), filepath.FromSlash(file)+"\n") {
			t.Errorf("%s did not run:\n%s", file, &out)
		}
	}
}

// TestWatch verifies that a change runs the tests again, and that a file which does not load ends nothing.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	save := func(body string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "x_test.star"), []byte("def test_x():\n    "+body+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	save("pass")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	status := make(chan int, 1)
	go func() { status <- run(ctx, []string{"test", "-watch", dir}, w, io.Discard) }()
	lines := make(chan string, 1000)
	go func() {
		var pending []byte
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			pending = append(pending, buf[:n]...)
			for {
				line, rest, ok := bytes.Cut(pending, []byte("\n"))
				if !ok {
					break
				}
				lines <- string(line)
				pending = bytes.Clone(rest)
			}
			if err != nil {
				return
			}
		}
	}()
	expect := func(want string) {
		t.Helper()
		late := time.After(patience)
		for {
			select {
			case line := <-lines:
				if strings.Contains(line, want) {
					return
				}
			case <-late:
				t.Fatalf("no line has %q", want)
			}
		}
	}
	expect("ok 1 passed")
	expect("waiting for a change")
	save("fail('no')")
	expect("FAIL 0 passed, 1 failed")
	expect("waiting")
	save("= 1")
	expect("it does not load")
	expect("waiting")
	save("return")
	expect("ok 1 passed")
	expect("waiting")
	stop()
	if got := <-status; got != exitOK {
		t.Errorf("status %d", got)
	}
	w.Close()
}
