package describe_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// till is a module with a function that has the name of the type of what it returns.
func till() *host.Module {
	return &host.Module{
		Name: "till", Doc: "A till.", Whole: true,
		Members: []host.Member{{Name: "till", Doc: "Opens a till.", Result: "a till", Fn: func() {}}},
		Types: []*host.Type{
			{Name: "till", Doc: "A till that is open.", Members: []host.Member{
				{Name: "add", Doc: "Adds a coin.", Fn: func(string, int) {}, Params: []host.Param{{Name: "coin"}}},
				{Name: "total", Doc: "What is in it."},
			}},
			{Name: "Slip", Doc: "A slip.", Members: []host.Member{{Name: "total", Doc: "What it says."}}},
		},
	}
}

// TestNamesakes verifies that a function and the type of its name are found as one entry, and what is
// in a type without the name of the type.
func TestNamesakes(t *testing.T) {
	l := &describe.Library{Modules: []*host.Module{till()}}
	for _, test := range []struct{ name, want string }{
		{"till.till", "till.till"},
		{"till.till.add", "till.till.add"},
		{"till.add", "till.till.add"},
		{"add", "till.till.add"},
		{"till.total", "error: till.total is several: till.till.total, till.Slip.total"},
		{"till.ad", "error: nothing is called till.ad (did you mean till.till.add?)"},
		{"till.zzz", "error: nothing is called till.zzz; @till has till, Slip"},
	} {
		got := ""
		if e, err := l.Find(test.name); err != nil {
			got = "error: " + err.Error()
		} else {
			got = e.Name
		}
		if got != test.want {
			t.Errorf("Find(%q) is %q, want %q", test.name, got, test.want)
		}
	}
	e, err := l.Find("till.till")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := e.Write(&got, describe.Style{}); err != nil {
		t.Fatal(err)
	}
	const want = `till.till()
    load("@till", "till")

Opens a till.

Returns
  a till

The type  A till that is open.

till.add(coin)   Adds a coin.
till.till.total  What is in it.
`
	if got.String() != want {
		t.Errorf("it is written\n%s\nwant\n%s", &got, want)
	}
	if found := l.Search("open till"); len(found) != 1 || len(found[0].Members) != 2 {
		t.Errorf("Search finds %v", found)
	}
	if e := l.Called("till", []string{"till"}); e == nil || e.Kind != describe.KindFunction {
		t.Errorf("Called is %v", e)
	}
}
