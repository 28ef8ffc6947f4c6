package files_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
)

// An embedder grants one directory to be read, and others that are made as they are asked for.
func ExampleGrant() {
	dir, err := os.MkdirTemp("", "larkspur-example-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	reports := filepath.Join(dir, "reports")
	if err := os.Mkdir(reports, 0o700); err != nil {
		fmt.Println(err)
		return
	}
	program, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@files", "directory")
reports, notes = directory("reports"), directory("notes")
def app():
    notes.write("2026/may.txt", "done", parents = True)
    _, error = catch(reports.write, "may.txt", "done")
    return [e.path for e in notes.list(recursive = True)], error.kind
`)}},
		Modules: []*host.Module{files.Module()},
		Grants: map[string]any{files.Name: &files.Grant{
			Dirs:  map[string]files.Dir{"reports": {Path: reports}},
			Below: filepath.Join(dir, "data"),
		}},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := program.Do(context.Background())
	fmt.Println(v, err)
	// Output: (["2026", "2026/may.txt"], "read_only") <nil>
}

// Temporary directories go with the grant that they belong to.
func ExampleTemporary() {
	g := files.Temporary()
	defer g.Close()
	values, err := files.Module().Values(&host.Load{Grant: g})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(values.Keys())
	// Output: [directory files]
}
