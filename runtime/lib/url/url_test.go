package url_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/url"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// values are those of the module, and for the table parts, the tuple of parse, and hosts, what is
// in its netloc.
func values(t testing.TB) starlark.StringDict {
	t.Helper()
	v, err := url.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	more, err := starlark.ExecFileOptions(new(syntax.FileOptions), new(starlark.Thread), "more.star", `
def parts(*args): return tuple(parse(*args))
def hosts(url):
    u = parse(url)
    return [u.username, u.password, u.hostname]
`, v)
	if err != nil {
		t.Fatal(err)
	}
	for name, fn := range more {
		v[name] = fn
	}
	return v
}

func TestPython(t *testing.T) { hosttest.Table(t, "testdata/python.txt", values(t)) }

func eval(expr string, v starlark.StringDict) (starlark.Value, error) {
	return starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "expr", expr, v)
}

// Wrong use is said, and what a client can choose is bounded.
func TestRefused(t *testing.T) {
	v := values(t)
	for expr, want := range map[string]string{
		`quote(1)`:                             "quote: for parameter string: got int, want string or bytes",
		`quote("a", 1)`:                        "quote: for parameter safe: got int, want string or bytes",
		`quote("é", "", "latin-2")`:            `quote: unknown encoding "latin-2"; there are utf-8, latin-1 and ascii`,
		`quote(b"a", "", "utf-8")`:             "quote: bytes have no encoding: pass neither encoding nor errors",
		`quote("a" * (17 << 20))`:              "quote: for parameter string: 17825792 bytes are more than 16777216",
		`unquote("a%FFb", errors = "strict")`:  "unquote: byte 0xff at offset 1 is not utf-8, behind offset 0",
		`urlencode(1)`:                         "urlencode: for parameter query: got int, want dict or iterable",
		`urlencode(["ab"])`:                    `urlencode: for parameter query: at index 0: got "ab", want a pair: (name, value)`,
		`urlencode([("a", 1, 2)])`:             `urlencode: for parameter query: at index 0: got ("a", 1, 2), want a pair: (name, value)`,
		`urlencode({"a": 1}, quote_via = 1)`:   "urlencode: for parameter quote_via: got int, want callable",
		`urlencode({"a": 1}, quote_via = len)`: "len: got 2 arguments, want 1",

		`urlencode([("a", "x" * (6 << 20))] * 3)`: "urlencode: the result would be longer than 16777216 bytes",
		`parse_qsl("a&b", max_num_fields = 1)`:    "parse_qsl: there are 2 parts, more than 1",
		`parse_qsl("&" * 1048576)`:                "parse_qsl: there are 1048577 parts, more than 1048576",
		`parse_qsl("a", separator = "")`:          "parse_qsl: for parameter separator: it is empty",
		`parse("http://[::1/")`:                   "parse: the brackets of its host are not around an IPv6 address",
		`parse("http://h:99999/").port`:           `the port "99999" is no number from 0 to 65535`,
		`unparse(("a", "b"))`:                     "unparse: for parameter parts: there are 2, not six: scheme, netloc, path, params, query, fragment",
		`unparse("abc")`:                          "unparse: for parameter parts: got string, want iterable",
		`parse("a").hots`:                         "url.parts has no .hots field or method",

		`parse_qs("&".join(["%d=1" % i for i in range(10001)]))`: "parse_qs: there are more than 10000 names; parse_qsl takes more",
	} {
		got, err := eval(expr, v)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %.100v, %v\nwant %s", expr, got, err, want)
		}
	}
}

// The parts of a URL are a tuple, and equal if that is.
func TestParts(t *testing.T) {
	v := values(t)
	for expr, want := range map[string]string{
		`parse("http://h/a?b") == parse("HTTP://h/a?b")`: "True",
		`parse("a") < parse("b")`:                        "True",
		`{parse("a"): 1}[parse("a")]`:                    "1",
		`len(parse("a")), list(parse("a"))[2]`:           `(6, "a")`,
		`parse("//h/a;b?c#d")`: `url.parts(scheme = "", netloc = "h", path = "/a", params = "b", ` +
			`query = "c", fragment = "d")`,
		`type(parse("a")), dir(parse("a"))`: `("url.parts", ["fragment", "geturl", "hostname", ` +
			`"netloc", "params", "password", "path", "port", "query", "scheme", "username"])`,
	} {
		got, err := eval(expr, v)
		if err != nil || got.String() != want {
			t.Errorf("%s:\n got %v, %v\nwant %s", expr, got, err, want)
		}
	}
}

// Whatever a client sends is read, what was quoted is unquoted, and a URL that was put together is
// taken apart into the same parts.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"", "%", "%zz", "a%20b", "é%C3", "\xff", "http://[::1]:80/a;b?c#d",
		"////x", "a=1&b", "//u:p@h:1/../x", "http:g", "a:b:c"} {
		f.Add(s, "../"+s)
	}
	v := values(f)
	call := func(t *testing.T, name string, args ...starlark.Value) starlark.Value {
		t.Helper()
		out, err := starlark.Call(new(starlark.Thread), v[name], args, nil)
		if err != nil && !strings.Contains(err.Error(), "brackets") {
			t.Fatalf("%s(%v): %v", name, args, err)
		}
		return out
	}
	f.Fuzz(func(t *testing.T, s, ref string) {
		text := starlark.String(s)
		for _, way := range [][2]string{{"quote", "unquote_to_bytes"}, {"quote_plus", "unquote_plus"}} {
			got := call(t, way[1], call(t, way[0], text))
			if back, _ := host.Octets(got); back != s && (utf8.ValidString(s) || way[0] == "quote") {
				t.Errorf("%s(%q) is read as %q", way[0], s, back)
			}
		}
		call(t, "unquote", text)
		call(t, "parse_qs", text)
		call(t, "parse_qsl", text)
		call(t, "join", text, starlark.String(ref))
		p := call(t, "parse", text)
		if p == nil {
			return
		}
		whole := call(t, "unparse", p)
		again := call(t, "parse", whole)
		if same, err := starlark.Equal(p, again); err != nil || !same {
			t.Errorf("%q: %v is put together as %v, which is %v", s, p, whole, again)
		}
	})
}
