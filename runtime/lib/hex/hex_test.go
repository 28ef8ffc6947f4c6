package hex_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/hex"
	"go.starlark.net/starlark"
)

func values(t testing.TB) starlark.StringDict {
	t.Helper()
	v, err := hex.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPython(t *testing.T) { hosttest.Table(t, "testdata/python.txt", values(t)) }

// What is decoded is what was encoded, and whatever a client sends is decoded or refused.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "00fF", "0", "0g", " 00\n01", "\xff"} {
		f.Add(s)
	}
	v := values(f)
	f.Fuzz(func(t *testing.T, s string) {
		thread := new(starlark.Thread)
		data, err := starlark.Call(thread, v["decode"], starlark.Tuple{starlark.String(s)}, nil)
		if err != nil {
			return
		}
		text, err := starlark.Call(thread, v["encode"], starlark.Tuple{data}, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := starlark.Call(thread, v["decode"], starlark.Tuple{text}, nil)
		if err != nil || again != data {
			t.Errorf("%q: got %v and then %v, %v", s, data, again, err)
		}
	})
}
