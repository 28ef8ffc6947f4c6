package csv_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/csv"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func values(t testing.TB) starlark.StringDict {
	t.Helper()
	v, err := csv.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPython(t *testing.T) { hosttest.Table(t, "testdata/python.txt", values(t)) }

// Wrong use is said, and what a client can choose is bounded.
func TestRefused(t *testing.T) {
	v := values(t)
	for expr, want := range map[string]string{
		`read(1)`:                                 "read: for parameter text: got int, want string or bytes",
		`read("a", ",,")`:                         `read: for parameter delimiter: ",," is not one character, other than a line break`,
		`read("a", "\n")`:                         `read: for parameter delimiter: "\n" is not one character, other than a line break`,
		`read("a", quotechar = "")`:               `read: for parameter quotechar: "" is not one character, other than a line break`,
		`read("a", quotechar = 1)`:                "read: for parameter quotechar: got int, want string or None",
		`read("a", '"')`:                          "read: delimiter and quotechar are the same",
		`read("a", header = 1)`:                   "read: for parameter header: got int, want bool or list",
		`read("a", header = [1])`:                 "read: for parameter header: a name is int, not a string",
		`read("a\n\"b\n\nc", strict = True)`:      "read: line 2: the quote does not end",
		`read("\"a\nb\" c", strict = True)`:       `read: line 2: there is " c" behind the quote that ends`,
		`read("a" * (17 << 20))`:                  "read: 17825792 bytes are more than 16777216",
		`read("," * 1048576)`:                     "read: there are more than 1048576 fields",
		`read("\n" * 1048577)`:                    "read: there are more than 1048576 fields",
		`read("," * 500, header = True)`:          "read: 501 columns are more than 500",
		`write(1)`:                                "write: for parameter rows: got int, want iterable",
		`write([["a"], "b"])`:                     "write: row 1: it is string, not a list of fields",
		`write([[b"a"]])`:                         "write: row 0: a field is bytes; write str(x), or decode(x) of @bytes",
		`write([{"name": 1}, {"nmae": 2}])`:       `write: row 1: there is no column "nmae" (did you mean name?)`,
		`write([{1: 1}])`:                         "write: row 0: the name of a column is int, not a string",
		`write([{"a": 1, 2: 1}], header = ["a"])`: "write: row 0: there is no column 2",
		`write([["a"]], header = "a")`:            "write: header is string, not a list of fields",
		`write([["a"]], quoting = "none")`:        `write: quoting is "none", not minimal, all or nonnumeric`,
		`write([["a,"]], quotechar = None)`:       "write: row 0: a field must be quoted, and quotechar is None",
		`write([["a" * (6 << 20)]] * 3)`:          "write: row 2: the text would be longer than 16777216 bytes",
		`write([[[[0] * 1000] * 1000]])`:          "write: row 0: list is larger than 16777216 bytes",
	} {
		got, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", expr, v)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %.100v, %v\nwant %s", expr, got, err, want)
		}
	}
	got, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", `read(b"\xef\xbb\xbfid\n1", header = True)`, v)
	if err != nil || got.String() != `[{"id": "1"}]` {
		t.Errorf("with a byte order mark: %v, %v", got, err)
	}
}

// Any text is a table, and one that was written is read again.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"", "a,b\r\n\"c\"\"\n\",d", "\"", "a\"b\n\n,", "\xff,é"} {
		f.Add(s, ",")
		f.Add(s, "é")
	}
	v := values(f)
	f.Fuzz(func(t *testing.T, text, delimiter string) {
		call := func(name string, x starlark.Value) (starlark.Value, error) {
			args := starlark.Tuple{x, starlark.String(delimiter)}
			return starlark.Call(new(starlark.Thread), v[name], args, nil)
		}
		rows, err := call("read", starlark.String(text))
		if err != nil {
			if !strings.Contains(err.Error(), "delimiter") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		written, err := call("write", rows)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := call("read", written)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := starlark.Equal(rows, again); err != nil || !same {
			t.Errorf("%q is %v, written as %v and read as %v", text, rows, written, again)
		}
	})
}
