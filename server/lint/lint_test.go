package lint_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/linttest"
	"github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
	"github.com/larkspur-web/larkspur/server/lint"
)

func rules() *linttest.Rules {
	return &linttest.Rules{Check: lint.Check, Modules: []*host.Module{http.Module(), re.Module(), response.Module()}}
}

func TestRules(t *testing.T) { rules().Test(t) }
func FuzzCheck(f *testing.F) { rules().Fuzz(f) }
