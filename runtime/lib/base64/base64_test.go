package base64_test

import (
	stock "encoding/base64"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/base64"
	"go.starlark.net/starlark"
)

func values(t testing.TB) starlark.StringDict {
	t.Helper()
	v, err := base64.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPython(t *testing.T) { hosttest.Table(t, "testdata/python.txt", values(t)) }

func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"A":     "decode: it ends in the middle of a byte: a character is missing",
		"AA==A": "decode: there is more behind the = at offset 3",
		"AA=":   "decode: it ends in 1 times =, which does not fill it up",
		"AAAA=": "decode: it ends in 1 times =, which does not fill it up", // Python takes it
		"AAAé":  "decode: 'é' at offset 3 is not base64",
	} {
		_, err := call(t, "decode", starlark.String(text))
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	if _, err := call(t, "encode", starlark.MakeInt(1)); err == nil ||
		err.Error() != "encode: for parameter data: got int, want bytes or string" {
		t.Error(err)
	}
}

func call(t testing.TB, name string, args ...starlark.Value) (starlark.Value, error) {
	t.Helper()
	return starlark.Call(new(starlark.Thread), values(t)[name], args, nil)
}

// Whatever a client sends is decoded as the standard library does, or refused by both.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "AA==", "-_8", "Zm9v\r\nYmFy", "A", "=", "AA=A", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := call(t, "decode", starlark.String(s))
		plain := strings.Map(func(r rune) rune {
			switch r {
			case ' ', '\t', '\r', '\n', '\v', '\f':
				return -1
			case '-':
				return '+'
			case '_':
				return '/'
			}
			return r
		}, s)
		want, wrong := stock.StdEncoding.DecodeString(plain)
		if wrong != nil {
			want, wrong = stock.RawStdEncoding.DecodeString(plain)
		}
		if (err != nil) != (wrong != nil) || err == nil && v != starlark.Bytes(want) {
			t.Errorf("%q: got %v, %v; want %q, %v", s, v, err, want, wrong)
		}
	})
}
