package sql_test

import (
	"bytes"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
)

const migrating = prelude + "db.migrate('migrations')\ndef app():\n    return db.query('SELECT * FROM notes ORDER BY 1')\n"

// TestMigrate loads one program after the other on one database, each with the files of those before
// and its own: a file that is empty is taken away.
func TestMigrate(t *testing.T) {
	type step struct {
		files     map[string]string
		want, err string
	}
	const notes = "-- it's a comment; with a semicolon\nCREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL);\nINSERT INTO notes VALUES (1, 'a;b''c');\n"
	both(t, func(t *testing.T, g *sql.Grant) {
		tree := map[string]string{"app.star": migrating}
		for i, s := range []step{
			{map[string]string{"migrations/001_notes.sql": notes}, `[row(id = 1, title = "a;b'c")]`, ""},
			{nil, `[row(id = 1, title = "a;b'c")]`, ""},
			{
				map[string]string{"migrations/010_more.sql": "INSERT INTO notes VALUES (10, 'x');\n\nINSERT INTO nowhere VALUES (1)"},
				"", "migrations/010_more.sql:3: ",
			},
			{
				map[string]string{"migrations/010_more.sql": "INSERT INTO notes VALUES (10, 'x');\r\n"},
				`[row(id = 1, title = "a;b'c"), row(id = 10, title = "x")]`, "",
			},
			{map[string]string{"migrations/010_more.sql": "INSERT INTO notes VALUES (10, 'x');\n"},
				`[row(id = 1, title = "a;b'c"), row(id = 10, title = "x")]`, ""},
			{
				map[string]string{"migrations/005_late.sql": "INSERT INTO notes VALUES (5, 'x');"},
				"", "migrations/005_late.sql: it comes before 010_more.sql, which was run already: give it a higher number",
			},
			{
				map[string]string{"migrations/005_late.sql": "", "migrations/001_notes.sql": notes + "-- more"},
				"", "migrations/001_notes.sql: it is not what was run",
			},
			{
				map[string]string{"migrations/001_notes.sql": "", "migrations/001_other.sql": "SELECT 1"},
				"", "migrations/001_other.sql: its number is that of 001_notes.sql, which was run already: give it a higher number",
			},
			{
				map[string]string{"migrations/001_other.sql": ""},
				"", "migrations/001_notes.sql: it was run, and is not there any more: put it back, and undo what it did in a new file",
			},
			{
				map[string]string{"migrations/002_notes.sql": notes},
				"", "migrations/001_notes.sql: it was run, and is called 002_notes.sql now: give it back its name",
			},
		} {
			maps.Copy(tree, s.files)
			maps.DeleteFunc(tree, func(_, text string) bool { return text == "" })
			p, err := runtime.Load(config(g, files(tree)), "app.star")
			switch {
			case s.err != "" && (err == nil || !strings.HasPrefix(err.Error(), s.err)):
				t.Errorf("step %d: the error is %v, want %s", i, err, s.err)
			case s.err != "":
				if d := runtime.Diagnose("app.star", err); len(d) != 1 || !strings.HasPrefix(d[0].File, "migrations/") || host.KindOf(err) != "migration" {
					t.Errorf("step %d: the diagnostics are %v, the kind %s", i, d, host.KindOf(err))
				}
			case err != nil:
				t.Errorf("step %d: %v", i, err)
			default:
				if got := do(t, p); got != s.want {
					t.Errorf("step %d: it returns %s, want %s", i, got, s.want)
				}
				p.Close()
			}
		}
	})
}

// TestMigrateWarns has what was run under another name, and by a newer version of the program: it loads,
// and the log says so.
func TestMigrateWarns(t *testing.T) {
	both(t, func(t *testing.T, g *sql.Grant) {
		load := func(named map[string]string) string {
			t.Helper()
			named["app.star"] = migrating
			var log bytes.Buffer
			c := config(g, files(named))
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			p, err := runtime.Load(c, "app.star")
			if err != nil {
				t.Fatal(err)
			}
			p.Close()
			return log.String()
		}
		const a, b = "CREATE TABLE notes (id INTEGER)", "INSERT INTO notes VALUES (1)"
		if got := load(map[string]string{"migrations/1_a.sql": a, "migrations/2_b.sql": b}); got != "" {
			t.Errorf("at first it says %s", got)
		}
		got := load(map[string]string{"migrations/1_other.sql": a})
		for _, want := range []string{
			`msg="sql: a migration has another name than when it was run" database=notes migration=1_a.sql now=migrations/1_other.sql`,
			`msg="sql: a migration was run that this version of the program does not have" database=notes migration=2_b.sql`,
		} {
			if !strings.Contains(got, want) {
				t.Errorf("it says %s, want %s", got, want)
			}
		}
	})
}

// TestMigrateRenew says how to begin anew where a database may be thrown away, and nowhere else.
func TestMigrateRenew(t *testing.T) {
	dir := t.TempDir()
	g := &sql.Grant{
		Dir: dir, Databases: map[string]string{"listed": filepath.Join(dir, "listed.db")},
		Renew: func(name string) string { return "delete " + name },
	}
	defer g.Close()
	for name, want := range map[string]string{"notes": "; or, to begin anew, delete notes", "listed": "a new file"} {
		load := func(text string) error {
			p, err := runtime.Load(config(g, files(map[string]string{
				"app.star": strings.Replace(migrating, "notes", name, 1), "migrations/1_a.sql": text,
			})), "app.star")
			if err == nil {
				p.Close()
			}
			return err
		}
		if err := load("CREATE TABLE notes (id)"); err != nil {
			t.Fatal(err)
		}
		if err := load("CREATE TABLE notes (id, title)"); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %s", name, err, want)
		}
	}
}

// TestMigrateRefuses has files that are wrong, which a check sees, too.
func TestMigrateRefuses(t *testing.T) {
	tests := []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{"other/001_a.sql": "SELECT 1"}, `app.star:3:11: migrate: there is no directory "migrations"`},
		{map[string]string{"migrations/README.md": "x"}, `app.star:3:11: migrate: no file in "migrations" ends in .sql`},
		{map[string]string{"migrations/a.sql": "SELECT 1"}, "migrations/a.sql: a migration is named NUMBER_NAME.sql"},
		{map[string]string{"migrations/1_a.sql": "SELECT 1", "migrations/01_b.sql": "SELECT 1"}, "migrations/1_a.sql: its number is that of migrations/01_b.sql"},
		{map[string]string{"migrations/1_a.sql": "-- nothing\n;"}, "migrations/1_a.sql: there is no statement in it"},
		{map[string]string{"migrations/1_a.sql": "SELECT 1;\nBEGIN;"}, "migrations/1_a.sql:2: BEGIN: each file is a transaction already"},
		{map[string]string{"migrations/1_a.sql": "/* x */ attach 'x' as y"}, "migrations/1_a.sql:1: ATTACH is not for a migration"},
	}
	for _, test := range tests {
		g := grant(t)
		tree := maps.Clone(test.files)
		tree["app.star"] = migrating
		if _, err := runtime.Load(config(g, files(tree)), "app.star"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: the error is %v, want %s", test.files, err, test.want)
		}
		untouched(t, g)
		found := runtime.Check(config(g, files(tree)), "app.star")
		if len(found) == 0 {
			t.Errorf("%v: a check finds nothing", test.files)
		}
	}
}

// untouched sees that no database was made.
func untouched(t *testing.T, g *sql.Grant) {
	t.Helper()
	if found, _ := filepath.Glob(filepath.Join(filepath.Dir(g.Databases["notes"]), "*")); len(found) > 0 {
		t.Errorf("there is %v", found)
	}
}

// TestLoadTouchesNothing sees that a program is checked, parsed, and fails to load without a database.
func TestLoadTouchesNothing(t *testing.T) {
	g := grant(t)
	good := map[string]string{"app.star": migrating, "migrations/1_a.sql": "CREATE TABLE notes (id)"}
	if found := runtime.Check(config(g, files(good)), "app.star:app"); len(found) != 1 || !strings.Contains(found[0].Message, "argument") {
		t.Errorf("the check finds %v, want that app takes no arguments", found)
	}
	if _, found := runtime.Parse(config(g, files(good)), "app.star"); len(found) > 0 {
		t.Error(found)
	}
	untouched(t, g)
	bad := maps.Clone(good)
	bad["app.star"] = migrating + "fail('late')\n"
	if _, err := runtime.Load(config(g, files(bad)), "app.star"); err == nil {
		t.Error("it loads")
	}
	untouched(t, g)
	for _, use := range []string{"db.query('SELECT 1')", "list(db.each('SELECT 1'))", "db.transaction(lambda tx: 1)", "db.exec('CREATE TABLE t (x)')"} {
		bad["app.star"] = prelude + use + "\ndef app(): pass\n"
		_, err := runtime.Load(config(g, files(bad)), "app.star")
		if err == nil || !strings.Contains(err.Error(), "a database is not to be used while the program loads: do it in a function, or in a migration") ||
			!strings.HasPrefix(err.Error(), "app.star:3:") {
			t.Errorf("%s: the error is %v", use, err)
		}
	}
	untouched(t, g)
	bad["app.star"] = prelude + "def app(): db.migrate('migrations')\n"
	if got := do(t, app(t, g, bad["app.star"])); !strings.Contains(got, "migrate") || !strings.HasPrefix(got, "error: app.star:3:") {
		t.Errorf("migrate in a function returns %s", got)
	}
	bad["app.star"] = migrating + "db.migrate('migrations')\n"
	if _, err := runtime.Load(config(g, files(bad)), "app.star"); err == nil || !strings.Contains(err.Error(), "has its migrations already") {
		t.Errorf("two migrations: %v", err)
	}
}

// TestMigrateKeepsServing has a program that serves go on when the next one's migration fails, and try
// again when it is asked to with the same files.
func TestMigrateKeepsServing(t *testing.T) {
	g := grant(t)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("app.star", migrating)
	write("migrations/1_notes.sql", "CREATE TABLE notes (id INTEGER)")
	live, err := runtime.NewLive(config(g, runtime.Dir(dir)), "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	want := func(generation uint64, rows string) {
		t.Helper()
		v, err := live.Do(t.Context())
		if err != nil || v.String() != rows || live.Generation() != generation {
			t.Errorf("generation %d returns %v, %v, want %s of %d", live.Generation(), v, err, rows, generation)
		}
	}
	want(1, "[]")
	write("migrations/2_row.sql", "INSERT INTO notes SELECT id FROM other")
	if err := live.Reload(); err == nil || !strings.HasPrefix(err.Error(), "migrations/2_row.sql:1: no such table: other") {
		t.Errorf("the error is %v", err)
	}
	want(1, "[]")
	// What it needs comes from elsewhere.
	do(t, app(t, g, body(`db.exec("CREATE TABLE other AS SELECT 7 AS id")`)))
	if err := live.Reload(); err != nil {
		t.Error(err)
	}
	want(2, "[row(id = 7)]")
}
