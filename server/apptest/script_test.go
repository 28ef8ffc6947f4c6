package apptest_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/cmd/testdata/scripttest"
	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/lib/route"
	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/environ/lib/websocket"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server/apptest"
	"github.com/rogpeppe/go-internal/testscript"
	"go.starlark.net/starlark"
)

// newSuite returns a suite of the files, with the modules that the command grants.
func newSuite(files fs.FS) (*suite.Suite, error) {
	modules := []*host.Module{http.Module(), body.Module(), response.Module(websocket.Module()),
		route.Module(), session.Module(), static.Module()}
	program, err := runtime.LoadFile(&runtime.Config{FS: apps.FS, Modules: modules}, "lint.star")
	if err != nil {
		return nil, err
	}
	log := tee.New(nil)
	kit := &apptest.Config{Lint: program.Globals()["lint"].(*starlark.Function), Log: log}
	modules = append(modules, kit.Module())
	return &suite.Suite{
		Config: runtime.Config{
			FS: files, Modules: modules, Limits: runtime.Limits{Steps: 2_000_000},
			Logger: slog.New(log), Grants: map[string]any{session.Name: session.Random()},
		},
		Prepare: func(thread *starlark.Thread, p *runtime.Program) func() error {
			return apptest.Open(thread, p).Close
		},
	}, nil
}

// language is what the scripts of testdata/script may say.
var language = &scripttest.Language{
	About: "They test `@test`: the files are an application and its tests.",
	Commands: []scripttest.Command{{
		Usage: "[!] test",
		Doc: "runs the tests, and prints what the runner says of them, without the times. It " +
			"fails if one of them does.",
		Run: func(ts *testscript.TestScript, neg bool, _ []string) {
			files := os.DirFS(ts.Getenv("WORK"))
			s, err := newSuite(files)
			ts.Check(err)
			names, err := suite.Find(files, ".")
			ts.Check(err)
			var out strings.Builder
			failed := false
			p := suite.Printer{W: &out, Suite: s}
			ts.Check(s.Run(context.Background(), names, func(r *suite.Result) {
				failed = failed || r.Failed()
				p.Print(r)
			}))
			fmt.Fprint(ts.Stdout(), took.ReplaceAllString(out.String(), ""))
			if failed != neg {
				ts.Fatalf("that a test failed is %v", failed)
			}
		},
	}},
}

// took is how long a test took.
var took = regexp.MustCompile(` \([0-9.]+(ns|µs|ms|s)\)`)

func TestLanguage(t *testing.T) { language.Check(t) }

func TestScripts(t *testing.T) { testscript.Run(t, language.Params()) }
