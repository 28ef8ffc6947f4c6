package json_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// streamed is the JSON of a stream, how many blocks it had, and its error.
func streamed(l json.Limits, x starlark.Value) (text string, blocks int, err error) {
	s := l.Stream(x)
	defer s.Done()
	for {
		block, ok, err := s.Next()
		if !ok {
			return text, blocks, err
		}
		text += block
		blocks++
	}
}

// TestStream: a stream says what Encode says, its errors too.
func TestStream(t *testing.T) {
	for _, expr := range []string{
		`None`, `"a"`, `1.5`, `[]`, `{}`, `()`, `[1, [2, {"b": [], "a": {"c": None}}], "x"]`, `range(5)`, `set([1])`,
		`{"z": range(3), "a": ([], {})}`, `"é \" \n"`, `[float("nan")]`, `{"a": [b"x"]}`, `{1: 2}`, `[{"a": {2: 1}}]`,
		`{"a": [1, len]}`, `len`, `[[[[]]]]`, `[i for i in range(10000)]`, `{str(i): [i] for i in range(5000)}`,
		`["x" * 20000, "y"]`,
	} {
		x, err := starlark.EvalOptions(&syntax.FileOptions{Set: true}, new(starlark.Thread), "expr", expr, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []json.Limits{{}, {Depth: 3}} {
			want, failure := l.Encode(x)
			got, blocks, err := streamed(l, x)
			if (err == nil) != (failure == nil) || err != nil && err.Error() != failure.Error() {
				t.Errorf("%s: %v, want %v", expr, err, failure)
			}
			if err == nil && got != want {
				t.Errorf("%s\n got %.200s\nwant %.200s", expr, got, want)
			}
			if most := len(want)/(8<<10) + 1; err == nil && blocks > most {
				t.Errorf("%s: %d blocks of %d bytes, want at most %d", expr, blocks, len(want), most)
			}
		}
	}
}

// A counted iterable says how far it was asked, and whether it was let go of.
type counted struct {
	starlark.Iterable
	asked int
	done  bool
}

func (c *counted) Iterate() starlark.Iterator { return c }
func (c *counted) Next(p *starlark.Value) bool {
	c.asked++
	*p = starlark.MakeInt(c.asked)
	return true
}
func (c *counted) Done() { c.done = true }

// TestStreamIsLazy: an endless iterable deep inside is asked for what a block takes, and no bound
// of the whole ends it.
func TestStreamIsLazy(t *testing.T) {
	c := &counted{Iterable: starlark.NewList(nil)}
	x := starlark.NewDict(1)
	if err := x.SetKey(starlark.String("rows"), starlark.NewList([]starlark.Value{c})); err != nil {
		t.Fatal(err)
	}
	s := json.Limits{Bytes: 16 << 10}.Stream(x)
	for i := range 10 {
		block, ok, err := s.Next()
		if !ok || err != nil || i == 0 && !strings.HasPrefix(block, `{"rows":[[1,2,3,`) {
			t.Fatalf("block %d: %.40q, %v, %v", i, block, ok, err)
		}
	}
	if c.asked > 20_000 || c.done {
		t.Errorf("%d elements were asked for; let go: %v", c.asked, c.done)
	}
	if s.Done(); !c.done {
		t.Error("the iterable was not let go of")
	}
	if block, ok, err := s.Next(); ok || err != nil {
		t.Errorf("after the end: %q, %v", block, err)
	}
}

func TestDecodeLines(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "[]"}, {"\n \n", "[]"}, {"1\n[2]\r\n\n{\"a\": null}", `[1, [2], {"a": None}]`}, {"1 2", "line 1: at offset 2, unexpected character '2' after value"},
		{"1\n[2,\n3]", "line 2: at offset 3, unexpected end of file"}, {"[1]\n[1]\n[1]\n[1]", "line 4: at offset 1, more than 7 values"},
	} {
		values, err := json.Limits{Values: 7}.DecodeLines(test.text)
		got := starlark.NewList(values).String()
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q: got %s, want %s", test.text, got, test.want)
		}
	}
}
