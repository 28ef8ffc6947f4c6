package describe_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// shop is a module of somebody who embeds Larkspur.
func shop() *host.Module {
	return &host.Module{
		Name: "shop", Doc: "A shop, e.g. of tea. It sells.", Whole: true,
		Members: []host.Member{
			{
				Name: "price", Doc: "Returns what a tea costs.", Result: "an int",
				Params: []host.Param{
					{Name: "tea", Doc: "its name"},
					{Name: "grams", Doc: "how much of it, in grams, of which there are a thousand in a kilogram", Default: starlark.MakeInt(100)},
					{Name: "kind", Doc: "green or black", Default: starlark.String("green, or so"), Pass: host.ByName},
				},
				Errors:  []host.Failure{{Code: "SHOP1", When: "there is no such tea"}},
				Example: "price(NAME)  # 300\n# a comment\nprice(NAME, grams = 1)  # 3\nprice(\"x\")  # error: no such tea",
				Fn: func(tea string, grams int, _ string) (int, error) {
					if tea != "oolong" {
						return 0, errNoTea
					}
					return 3 * grams, nil
				},
			},
			{Name: "owner", Doc: "Who has the shop.", Value: starlark.String("Ada")},
		},
		Types: []*host.Type{{Name: "Tea", Doc: "A tea.", Members: []host.Member{{Name: "price", Doc: "What it costs."}}}},
		Scene: `NAME = "oolong"`,
	}
}

type teaError string

func (e teaError) Error() string { return string(e) }

const errNoTea = teaError("no such tea")

func library() *describe.Library {
	return &describe.Library{
		Modules: (&runtime.Config{Modules: []*host.Module{shop(), {Name: "vault", Doc: "A vault.", Grant: "a key",
			Members: []host.Member{{Name: "open", Doc: "Opens it.", Result: "None", Example: "open()", Fn: func() {}}}}}}).Catalog(),
		Tables: []describe.Entry{{Name: "keys", Kind: describe.KindTable, Doc: "Keys.", Members: []describe.Entry{
			{Name: "keys.wsgi.input", Kind: describe.KindRow, Doc: "The body."},
			{Name: "keys.HTTP_*", Kind: describe.KindRow, Doc: "A field."},
		}}},
	}
}

func TestFind(t *testing.T) {
	l := library()
	for _, test := range []struct{ name, want string }{
		{"shop", "@shop"},
		{"@shop", "@shop"},
		{" shop.price ", "shop.price"},
		{"json", "@json"},
		{"json.json", "@json"},
		{"json.decode", "json.decode"},
		{"decode", "json.decode"},
		{"shop.Tea", "shop.Tea"},
		{"shop.Tea.price", "shop.Tea.price"},
		{"keys", "keys"},
		{"keys.wsgi.input", "keys.wsgi.input"},
		{"wsgi.input", "keys.wsgi.input"},
		{"input", "keys.wsgi.input"},
		{"HTTP_HOST", "keys.HTTP_*"},
		{"keys.HTTP_X", "keys.HTTP_*"},
		{"price", "error: price is several: shop.price, shop.Tea.price"},
		{"shop.prize", "error: nothing is called shop.prize (did you mean shop.price?)"},
		{"shop.zzz", "error: nothing is called shop.zzz; @shop has price, owner, Tea"},
		{"shpo", "error: nothing is called shpo (did you mean shop?)"},
		{"ownr", "error: nothing is called ownr (did you mean shop.owner?)"},
		{"costs", "error: nothing is called costs (did you mean shop.Tea.price?)"},
		{"", "error: nothing is called ; larkspur docs lists what there is"},
		{"Tea.price", "shop.Tea.price"}, // without the module
		{"shop.Tea.prize", "error: nothing is called shop.Tea.prize (did you mean shop.Tea.price?)"},
	} {
		got := ""
		e, err := l.Find(test.name)
		if err != nil {
			got = "error: " + err.Error()
		} else {
			got = e.Name
		}
		if got != test.want {
			t.Errorf("Find(%q) is %q, want %q", test.name, got, test.want)
		}
	}
}

// FuzzFind finds whatever a client may ask for.
func FuzzFind(f *testing.F) {
	l := library()
	for _, name := range []string{"shop", "@shop.price", "keys.HTTP_X", "..", "@", "shop.", "a b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if e, err := l.Find(name); (e == nil) == (err == nil) {
			t.Errorf("Find(%q) is %v, %v", name, e, err)
		}
		l.Search(name)
		l.Called(name, []string{"shop"})
	})
}

func TestSearch(t *testing.T) {
	l := library()
	for _, test := range []struct{ query, want string }{
		{"", ""},
		{"  ", ""},
		{"price", "shop.Tea.price shop.price"},
		{"WHAT costs", "shop.Tea.price shop.price"},
		{"@shop owner", "shop.owner"},
		{"grams", "shop.price"},
		{"SHOP1", "shop.price"},
		{"price zzz", ""},
		{strings.Repeat("x", 10_000), ""},
	} {
		var names []string
		for _, e := range l.Search(test.query) {
			names = append(names, e.Name)
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("Search(%.20q) finds %q, want %q", test.query, got, test.want)
		}
	}
}

func TestCalled(t *testing.T) {
	l := library()
	l.Tables = append(l.Tables, describe.Table(describe.Builtins()))
	for _, test := range []struct{ name, loaded, want string }{
		{"price", "shop", "shop.price"},
		{"price", "json", ""},
		{"shop.price", "shop", "shop.price"},
		{"json.decode", "shop json", "json.decode"},
		{"decode", "json", "json.decode"},
		{"open", "vault", "vault.open"},
		{"len", "shop", "builtins.len"},
		{"unknown", "shop", ""},
		{"", "", ""},
	} {
		got := ""
		if e := l.Called(test.name, strings.Fields(test.loaded)); e != nil {
			got = e.Name
		}
		if got != test.want {
			t.Errorf("Called(%q, %q) is %q, want %q", test.name, test.loaded, got, test.want)
		}
	}
}

func TestWrite(t *testing.T) {
	l := library()
	for _, test := range []struct {
		name string
		s    describe.Style
		want string
	}{
		{"shop", describe.Style{}, `@shop
    load("@shop", "shop")

A shop, e.g. of tea. It sells.

shop.price(tea, grams = 100, *, kind = "green, or so")
            Returns what a tea costs.
shop.owner  Who has the shop.
shop.Tea    A tea.
`},
		{"shop.price", describe.Style{Width: 40}, `shop.price(
    tea,
    grams = 100,
    *,
    kind = "green, or so",
)
    load("@shop", "price")

Returns what a tea costs.

Parameters
  tea  string
      its name
  grams  int = 100
      how much of it, in grams, of which
      there are a thousand in a kilogram
  kind  string = "green, or so", by name only
      green or black

Returns
  an int

Errors
  SHOP1  there is no such tea

Example
  price(NAME)  # 300
  # a comment
  price(NAME, grams = 1)  # 3
  price("x")  # error: no such tea
`},
		{"owner", describe.Style{Palette: display.Palette(true)}, "\x1b[1mshop.owner\x1b[0m\n    \x1b[36mload(\"@shop\", \"owner\")\x1b[0m\n\nWho has the shop.\n\n\x1b[1mValue\x1b[0m  \"Ada\"\n"},
		{"vault.open", describe.Style{}, `open()
    load("@vault", "open")

Opens it.

Needs a grant of
  a key

Returns
  None

Example
  open()
`},
	} {
		e, err := l.Find(test.name)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := e.Write(&got, test.s); err != nil || got.String() != test.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", test.name, err, &got, test.want)
		}
	}
}

func TestRun(t *testing.T) {
	l := library()
	find := func(name string) *describe.Entry {
		e, err := l.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	steps, err := l.Run(t.Context(), find("shop.price"))
	if err != nil || len(steps) != 3 {
		t.Fatalf("got %v, %v", steps, err)
	}
	want := []describe.Step{
		{Code: "price(NAME)  # 300\n", Value: "300", Want: "300"},
		{Code: "# a comment\nprice(NAME, grams = 1)  # 3\n", Value: "3", Want: "3"},
		{Code: `price("x")  # error: no such tea`, Error: "price: no such tea", Want: "error: no such tea"},
	}
	for i, s := range steps {
		if s != want[i] || !s.Right() {
			t.Errorf("step %d is %+v, want %+v", i, s, want[i])
		}
	}
	for name, want := range map[string]string{"vault.open": "a grant of a key", "shop": "has no example", "keys": "has no example"} {
		if _, err := l.Run(t.Context(), find(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q", name, err, want)
		}
	}
}

// TestRunIsBounded verifies that an example which does not end is ended, and one that is not a script
// is an error.
func TestRunIsBounded(t *testing.T) {
	l := library()
	for example, want := range map[string]string{
		"while True:\n    pass":             "steps",
		"def f():\n    return f()\n\nf()":   "calls",
		"load(\"@vault\", \"open\")":        "not granted",
		"print(\"a\" * 100)\nprint(1 // 0)": "division by zero",
	} {
		steps, err := l.Run(t.Context(), &describe.Entry{Name: "shop.x", Example: example})
		if err != nil || len(steps) == 0 || !strings.Contains(steps[len(steps)-1].Error, want) {
			t.Errorf("%q: %+v, %v; want %q", example, steps, err, want)
		}
	}
	if steps, err := l.Run(t.Context(), &describe.Entry{Name: "shop.x", Example: "what?"}); err == nil {
		t.Errorf("it runs: %v", steps)
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"One. Two.":                        "One.",
		"One, e.g. this. Two.":             "One, e.g. this.",
		"Reads 1.5 times. And more.":       "Reads 1.5 times.",
		"No end":                           "No end",
		"A dict, as in x.y. It is\nshort.": "A dict, as in x.y.",
	} {
		if got := describe.Sentence(in); got != want {
			t.Errorf("Sentence(%q) is %q, want %q", in, got, want)
		}
	}
}
