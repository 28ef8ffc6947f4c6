package sql_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/sql"
)

// A program gets a database, which its migration makes, and the host looks at what it wrote.
func Example() {
	dir, err := os.MkdirTemp("", "notes")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	grant := &sql.Grant{Databases: map[string]string{"notes": filepath.Join(dir, "notes.db")}}
	defer grant.Close()
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{
			"migrations/001_notes.sql": {Data: []byte("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT UNIQUE);")},
			"notes.star": {Data: []byte(`
load("@sql", "database")

db = database("notes")
db.migrate("migrations")

def add(title):
    result, error = catch(db.exec, "INSERT INTO notes (title) VALUES (?)", title)
    return "there is one already" if error and error.kind == "unique" else result.last_id
`)},
		},
		Modules: []*host.Module{sql.Module()}, Grants: map[string]any{"sql": grant},
	}, "notes.star:add")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	for range 2 {
		v, err := p.Do(context.Background(), "milk")
		fmt.Println(v, err)
	}

	db, err := grant.Open("notes")
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := db.Rows(context.Background(), "notes", 10, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.Columns, found.Rows)
	// Output:
	// 1 <nil>
	// "there is one already" <nil>
	// [id title] [[1 "milk"]]
}
