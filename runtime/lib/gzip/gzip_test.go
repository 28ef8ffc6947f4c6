package gzip_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/gzip"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func values(t testing.TB) starlark.StringDict {
	t.Helper()
	v, err := gzip.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestGzip(t *testing.T) {
	v := values(t)
	// Python: gzip.compress(b"hello", mtime = 0)
	v["python"] = starlark.Bytes("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcbH\xcd\xc9\xc9\x07" +
		"\x00\x86\xa6\x106\x05\x00\x00\x00")
	for expr, want := range map[string]string{
		`decompress(python)`:           `b"hello"`,
		`decompress(python + python)`:  `b"hellohello"`,
		`decompress(b"")`:              `b""`,
		`decompress(compress(""))`:     `b""`,
		`decompress(compress("é", 0))`: `b"é"`,
		`decompress(compress(b"\xff" * 300000, 1)) == b"\xff" * 300000`: `True`,
		`len(compress("a" * 1000000)) < 2000`:                           `True`,
		`compress("a") == compress("a")`:                                `True`,
		`decompress(python, 5)`:                                         `b"hello"`,
		`decompress(python, max_size = 4)`:                              "decompress: it stands for more than max_size, 4 bytes",
		`decompress(python[:-1])`:                                       "decompress: it ends too early",
		`decompress(python[:5])`:                                        "decompress: it ends too early",
		`decompress(python[:-5] + b"\x00" * 5)`:                         "decompress: its checksum is wrong",
		`decompress(python + b"x")`:                                     "decompress: it ends too early",
		`decompress(b"hello, world")`:                                   "decompress: it is not gzip",
		`decompress(python[:10] + b"\xff" * 20)`:                        "decompress: flate: corrupt input before offset 1",
		`decompress(python, 1 << 30)`:                                   "decompress: max_size is 1073741824, not from 0 to 134217728",
		`decompress(compress("\x00" * (1 << 20)) * 33)`:                 "decompress: it stands for more than max_size, 33554432 bytes",
		`compress("a", 10)`:                                             "compress: compresslevel is 10, not from 0 to 9",
		`compress(1)`:                                                   "compress: for parameter data: got int, want bytes or string",
	} {
		got, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", expr, v)
		text := ""
		if err != nil {
			text = err.Error()
		} else {
			text = got.String()
		}
		if text != want {
			t.Errorf("%s:\n got %.200s\nwant %s", expr, text, want)
		}
	}
}

// What a client sends is decompressed, within the bound, or refused.
func FuzzDecompress(f *testing.F) {
	v := values(f)
	for _, s := range []string{"", "hello", strings.Repeat("\x00", 5000)} {
		data, err := starlark.Call(new(starlark.Thread), v["compress"], starlark.Tuple{starlark.String(s)}, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data.(starlark.Bytes)))
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := starlark.Call(new(starlark.Thread), v["decompress"],
			starlark.Tuple{starlark.Bytes(s), starlark.MakeInt(1000)}, nil)
		if err == nil && starlark.Len(got) > 1000 {
			t.Errorf("%q stands for %d bytes", s, starlark.Len(got))
		}
	})
}
