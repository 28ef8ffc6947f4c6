package state_test

import (
	"fmt"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/state"
	"go.starlark.net/starlark"
)

// BenchmarkBucket measures what a script pays for a value, in one process.
func BenchmarkBucket(b *testing.B) {
	values, err := state.KV().Values(&host.Load{Grant: grant(b, b.TempDir())})
	if err != nil {
		b.Fatal(err)
	}
	thread := &starlark.Thread{Name: "bench"}
	price, err := starlark.EvalOptions(dialect, thread, "bench",
		`cached("1h", lambda drink, cups: {"drink": drink, "cups": cups}, name = "price")`, values)
	if err != nil {
		b.Fatal(err)
	}
	values["price"] = price
	for _, c := range []struct{ name, source string }{
		{"get", `notes.get("tea")`},
		{"put", `notes.put("tea", {"cups": 2})`},
		{"update", `notes.update("cups", lambda n: (n or 0) + 1)`},
		{"counter", `counter("cups").add()`},
		{"keys", `notes.keys()`},
		{"cached", `price("tea", 2)`},
	} {
		b.Run(c.name, func(b *testing.B) {
			values["notes"], err = starlark.Call(thread, values["bucket"], starlark.Tuple{starlark.String("notes")}, nil)
			if err != nil {
				b.Fatal(err)
			}
			fn, err := starlark.EvalOptions(dialect, thread, "bench", fmt.Sprintf("lambda: %s", c.source), values)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := starlark.Call(thread, fn, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
