package sql_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
)

// gone is a program that has a file go while it is used: remove and replace are the host's.
func gone(t *testing.T, g *sql.Grant, script string) *runtime.Program {
	t.Helper()
	const migration, table = "migrations/1_notes.sql", "CREATE TABLE notes (id INTEGER PRIMARY KEY)"
	file := g.Databases["notes"]
	c := config(g, files(map[string]string{
		"app.star": prelude + "load('@disk', 'remove', 'replace')\ndb.migrate('migrations')\n" + script,
		migration:  table,
	}))
	c.Modules = append(c.Modules, &host.Module{Name: "disk", Doc: "It is not trusted.", Members: []host.Member{
		{Name: "remove", Fn: func() error { return os.Remove(file) }},
		{Name: "replace", Fn: func() error {
			other := &sql.Grant{Databases: map[string]string{"notes": file + ".other"}}
			c := config(other, files(map[string]string{
				"app.star": prelude + "db.migrate('migrations')\ndef app(): db.exec('INSERT INTO notes VALUES (7)')\n",
				migration:  table,
			}))
			p, err := runtime.Load(c, "app.star")
			if err != nil {
				return err
			}
			do(t, p)
			p.Close()
			if err := other.Close(); err != nil {
				return err
			}
			return os.Rename(file+".other", file)
		}},
	}})
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// TestFileGone deletes the file of a database, and puts another in its place: the next write has what is
// there then, made by the migrations if there is nothing, and soon reads have it.
func TestFileGone(t *testing.T) {
	const all = "[r.id for r in db.query('SELECT id FROM notes')]"
	const write = "db.exec('INSERT INTO notes VALUES (%s)')\n"
	for _, test := range []struct{ name, script, want string }{
		{"read", write + "remove()", "[]"},
		{"written", write + all + "\nremove()\n" + write, "[1]"},
		{"transaction", write + "remove()\ndb.transaction(lambda tx: tx.exec('INSERT INTO notes VALUES (3)'))", "[3]"},
		{"replaced", write + "replace()", "[7]"},
		{"replaced and written", write + "replace()\n" + write, "[1, 7]"},
		{"twice", "remove()\n" + write + all + "\nremove()\n" + write, "[1]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := grant(t)
			lines := strings.ReplaceAll(strings.ReplaceAll(test.script, "%s", "1"), "\n", "\n        ")
			p := gone(t, g, "def app(first):\n    if first:\n        "+lines+"\n        return\n    return "+all+", [r.id for r in db.each('SELECT id FROM notes')]\n")
			if _, err := p.Do(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			want := "(" + test.want + ", " + test.want + ")"
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
				v, err := p.Do(t.Context(), false)
				if err == nil && v.String() == want {
					break
				}
				if err != nil || time.Now().After(deadline) {
					t.Fatalf("it returns %v, %v, want %s", v, err, want)
				}
			}
			check := &sql.Grant{Databases: g.Databases} // as another process sees it
			defer check.Close()
			if got := do(t, app(t, check, body("return "+all))); got != test.want {
				t.Errorf("in the file is %s, want %s", got, test.want)
			}
		})
	}
}

// TestFileGoneInUse deletes the file while a transaction writes to it: nobody is told that what goes
// nowhere was written, and nobody opens another file meanwhile.
func TestFileGoneInUse(t *testing.T) {
	got := do(t, gone(t, grant(t), `
def app():
    def fn(tx):
        tx.exec('INSERT INTO notes VALUES (1)')
        remove()
        return 1
    def outer():
        for r in db.each('SELECT 1 AS id UNION SELECT 2'):
            remove()
            return catch(db.exec, 'INSERT INTO notes VALUES (1)')[1].message
    lost = catch(db.transaction, fn)[1]
    return lost.kind, lost.message, outer(), db.value('SELECT count(*) FROM notes'), db.value('PRAGMA integrity_check')
`))
	const lost = "transaction: the file of the database was deleted, or replaced, while it was written to: what was written is lost"
	const gone = "exec: the file of the database was deleted, or replaced, while it was in use"
	if want := `("connection", "` + lost + `", "` + gone + `", 0, "ok")`; got != want {
		t.Errorf("it returns\n%s, want\n%s", got, want)
	}
}
