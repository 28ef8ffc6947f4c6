package main_test

import (
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/larkspur-web/larkspur/"

// policy is the architecture: what each package (and its sub-packages) may import of this module,
// and which modules of others. "x/..." is x and what lies below it. Do not add an edge to make a
// build pass; a new edge is a decision about the design.
var policy = []struct {
	pkg     string
	project []string // packages of this module
	others  []string // packages outside the standard library
}{
	{"runtime/display", nil, nil},
	{"runtime/frames", nil, starlark},
	{"runtime/habit", nil, starlark},
	{"runtime/spell", nil, nil},
	{"runtime/tee", nil, nil},
	{"runtime/host/...", []string{"runtime/host/..."}, starlark},
	{"runtime/lib/crypto", []string{"runtime/host/..."}, []string{"go.starlark.net/...",
		"github.com/golang-jwt/jwt/v5", "github.com/google/uuid", "golang.org/x/crypto/..."}},
	{"runtime/lib/fetch", []string{"runtime/host/..."}, []string{"go.starlark.net/...",
		"golang.org/x/net/idna"}},
	{"runtime/lib/mail", []string{"runtime/host/..."}, []string{"go.starlark.net/...",
		"github.com/wneessen/go-mail/..."}},
	{"runtime/lib/markdown", []string{"runtime/host/..."}, []string{"github.com/yuin/goldmark/..."}},
	{"runtime/lib/sql/sqltest", nil, []string{"github.com/jackc/pgx/v5/..."}},
	{"runtime/lib/sql", []string{"runtime/host/..."}, []string{"go.starlark.net/...",
		"modernc.org/sqlite/...", "modernc.org/libc", "github.com/jackc/pgx/v5/..."}},
	{"runtime/lib/toml", []string{"runtime/host/..."}, []string{"go.starlark.net/...",
		"github.com/pelletier/go-toml/v2/..."}},
	{"runtime/lib/yaml", []string{"runtime/host/..."}, []string{"go.starlark.net/...",
		"github.com/goccy/go-yaml/..."}},
	{"runtime/lib/...", []string{"runtime/host/..."}, starlark}, // one that needs more has its row
	{"runtime/state", []string{"runtime/host/..."}, []string{"go.starlark.net/...",
		"github.com/nats-io/nats-server/v2/server", "github.com/nats-io/nats.go/...", "github.com/robfig/cron/v3"}},
	{"runtime/deploy", []string{"runtime", "runtime/host", "runtime/state"}, []string{"github.com/nats-io/nats.go/..."}},
	{"runtime/watch", []string{"runtime"}, []string{"github.com/fsnotify/fsnotify"}},
	{"runtime", []string{"runtime/frames", "runtime/habit", "runtime/host/...", "runtime/lib/json",
		"runtime/lib/math", "runtime/lib/structs", "runtime/lib/time"}, starlark},
	{"runtime/describe", []string{"runtime", "runtime/prompt", "runtime/host/..."}, starlark},
	{"runtime/...", []string{"runtime", "runtime/habit", "runtime/host/..."}, starlark},
	{"environ/wire", nil, nil},
	{"environ/lib/websocket", []string{"environ", "environ/wire", "runtime/host/..."},
		[]string{"go.starlark.net/...", "github.com/coder/websocket"}},
	{"environ/lib/response", []string{"environ", "environ/wire", "environ/lib/static",
		"runtime/host/..."}, starlark},
	{"environ/lib/...", []string{"environ", "environ/wire", "environ/lib/response",
		"runtime/host/..."}, starlark},
	{"environ", []string{"environ/wire", "runtime/host/..."}, starlark},
	{"server/http1", []string{"environ/wire"}, []string{"golang.org/x/net/http/..."}},
	{"server/h2/...", []string{"server/h2/...", "environ/wire"},
		[]string{"golang.org/x/net/http2/...", "golang.org/x/net/http/..."}},
	{"server/worker/sandbox", nil, []string{"github.com/landlock-lsm/go-landlock/landlock/...",
		"kernel.org/pub/linux/libs/security/libcap/psx", "golang.org/x/net/bpf", "golang.org/x/sys/unix"}},
	{"server/dev/...", []string{"server", "server/dev/...", "environ", "push", "runtime/host",
		"runtime/frames"}, starlark},
	{"server/answer", []string{"environ", "environ/wire", "runtime/host"}, starlark},
	{"server/lint", []string{"server/answer", "environ", "runtime/host"}, starlark},
	{"server/apptest", []string{"server", "push", "environ", "environ/lib/session", "environ/wire",
		"runtime/host/..."}, []string{"go.starlark.net/...", "github.com/coder/websocket"}},
	{"server/site/grant", []string{"environ/lib/stats", "runtime", "runtime/host", "runtime/lib/env", "runtime/lib/fetch",
		"runtime/lib/files", "runtime/lib/mail", "runtime/lib/sql", "runtime/state", "server/site"}, starlark},
	{"server/site/sitefile", []string{"runtime", "runtime/host", "push", "server/compress", "server/site",
		"server/site/grant", "server/static", "server/upstream"}, starlark},
	{"server/site", []string{"runtime", "runtime/host", "runtime/lib/...", "runtime/watch",
		"runtime/suite", "runtime/describe", "environ", "environ/wire", "environ/lib/...", "server", "server/dev",
		"server/apptest", "server/h2", "push", "apps"},
		[]string{"go.starlark.net/...", "golang.org/x/crypto/acme/..."}},
	{"server/service", []string{"server"}, []string{"golang.org/x/sys/unix"}},
	{"server/compress", []string{"environ/wire"}, []string{"github.com/klauspost/compress/gzip",
		"github.com/klauspost/compress/zstd", "github.com/andybalholm/brotli"}},
	{"server/static", []string{"server", "environ", "environ/wire", "environ/lib/static", "runtime/host"}, nil},
	{"server/hop", []string{"environ/wire"}, nil},
	{"server/access", []string{"server", "push"}, nil},
	{"server/admin", []string{"runtime", "server", "server/site", "server/worker", "push"},
		[]string{"github.com/google/pprof/profile"}},
	{"server/metrics", []string{"server", "server/site", "server/worker", "push", "runtime/host"},
		[]string{"github.com/prometheus/client_golang/..."}},
	{"server/upstream", []string{"server", "server/hop", "environ", "push"}, nil},
	{"server/worker", []string{"server", "server/h2", "server/hop", "server/worker/sandbox", "environ",
		"environ/wire", "push", "runtime", "runtime/host"}, nil},
	{"server", []string{"server/answer", "server/h2", "server/hop", "server/http1", "environ",
		"environ/wire", "push", "runtime/host"},
		[]string{"go.starlark.net/...", "golang.org/x/net/http2/...", "github.com/pires/go-proxyproto",
			"golang.org/x/time/rate"}},
	{"push", []string{"environ/wire"}, nil},
	{"push/...", []string{"push/...", "environ/wire"}, []string{"golang.org/x/net/http2/..."}},
	{"apps", nil, nil},
	{"cmd/larkspur", []string{"runtime/...", "server/...", "environ/...", "push/...", "apps"},
		[]string{"..."}},
}

// starlark is all that most packages import of other modules.
var starlark = []string{"go.starlark.net/..."}

// leaves are the packages that any package may import, and that import the standard library only.
var leaves = []string{"runtime/display", "runtime/spell", "runtime/tee"}

func within(pkg string, patterns []string) bool {
	for _, p := range patterns {
		if stem, wild := strings.CutSuffix(p, "..."); pkg == p || wild && strings.HasPrefix(pkg+"/", stem) {
			return true
		}
	}
	return false
}

// TestImports holds the import edges that the design draws: runtime and server do not know each
// other, environ and push know neither, and nothing that an embedder imports pulls in the
// command's dependencies.
func TestImports(t *testing.T) {
	root := os.DirFS("../..")
	seen := map[string]bool{}
	err := fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.') {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := path.Dir(file)
		seen[dir] = true
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			check(t, file, dir, imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cmd/larkspur", "runtime", "environ", "server", "push", "apps"} {
		if !seen[want] {
			t.Errorf("package %s is missing; the walk saw %d packages", want, len(seen))
		}
	}
}

func check(t *testing.T, file, dir, imported string) {
	t.Helper()
	for _, p := range policy {
		if !within(dir, []string{p.pkg}) {
			continue
		}
		inside, ours := strings.CutPrefix(imported, module)
		first, _, _ := strings.Cut(imported, "/")
		switch {
		case ours && !within(inside, p.project) && !within(inside, leaves):
			t.Errorf("%s imports %s; %s may import of this module only %v",
				file, imported, p.pkg, p.project)
		case !ours && strings.Contains(first, ".") && !within(imported, p.others):
			t.Errorf("%s imports %s; %s may import of other modules only %v",
				file, imported, p.pkg, p.others)
		}
		return
	}
	t.Errorf("%s: package %s has no place in the design", file, dir)
}

// TestDependencies compares what embedding each of these packages brings with it, besides the
// standard library, with testdata/dependencies.txt: nothing may come in unseen, by however many
// steps. With -update it writes the file.
func TestDependencies(t *testing.T) {
	var have strings.Builder
	for _, pkg := range []string{"runtime", "environ", "push", "server", "server/site", "server/worker"} {
		list := exec.Command("go", "list", "-deps",
			"-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+pkg)
		list.Dir = "../.."
		list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64") // others have others
		out, err := list.Output()
		if err != nil {
			t.Fatalf("go list -deps ./%s: %v", pkg, err)
		}
		deps := strings.Fields(string(out))
		sort.Strings(deps)
		fmt.Fprintf(&have, "%s\n", pkg)
		for _, dep := range deps {
			if short := strings.TrimPrefix(dep, module); short != pkg {
				fmt.Fprintf(&have, "\t%s\n", short)
			}
		}
	}
	const file = "testdata/dependencies.txt"
	if flag.Lookup("update").Value.String() == "true" { // of scripttest
		if err := os.WriteFile(file, []byte(have.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || have.String() != string(want) {
		t.Errorf("%s differs from what go list says (%v); if that is meant, "+
			"go test ./cmd/larkspur -run TestDependencies -update:\n%s", file, err, &have)
	}
}

// TestTopLevel holds the fixed top level of the tree.
func TestTopLevel(t *testing.T) {
	want := map[string]bool{"cmd": true, "runtime": true, "environ": true, "server": true,
		"push": true, "apps": true, "go.mod": true, "go.sum": true, "README.md": true,
		"LICENSE": true, "CHANGELOG.md": true, "staticcheck.conf": true}
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	var extra []string
	for _, e := range entries {
		if !want[e.Name()] && e.Name()[0] != '.' && e.Name() != "larkspur" {
			extra = append(extra, e.Name())
		}
		delete(want, e.Name())
	}
	sort.Strings(extra)
	if len(want) > 0 || len(extra) > 0 {
		t.Errorf("the top level lacks %v and has besides %v", want, extra)
	}
}

// TestFileWall holds the wall: no Go file outside tests is longer than 400 lines.
func TestFileWall(t *testing.T) {
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && len(d.Name()) > 1 && d.Name()[0] == '.' {
			return fs.SkipDir
		}
		if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
			src, err := fs.ReadFile(root, file)
			if err != nil {
				return err
			}
			if n := strings.Count(string(src), "\n"); n > 400 {
				t.Errorf("%s has %d lines; the wall is 400: split it by noun", file, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
