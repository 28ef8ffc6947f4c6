package lint_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/linttest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/lint"
	"go.starlark.net/syntax"
)

func rules() *linttest.Rules {
	mustReturn := func(def *syntax.DefStmt) bool { return strings.HasPrefix(def.Name.Name, "must_") }
	return &linttest.Rules{Check: lint.Rules{Builtin: new(runtime.Config).Builtins().Has, MustReturn: mustReturn}.Check}
}

func TestRules(t *testing.T) { rules().Test(t) }
func FuzzCheck(f *testing.F) { rules().Fuzz(f) }
