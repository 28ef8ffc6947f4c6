package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"golang.org/x/tools/txtar"
)

// TestScripts runs testdata/script: each file is a program and, under these names, what is
// expected of it:
//
//	entry   what to load, if not app.star
//	load    the error of Load
//	check   the diagnostics of Check
//	call    what the entry returns, called without arguments, or "error: " and the error
//	log     what print said in all this, as FILE:LINE: TEXT
//
// A program is only loaded, checked or called if the result of that is given.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(script)
			if err != nil {
				t.Fatal(err)
			}
			runScript(t, archive)
		})
	}
}

func runScript(t *testing.T, archive *txtar.Archive) {
	files, err := txtar.FS(archive)
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for _, f := range archive.Files {
		want[f.Name] = string(f.Data)
	}
	var log logbook
	config := &runtime.Config{FS: files, Modules: hosts, Predeclared: starlark.StringDict{"greet": greet}, Logger: slog.New(&log)}
	entry := "app.star"
	if e, ok := want["entry"]; ok {
		entry = strings.TrimSpace(e)
	}
	compare := func(name, got string) {
		t.Helper()
		if want := strings.TrimSuffix(want[name], "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	if _, ok := want["load"]; ok {
		_, err := runtime.Load(config, entry)
		compare("load", fmt.Sprint(err))
	}
	if _, ok := want["check"]; ok {
		var lines []string
		for _, d := range runtime.Check(config, entry) {
			lines = append(lines, d.String())
		}
		compare("check", strings.Join(lines, "\n"))
	}
	if _, ok := want["call"]; ok {
		p, err := runtime.Load(config, entry)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := result(p); err != nil {
			compare("call", "error: "+err.Error())
		} else {
			compare("call", v.String())
		}
	}
	compare("log", strings.Join(log, "\n"))
}

// hosts are the host modules that scripts may load besides the standard ones.
var hosts = []*host.Module{
	{Name: "greeter", Members: []host.Member{{Name: "greet", Value: greet}}},
	{Name: "broken", Members: []host.Member{{Name: "x"}}, Open: func(*host.Load) (any, error) {
		return nil, errors.New("out of order")
	}},
	{Name: "vault", Grant: "a key", Members: []host.Member{{Name: "open", Value: greet}}},
}

var greet = host.Func("greet", func(name string) (string, error) {
	if name == "" {
		return "", nobody{}
	}
	return "hello " + name, nil
})

type nobody struct{}

func (nobody) Error() string { return "who is it?" }
func (nobody) Kind() string  { return "nobody" }

// A logbook keeps what it is told, as FILE:LINE: TEXT.
type logbook []string

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logbook) WithGroup(string) slog.Handler            { return l }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	var place string
	r.Attrs(func(a slog.Attr) bool {
		place += a.Value.String() + ":"
		return true
	})
	*l = append(*l, place+" "+r.Message)
	return nil
}
