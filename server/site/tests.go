package site

import (
	"errors"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/suite"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server/apptest"
	"go.starlark.net/starlark"
)

// Tests returns what runs the tests of the application, files *_test.star in its tree, with the
// module @test. Each file is loaded with the Limits of the application, which bound each test, and
// with stand-ins for those of its Grants that have some ([host.Tester]): the Suite is for one Run,
// with which they end.
// The logger receives what is logged; nil means slog.Default(). garden_test.go, beside this file,
// runs them among the tests of a Go package.
func (a *Application) Tests(logger *slog.Logger) (*suite.Suite, error) {
	if logger == nil {
		logger = slog.Default()
	}
	log := tee.New(logger.Handler())
	module, err := TestModule(log)
	if err != nil {
		return nil, err
	}
	config := a.Config(slog.New(log))
	trials, err := try(config.Grants)
	if err != nil {
		return nil, err
	}
	module.Members = append(module.Members, trials.members...)
	config.Modules = append(config.Modules, module)
	return &suite.Suite{
		Config: *config,
		Path:   a.Path,
		Begin:  trials.begin,
		End:    trials.end,
		Prepare: func(thread *starlark.Thread, p *runtime.Program) func() error {
			return apptest.Open(thread, p).Close
		},
	}, nil
}

// TestModule returns the module @test, whose clients call applications under apps/lint.star. log
// receives what the server logs of their requests.
func TestModule(log slog.Handler) (*host.Module, error) {
	program, err := runtime.LoadFile((&Application{FS: own{}}).Config(nil), ownDir+"lint.star")
	if err != nil {
		return nil, err
	}
	lint, ok := program.Globals()["lint"].(*starlark.Function)
	if !ok {
		return nil, errors.New("site: lint.star has no function lint")
	}
	return (&apptest.Config{Lint: lint, Log: log}).Module(), nil
}

// own is the tree that apps/lint.star is loaded from for tests: under a name that no file of the
// tested tree has, so that backtraces can leave it out.
type own struct{}

const ownDir = "@larkspur/"

func (own) Open(name string) (fs.File, error) {
	return apps.FS.Open(strings.TrimPrefix(name, ownDir))
}
