package json_test

import (
	stdjson "encoding/json"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/json"
	stock "go.starlark.net/lib/json"
	"go.starlark.net/starlark"
)

// FuzzDecode holds the decoder against two others: it accepts what encoding/json accepts, and
// makes of it what the stock module makes, except at the limits.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`null`, `[1, -2.5e+3, "a\u00e9\n", true]`, `{"a": {"b": []}, "a": 1}`, `[1,]`, `{"a" 1}`, `"\ud800"`, "\"\xff\"", `1.`, `-`, `01`, `1e5`, `[[[`, `"`, ``,
	} {
		f.Add(text)
	}
	decode := stock.Module.Members["decode"]
	f.Fuzz(func(t *testing.T, text string) {
		got, err := json.Limits{}.Decode(text)
		if valid := stdjson.Valid([]byte(text)); err == nil && !valid {
			t.Fatalf("Decode(%q) = %v, want an error", text, got)
		} else if err != nil && valid && !strings.Contains(err.Error(), "than") && !strings.Contains(err.Error(), "out of range") {
			t.Fatalf("Decode(%q): %v, want a value", text, err)
		}
		if err != nil {
			return
		}
		want, err := starlark.Call(new(starlark.Thread), decode, starlark.Tuple{starlark.String(text)}, nil)
		if err != nil || got.String() != want.String() {
			t.Fatalf("Decode(%q) = %v, want %v, %v", text, got, want, err)
		}
		again, err := json.Limits{}.Encode(got)
		if err != nil || !stdjson.Valid([]byte(again)) {
			t.Fatalf("Encode(%v) = %q, %v", got, again, err)
		}
		back, err := json.Limits{}.Decode(again)
		if err != nil || len(back.String()) != len(got.String()) {
			t.Fatalf("Decode(Encode(%v)) = %v, %v", got, back, err)
		}
	})
}

// FuzzIndent verifies that indentation changes nothing but space, and stays within its limit.
func FuzzIndent(f *testing.F) {
	f.Add(`{"a":[1,{}]}`, "", "\t")
	f.Add(`["]\"[", []]`, ">", "    ")
	f.Fuzz(func(t *testing.T, text, prefix, tab string) {
		limits := json.Limits{Bytes: 1000}
		out, err := limits.Indent(text, prefix, tab)
		if err != nil {
			return
		}
		if n := len(out); n > limits.Bytes {
			t.Fatalf("Indent(%q, %q, %q) has %d bytes, want at most %d", text, prefix, tab, n, limits.Bytes)
		}
		if !stdjson.Valid([]byte(text)) {
			t.Fatalf("indent(%q) = %q, want an error", text, out)
		}
	})
}
