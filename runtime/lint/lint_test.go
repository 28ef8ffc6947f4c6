package lint_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/cmd/testdata/linttest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lint"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func rules() *linttest.Rules {
	mustReturn := func(def *syntax.DefStmt) bool { return strings.HasPrefix(def.Name.Name, "must_") }
	return &linttest.Rules{
		Check:   lint.Rules{Builtin: new(runtime.Config).Builtins().Has, MustReturn: mustReturn}.Check,
		Modules: []*host.Module{shop(), {Name: "hash", Doc: "Hashes.", Whole: true}},
	}
}

// shop is a module with functions of all kinds.
func shop() *host.Module {
	return &host.Module{
		Name: "shop", Whole: true,
		Open: func(*host.Load) (any, error) {
			return starlark.StringDict{"made": starlark.None}, nil
		},
		Members: []host.Member{
			{Name: "buy", Fn: func(string, int) {},
				Params: []host.Param{{Name: "tea"}, {Name: "grams", Default: starlark.MakeInt(1)}}},
			{Name: "label", Fn: func(float64, ...string) {},
				Params: []host.Param{{Name: "size"}, {Name: "texts", Pass: host.Rest}}},
			{Name: "pack", Fn: func([]int, map[string]int, []byte, starlark.Callable) {},
				Params: []host.Param{{Name: "items"}, {Name: "by"}, {Name: "raw"},
					{Name: "key", Pass: host.ByName}}},
			{Name: "either", Fn: func(starlark.Value) {},
				Params: []host.Param{{Name: "x", Type: "string, int or list of pairs"}}},
			{Name: "strange", Fn: func(starlark.Value) {},
				Params: []host.Param{{Name: "x", Type: "a tea"}}},
			{Name: "stamp", Value: starlark.None, Params: []host.Param{{Name: "x"}, {Name: "y"}}},
			{Name: "inner", Members: []host.Member{{Name: "deep", Fn: func() {}}}},
			{Name: "made"},
			{Name: "pot", Fn: func(starlark.Value) {}, Params: []host.Param{{Name: "size"}}, Result: "shop.pot"},
		},
		Types: []*host.Type{{Name: "shop.pot", Members: []host.Member{
			{Name: "brew", Params: []host.Param{
				{Name: "text", Pass: host.ByPosition, Apart: told}, {Name: "values", Pass: host.Rest},
			}},
			{Name: "stir", Params: []host.Param{{Name: "fn", Given: "shop.pot"}, {Name: "times"}}},
		}}},
	}
}

// told says what it is told of a text that is put together.
func told(c host.Composed) string {
	said := c.Fn
	if c.Elsewhere {
		said += " elsewhere"
	}
	said += ":"
	values := 0
	for _, p := range c.Parts {
		if p.Value == "" {
			said += fmt.Sprintf(" %q", p.Text)
			continue
		}
		values++
		said += fmt.Sprintf(" %s(%s)", p.Value, []string{"Fixed", "Other", "Passed", "Sent"}[p.From])
	}
	if values == 0 {
		return ""
	}
	return strings.Join(append([]string{said}, c.Behind...), " ")
}

func TestRules(t *testing.T) { rules().Test(t) }
func FuzzCheck(f *testing.F) { rules().Fuzz(f) }

// TestRuleSeesDescriptions checks that a rule is given the host modules without their being opened.
func TestRuleSeesDescriptions(t *testing.T) {
	shop := &host.Module{
		Name: "shop", Doc: "A shop.",
		Members: []host.Member{{Name: "number"}, {Name: "pure", Fn: func() int { return 1 }, Pure: true}},
		Open: func(*host.Load) (any, error) {
			t.Error("it is opened")
			return nil, nil
		},
	}
	src := "load('@shop', 'number')\nx = number\n"
	c := &runtime.Config{FS: fstest.MapFS{"a.star": {Data: []byte(src)}}, Modules: []*host.Module{shop}}
	got := lint.Run(c, "a.star", func(s *host.Script) {
		pos := syntax.MakePosition(&s.Tree.Path, 1, 1)
		m, none := s.Module("shop"), s.Module("none")
		s.Warn(pos, "%s has %v, %v, %v", m.Doc, m.Names(), m.Pure("pure"), none.Names())
	})
	want := "a.star:1:1: A shop. has [number pure], <built-in function pure>, []"
	if len(got) != 1 || got[0].String() != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
