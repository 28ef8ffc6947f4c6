package http_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/environ"
	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

const multipartForm = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n" +
	"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"../x.txt\"\r\nContent-Type: text/plain\r\n\r\none\ntwo\r\n--B--\r\n"

// eval evaluates expr with the values of @http and e, the environ of a POST.
func eval(t testing.TB, target, contentType, body, expr string) (starlark.Value, error) {
	t.Helper()
	vars, err := libhttp.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	r.Header.Set("Cookie", `a=1; b="two"; bad name=3; a=4`)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	vars["e"] = (&environ.Config{MaxBody: -1}).New(environ.FromHTTP(r)).Dict()
	// limited is fn of an environ whose body may have 10 MiB, as it is by default.
	vars["limited"] = starlark.NewBuiltin("limited", func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		return starlark.Call(t, args[0], starlark.Tuple{new(environ.Config).New(environ.FromHTTP(r)).Dict()}, nil)
	})
	// small is an environ whose input is of a Go program, which has bounded it itself.
	small := starlark.NewDict(2)
	r2 := http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader(multipartForm)), 9)
	for k, v := range map[string]starlark.Value{"CONTENT_TYPE": starlark.String(contentType), "wsgi.input": reader{"reader", r2}} {
		if err := small.SetKey(starlark.String(k), v); err != nil {
			t.Fatal(err)
		}
	}
	vars["small"] = small
	vars["catch"] = starlark.NewBuiltin("catch", func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		_, err := starlark.Call(t, args[0], args[1:], nil)
		return starlark.String(fmt.Sprint(err)), nil
	})
	return starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "test", expr, vars)
}

// A reader is a wsgi.input that is none of package environ.
type reader struct {
	host.Object
	io.Reader
}

func TestFunctions(t *testing.T) {
	const form, multi, js = "application/x-www-form-urlencoded", "multipart/form-data; boundary=B", "application/json; charset=utf-8"
	tests := []struct{ name, target, contentType, body, expr, want string }{
		{"query", "/?a=1&b=%C3%A9+x&a=2&c", "", "", `query(e).items()`, `[("a", "1"), ("b", "é x"), ("a", "2"), ("c", "")]`},
		{"query as a mapping", "/?a=1&a=2&b=", "", "", `[query(e)["a"], query(e).getall("a"), query(e).get("z"), query(e).get("z", 0), "b" in query(e), [k for k in query(e)], len(query(e))]`, `["1", ["1", "2"], None, 0, True, ["a", "b"], 2]`},
		{"form", "/", form, "a=1&a=%26", `form(e).getall("a")`, `["1", "&"]`},
		{"form is read once", "/", form, "a=1", `form(e)["a"] + form(e)["a"]`, `"11"`},
		{"input-replaced: form of a replaced input", "/", form, "a=1", `[form(e)["a"], e.update([("wsgi.input", input([b"a=", "2"]))]), form(e)["a"]]`, `["1", None, "2"]`},
		{"form of something else", "/", "text/plain", "a=1", `[len(form(e)), e["wsgi.input"].read()]`, `[0, b"a=1"]`},
		{"multipart", "/", multi, multipartForm, `[form(e).items(), files(e).keys(), files(e)["f"].filename, files(e)["f"].content_type, files(e)["f"].size, files(e)["f"].read()]`, `[[("a", "1")], ["f"], "x.txt", "text/plain", 7, b"one\ntwo"]`},
		{"multipart names of a file", "/", multi, part("a", `C:\dir\x.txt`, "") + part("b", "../..", "") + part("c", "/", "") + part("d", "a b.é", "") + "--B--", `[files(e)[k].filename for k in files(e)]`, `["x.txt", "file", "file", "a b.é"]`},
		{"multipart of several files", "/", multi, part("f", "a", "1") + part("f", "b", "2\n3") + "--B--", `[[f.filename, [l for l in f]] for f in files(e).getall("f")]`, `[["a", [b"1"]], ["b", [b"2\n", b"3"]]]`},
		{"multipart without a file", "/", multi, part("a", "", "1") + "--B--", `[files(e).get("f"), len(files(e)), bool(files(e))]`, `[None, 0, False]`},
		{"multipart of an empty name", "/", multi, part("", "", "1") + part("", "x", "2") + "--B--", `[form(e).items(), files(e)[""].read()]`, `[[("", "1")], b"2"]`},
		{"multipart of nothing", "/", multi, "--B--", `[len(form(e)), len(files(e))]`, `[0, 0]`},
		{"multipart octets", "/", multi, part("\xff", "", "\x00\xfe") + "--B--", `[(list(k.elem_ords()), list(v.elem_ords())) for k, v in form(e).items()]`, `[([255], [0, 254])]`},
		{"query is not the form", "/?a=1", form, "a=2", `[query(e)["a"], form(e)["a"]]`, `["1", "2"]`},
		{"query octets", "/?%ff=%00", "", "", `[(len(k), len(v)) for k, v in query(e).items()]`, `[(1, 1)]`},
		{"query of odd pairs", "/?&=&a&=1&;b=2", "", "", `query(e).items()`, `[("", ""), ("a", ""), ("", "1"), (";b", "2")]`},
		{"query of nothing", "/", "", "", `[query(e).items(), query({}).keys(), bool(query(e))]`, `[[], [], False]`},
		{"values cannot be changed", "/?a=1", "", "", `[query(e).getall("a").append(2), query(e).keys().append(2), query(e).items().append(2), query(e).getall("a"), query(e).keys()]`, `[None, None, None, ["1"], ["a"]]`},
		{"values as a dict", "/?a=1&b=2&a=3", "", "", `[dict(query(e).items()), "a" in query(e), "c" in query(e), 1 in query(e)]`, `[{"a": "3", "b": "2"}, True, False, False]`},
		{"cookies", "/", "", "", `cookies(e).items()`, `[("a", "1"), ("b", "two"), ("a", "4")]`},
		{"json", "/", js, `{"a":[1,-2.5,1e2,true,null,"é"],"n":123456789012345678901234567890}`, `json(e)`, `{"a": [1, -2.5, 100.0, True, None, "é"], "n": 123456789012345678901234567890}`},
		{"json twice", "/", js, `[]`, `[json(e).append(1), json(e)]`, `[None, []]`},
		{"cookies of nothing", "/", "", "", `cookies({}).items()`, `[]`},
		{"cookies that are none", "/", "", "", `cookies({"HTTP_COOKIE": ";; =1; a; b=\x01; c=é; d=1"}).items()`, `[("a", ""), ("c", "é"), ("d", "1")]`},
		{"json of another JSON", "/", "application/ld+json", `1`, `json(e)`, `1`},
		{"json of a type in capitals", "/", "Application/JSON", `1`, `json(e)`, `1`},
		{"set_cookie with all", "/", "", "", `set_cookie("a", "b", path = "/p", domain = "h.test", secure = True, httponly = False, samesite = "none", partitioned = True)[1]`, `"a=b; Path=/p; Domain=h.test; Secure; SameSite=None; Partitioned"`},
		{"set_cookie strict", "/", "", "", `set_cookie("a", "b", max_age = -5, samesite = "Strict")[1]`, `"a=b; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"`},
		{"set_cookie", "/", "", "", `set_cookie("a", "b c", max_age = 60, secure = True)`, `("Set-Cookie", "a=\"b c\"; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax")`},
		{"set_cookie deletes", "/", "", "", `set_cookie("a", "", max_age = 0)[1]`, `"a=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"`},
		{"status", "/", "", "", `[status(404), status(299)]`, `["404 Not Found", "299 Unknown"]`},
		{"input-replaced: input of bytes", "/", "", "", `[l for l in input(b"a\nb")]`, `[b"a\n", b"b"]`},
		{"input-replaced: input of blocks", "/", "", "", `[i.read(1) + i.readline() + i.read() for i in [input([b"", "a", b"b\nc", "", "d"])]]`, `[b"ab\ncd"]`},
		{"input-replaced: input of an input", "/", "", "a\nb", `[l for l in input(e["wsgi.input"])]`, `[b"a\n", b"b"]`},
		{"input-replaced: input of nothing", "/", "", "", `[input(b"").read(), input([]).read(), input([b""]).readline()]`, `[b"", b"", b""]`},
		{"query as Python's parse_qs reads it", "/", "", "", `query({"QUERY_STRING": "q=100%&a=%zz&%=1&b=%2&c=%e9%&%%41=%%"}).items()`, `[("q", "100%"), ("a", "%zz"), ("%", "1"), ("b", "%2"), ("c", "\xe9%"), ("%A", "%%")]`},
		{"form as Python's parse_qs reads it", "/", form, "q=100%&%=1+%2B", `form(e).items()`, `[("q", "100%"), ("%", "1 +")]`},
		{"cookies of browsers", "/", "", "", "cookies({\"HTTP_COOKIE\": 'prefs={\"theme\":\"dark\",\"n\":[1]}; u[name]=é; c=a=b==; d= e f ; x{}()<>@,/?=y; \\tt\\t=\\ta\\tb\\t'}).items()", `[("prefs", "{\"theme\":\"dark\",\"n\":[1]}"), ("u[name]", "é"), ("c", "a=b=="), ("d", "e f"), ("x{}()<>@,/?", "y"), ("t", "a\tb")]`},
		{"cookies in quotes", "/", "", "", "cookies({\"HTTP_COOKIE\": r'a=\"b\\\"c\"; b=\"\\073\\303\\251\"; c=\"; d=\"\"; e=a\"b\"; f=\"\\x\\4\\477\"'}).items()", `[("a", "b\"c"), ("b", ";é"), ("c", "\""), ("d", ""), ("e", "a\"b\""), ("f", "x4477")]`},
		{"set_cookie as werkzeug", "/", "", "", "[set_cookie(\"a\", v)[1].partition(\"; Path\")[0] for v in [\"a;b\", \"a,b\", '{\"a\":1}', \"é\", \"a\\\\b\", \"a=b\"]]", `["a=\"a\\073b\"", "a=\"a\\054b\"", "a=\"{\\\"a\\\":1}\"", "a=\"\\303\\251\"", "a=\"a\\\\b\"", "a=a=b"]`},
		{"multipart in quoted-printable", "/", multi, encoded("quoted-printable", "caf=C3=A9=\r\n au lait") + "--B--", `form(e)["a"]`, `"café au lait"`},
		{"multipart in base64", "/", multi, encoded("Base64", "Y2Fm\r\nw6k=") + "--B--", `form(e)["a"]`, `"café"`},
		{"multipart in 8bit", "/", multi, encoded("8bit", "=C3") + encoded("binary", "=C3") + "--B--", `form(e).getall("a")`, `["=C3", "=C3"]`},
		{"http", "/?a=1", "", "", `http.query(e)["a"]`, `"1"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := eval(t, tt.target, tt.contentType, tt.body, tt.expr)
			if err != nil {
				t.Fatal(err)
			}
			if got := v.String(); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

const formType, jsonType, multiType = "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=B"

// part is a part of a multipart form: a field, or a file if it has a filename.
func part(name, filename, data string) string {
	if filename != "" {
		filename = `; filename="` + filename + `"`
	}
	return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"" + filename + "\r\n\r\n" + data + "\r\n"
}

// encoded is a field whose sender has encoded it for a transport of seven bits.
func encoded(how, data string) string {
	return "--B\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: " + how + "\r\n\r\n" + data + "\r\n"
}

// repeat is n times what makes of 0, 1, 2...
func repeat(n int, what func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(what(i))
	}
	return b.String()
}

// TestBounds sends the most that is allowed, and one more: what the client gets when the
// application lets that pass.
func TestBounds(t *testing.T) {
	racetest.Skip(t)
	key := func(i int) string { return fmt.Sprintf("k%d=&", i) }
	object := func(keys int) string {
		return "{" + strings.TrimSuffix(repeat(keys, func(i int) string { return fmt.Sprintf(`"k%d":0,`, i) }), ",") + "}"
	}
	array := func(n int, of string) string { return "[" + strings.TrimSuffix(strings.Repeat(of+",", n), ",") + "]" }
	nested := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	tests := []struct {
		name, contentType string
		body              func(n int) string
		expr              string
		most, status      int
	}{
		{"keys of a form", formType, func(n int) string { return strings.TrimSuffix(repeat(n, key), "&") }, `form(e)`, 1000, 413},
		{"one key of a form", formType, func(n int) string { return strings.TrimSuffix(strings.Repeat("k&", n), "&") }, `form(e)`, 1000, 413},
		{"bytes of a form", formType, func(n int) string { return strings.Repeat("a", n) }, `form(e)`, 1 << 20, 413},
		{"fields of a multipart form", multiType, func(n int) string { return strings.Repeat(part("a", "", ""), n) + "--B--" }, `form(e)`, 1000, 413},
		{"bytes of fields", multiType, func(n int) string { return part("a", "", strings.Repeat("x", n-1)) + "--B--" }, `form(e)`, 1 << 20, 413},
		{"bytes of fields in all", multiType, func(n int) string {
			return part("a", "", strings.Repeat("x", 1<<19-1)) + part("b", "", strings.Repeat("x", n-1<<19-1)) + "--B--"
		}, `form(e)`, 1 << 20, 413},
		{"bytes of names", multiType, func(n int) string { return part(strings.Repeat("x", n), "", "") + "--B--" }, `form(e)`, 1 << 20, 413},
		{"files", multiType, func(n int) string { return strings.Repeat(part("a", "f", ""), n) + "--B--" }, `files(e)`, 100, 413},
		{"bytes of files", multiType, func(n int) string { return part("a", "f", strings.Repeat("x", n)) + "--B--" }, `files(e)`, 32 << 20, 413},
		{"bytes of files in all", multiType, func(n int) string {
			return part("a", "f", strings.Repeat("x", 31<<20)) + part("a", "f", strings.Repeat("x", n-31<<20)) + "--B--"
		}, `files(e)`, 32 << 20, 413},
		{"bytes of JSON", jsonType, func(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }, `json(e)`, 10 << 20, 413},
		{"depth of JSON", jsonType, nested, `json(e)`, 100, 413},
		{"digits", jsonType, func(n int) string { return strings.Repeat("1", n) }, `json(e)`, 4300, 413},
		{"digits of a fraction", jsonType, func(n int) string { return "1." + strings.Repeat("1", n-2) }, `json(e)`, 4300, 413},
		{"values of JSON", jsonType, func(n int) string { return array(n-1, "0") }, `json(e)`, 1_000_000, 413},
		{"keys of an object", jsonType, object, `json(e)`, 1000, 413},
		{"keys in all", jsonType, func(n int) string { return "[" + strings.Repeat(object(1000)+",", n/1000) + object(n%1000) + "]" }, `json(e)`, 100_000, 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := eval(t, "/", tt.contentType, tt.body(tt.most), tt.expr); err != nil {
				t.Errorf("%d: got %v, want none", tt.most, err)
			}
			refused(t, "/", tt.contentType, tt.body(tt.most+1), tt.expr, tt.status)
		})
	}
	t.Run("keys of a query", func(t *testing.T) {
		for _, expr := range []string{`len(query(e).items())`, `len(query(e))`} {
			if _, err := eval(t, "/?"+strings.TrimSuffix(repeat(1000, key), "&"), "", "", expr); err != nil {
				t.Error(err)
			}
			refused(t, "/?"+repeat(1000, key)+"x", "", "", expr, 413)
		}
	})
	t.Run("cookies", func(t *testing.T) {
		cookies := func(n int) string {
			return `cookies({"HTTP_COOKIE": "; ".join(["k%d=1" % i for i in range(` + strconv.Itoa(n) + `)])}).keys()`
		}
		if v, err := eval(t, "/", "", "", "len("+cookies(1000)+")"); err != nil || v.String() != "1000" {
			t.Errorf("got %v, %v", v, err)
		}
		refused(t, "/", "", "", cookies(1001), 413)
	})
}

// refused holds that expr fails with an error that the client sees as status.
func refused(t *testing.T, target, contentType, body, expr string, status int) {
	t.Helper()
	v, err := eval(t, target, contentType, body, expr)
	var own *environ.Error
	if !errors.As(err, &own) || own.Status != status {
		t.Errorf("got %v, %v; want an error with status %d", v, err, status)
	}
}

// TestCollidingKeys sends as many keys as may be, which all meet in one bucket of a Starlark dict
// (the hash of a short string is FNV-1a): no function takes ten times as long as for other keys.
// Objects, which become such dicts, are refused.
func TestCollidingKeys(t *testing.T) {
	racetest.Skip(t)
	names := func(meet bool) (names []string) {
		for i := 0; len(names) < 1000; i++ {
			h := fnv.New32a()
			name := fmt.Sprintf("k%x", i)
			h.Write([]byte(name))
			if !meet || h.Sum32()&255 == 7 {
				names = append(names, name)
			}
		}
		return names
	}
	for _, tt := range []struct{ name, contentType, open, between, end, expr string }{
		{"form", formType, "", "=&", "=", "form(e)"},
		{"multipart", multiType, "--B\r\nContent-Disposition: form-data; name=", "\r\n\r\n\r\n--B\r\nContent-Disposition: form-data; name=", "\r\n\r\n\r\n--B--", "form(e)"},
		{"object", jsonType, `{"`, `":0,"`, `":0}`, "json(e)"},
	} {
		times := map[bool]time.Duration{}
		for _, meet := range []bool{false, true} {
			body := tt.open + strings.Join(names(meet), tt.between) + tt.end
			times[meet] = time.Hour
			for range 5 { // the best of, on a busy machine
				began := time.Now()
				if meet && tt.name == "object" {
					refused(t, "/", tt.contentType, body, tt.expr, 413)
				} else if _, err := eval(t, "/", tt.contentType, body, tt.expr); err != nil {
					t.Fatal(err)
				}
				times[meet] = min(times[meet], time.Since(began))
			}
		}
		if times[true] > 10*times[false] {
			t.Errorf("%s: keys that collide took %v, others %v", tt.name, times[true], times[false])
		}
	}
}

// TestRefused holds what the client gets when an application lets a fault pass; 0 is the
// application's own.
func TestRefused(t *testing.T) {
	tests := []struct {
		name, contentType, body, expr string
		status                        int
	}{
		{"broken Content-Type", "multipart/form-data; boundary", "", `form(e)`, 400},
		{"no boundary", "multipart/form-data", "", `form(e)`, 400},
		{"cut multipart", multiType, multipartForm[:90], `files(e)`, 400},
		{"cut in a header", multiType, "--B\r\nContent-Dispo", `files(e)`, 400},
		{"cut after a header", multiType, "--B\r\nContent-Disposition: form-data; name=a\r\n", `files(e)`, 400},
		{"not the last boundary", multiType, part("a", "", "1"), `form(e)`, 400},
		{"no multipart", multiType, "a=1", `form(e)`, 400},
		{"a part without a name", multiType, "--B\r\n\r\n1\r\n--B--", `form(e)`, 400},
		{"larger than the server allows", multiType, multipartForm[:50] + strings.Repeat("x", 11<<20), `limited(files, e)`, 413},
		{"not said to be JSON", "text/plain", "{}", `json(e)`, 415},
		{"said to be nothing", "", "{}", `json(e)`, 415},
		{"not JSON", jsonType, "{", `json(e)`, 400},
		{"no JSON", jsonType, "", `json(e)`, 400},
		{"more than JSON", jsonType, "{} {}", `json(e)`, 400},
		{"a number out of range", jsonType, "1e400", `json(e)`, 400},
		{"very deep JSON", jsonType, strings.Repeat("[", 2<<20), `json(e)`, 413},
		{"read once, fails twice", jsonType, "{", `[catch(json, e), json(e)]`, 400},
		{"no field of a query", "", "", `query(e)["name"]`, 400},
		{"no field of a form", formType, "a=1", `form(e)["name"]`, 400},
		{"no file", multiType, multipartForm, `files(e)["a"]`, 400},
		{"no cookie", "", "", `cookies(e)["session"]`, 400},
		{"multipart that is no base64", multiType, encoded("base64", "!!!") + "--B--", `form(e)`, 400},
		{"a form that a Go program bounds", formType, "", `form(small)`, 413},
		{"a multipart form that a Go program bounds", multiType, "", `files(small)`, 413},
		{"JSON that a Go program bounds", jsonType, "", `json(small)`, 413},
		{"wrong argument", "", "", `query(1)`, 0},
		{"two arguments", "", "", `query(e, e)`, 0},
		{"query of no string", "", "", `query({"QUERY_STRING": 1})`, 0},
		{"form without an input", "", "", `form({})`, 0},
		{"name of no string", "", "", `query(e).get(1)`, 0},
		{"cookie that splits a header", "", "", `set_cookie("a", "b\r\nX: y")`, 0},
		{"cookie without a name", "", "", `set_cookie("", "b")`, 0},
		{"cookie with a bad name", "", "", `set_cookie("a b", "b")`, 0},
		{"cookie of anybody, in clear", "", "", `set_cookie("a", "b", samesite = "None")`, 0},
		{"cookie of nobody", "", "", `set_cookie("a", "b", samesite = "Some")`, 0},
		{"cookie for a while", "", "", `set_cookie("a", "b", max_age = "1")`, 0},
		{"cookie of a bad domain", "", "", `set_cookie("a", "b", domain = "a b")`, 0},
		{"status of none", "", "", `status(99)`, 0},
		{"status of an interim response", "", "", `status(103)`, 0},
		{"status of a string", "", "", `status("200")`, 0},
		{"input of a number", "", "", `input(1)`, 0},
		{"input of numbers", "", "", `input([1]).read()`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { refused(t, "/", tt.contentType, tt.body, tt.expr, tt.status) })
	}
}

// TestURL is PEP 3333, "URL Reconstruction".
func TestURL(t *testing.T) {
	const http, https = `"wsgi.url_scheme": "http", `, `"wsgi.url_scheme": "https", `
	tests := []struct{ vars, want string }{
		{http + `"HTTP_HOST": "h", "SCRIPT_NAME": "", "PATH_INFO": "/"`, "http://h/"},
		{http + `"HTTP_HOST": "h:8000", "PATH_INFO": "/a"`, "http://h:8000/a"},
		{http + `"HTTP_HOST": "h:80", "PATH_INFO": "/a"`, "http://h:80/a"}, // as the client said it
		{https + `"HTTP_HOST": "h:8443", "PATH_INFO": "/a"`, "https://h:8443/a"},
		{http + `"HTTP_HOST": "h", "SERVER_NAME": "other", "SERVER_PORT": "81", "PATH_INFO": "/"`, "http://h/"},
		{http + `"HTTP_HOST": "", "SERVER_NAME": "h", "SERVER_PORT": "80", "PATH_INFO": "/"`, "http://h/"},
		{http + `"SERVER_NAME": "h", "SERVER_PORT": "80", "PATH_INFO": "/"`, "http://h/"},
		{http + `"SERVER_NAME": "h", "SERVER_PORT": "443", "PATH_INFO": "/"`, "http://h:443/"},
		{https + `"SERVER_NAME": "h", "SERVER_PORT": "80", "PATH_INFO": "/"`, "https://h:80/"},
		{https + `"SERVER_NAME": "h", "SERVER_PORT": "443", "SCRIPT_NAME": "/m", "PATH_INFO": "/a"`, "https://h/m/a"},
		{http + `"HTTP_HOST": "h", "SCRIPT_NAME": "/m", "PATH_INFO": ""`, "http://h/m"},
		{http + `"HTTP_HOST": "h", "SCRIPT_NAME": "/a b", "PATH_INFO": "/"`, "http://h/a%20b/"},
		{https + `"SERVER_NAME": "::1", "SERVER_PORT": "8443", "SCRIPT_NAME": "/m"`, "https://[::1]:8443/m"},
		{https + `"SERVER_NAME": "[::1]", "SERVER_PORT": "443", "PATH_INFO": "/"`, "https://[::1]/"},
		{http + `"HTTP_HOST": "[::1]", "PATH_INFO": "//a%2F"`, "http://[::1]//a%252F"},
		{http + `"HTTP_HOST": "[2001:db8::1]:8080", "PATH_INFO": "/"`, "http://[2001:db8::1]:8080/"},
		{http + `"HTTP_HOST": "h", "PATH_INFO": "/a b/é", "QUERY_STRING": "x=%20&y=a+b"`, "http://h/a%20b/%C3%A9?x=%20&y=a+b"},
		{http + `"HTTP_HOST": "h", "PATH_INFO": "/a?b#c;d=e:f"`, "http://h/a%3Fb%23c;d=e%3Af"},
		{http + `"HTTP_HOST": "h", "SCRIPT_NAME": "/m;v=1,2", "PATH_INFO": "/~a;b=c,d&e"`, "http://h/m;v=1,2/~a;b=c,d%26e"},
		{http + `"HTTP_HOST": "h", "PATH_INFO": "/-._~", "QUERY_STRING": ""`, "http://h/-._~"},
		{http + `"HTTP_HOST": "h", "PATH_INFO": "/", "QUERY_STRING": "/?%2F"`, "http://h/?/?%2F"},
		{http + `"SERVER_NAME": "h", "PATH_INFO": "/"`, "http://h/"},
	}
	for _, tt := range tests {
		t.Run("url: "+tt.want, func(t *testing.T) {
			v, err := eval(t, "/", "", "", "url({"+tt.vars+"})")
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := starlark.AsString(v); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestURLOfARequest verifies that the environ of a request gives back what was asked for.
func TestURLOfARequest(t *testing.T) {
	for target, want := range map[string]string{
		"/a%20b?c=d": "http://example.com/a%20b?c=d", "/a%2Fb": "http://example.com/a/b", "/": "http://example.com/",
		"/%C3%A9%FF": "http://example.com/%C3%A9%FF", "//a//": "http://example.com//a//",
	} {
		v, err := eval(t, target, "", "", "url(e)")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := starlark.AsString(v); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
}

// TestJSONIsThatOfTheModule verifies that json(environ) and @json's decode make the same of a text.
func TestJSONIsThatOfTheModule(t *testing.T) {
	for _, text := range []string{
		`null`, ` [1, -0, -2.5e+3, 1E2, 0.0, "a\u00e9\n\ud83d\ude00", true, false]`, `{"b": {"a": []}, "a": 1, "b": 2}`, `{}`, `"\ud800"`, "\"\xff\"",
		"12345678901234567890123", "1e308", `"\u0000"`, `[[[]]]`, " \t\r\n0 ",
		`[1,]`, `{"a" 1}`, `{1: 2}`, `1.`, `.5`, `+1`, `-`, `01`, `1e5x`, `[[[`, `"`, `"a`, ``, ` `, `nul`, `NaN`, `'a'`, "\"\n\"", `[] []`, `1e309`, "\ufeff0",
	} {
		want, wantErr := json.Limits{}.Decode(text)
		got, err := eval(t, "/", jsonType, text, "json(e)")
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%q: got error %v, @json has %v", text, err, wantErr)
		} else if err == nil && got.String() != want.String() {
			t.Errorf("%q: got %v, @json has %v", text, got, want)
		}
	}
}

// faultless fails t if err is anything but a fault of the client's.
func faultless(t *testing.T, what string, err error) {
	t.Helper()
	var own *environ.Error
	if err != nil && (!errors.As(err, &own) || own.Status < 400 || own.Status > 415) {
		t.Errorf("%s: %v", what, err)
	}
}

// broken are the percent signs that begin no escape, and all others.
var broken = regexp.MustCompile(`%([0-9a-fA-F]{2})?`)

// FuzzQuery verifies that a query gives the pairs that net/url has in it, in their order, once each
// percent sign that begins no escape is escaped.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"a=1&b=%C3%A9+x&a=2&c", "", "&=&a&=1", "%zz", "a=%2", "a;b=1", "%00=\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := evalVars(t, map[string]string{"QUERY_STRING": s}, `[(k, v) for k, v in query(e).items()]`)
		faultless(t, "query", err)
		whole := broken.ReplaceAllStringFunc(strings.ReplaceAll(s, ";", "%3B"), func(s string) string {
			if len(s) == 1 {
				return "%25"
			}
			return s
		})
		want, wantErr := url.ParseQuery(whole)
		if err != nil {
			if wantErr == nil && strings.Count(s, "&") < 1000 {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		got := url.Values{}
		for pair := range starlark.Elements(v.(*starlark.List)) {
			k, _ := starlark.AsString(pair.(starlark.Tuple)[0])
			v, _ := starlark.AsString(pair.(starlark.Tuple)[1])
			got.Add(k, v)
		}
		if wantErr != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, net/url has %v, %v", s, got, want, wantErr)
		}
	})
}

// FuzzCookies verifies that cookies are read whatever the header, and that what set_cookie writes is
// read back.
func FuzzCookies(f *testing.F) {
	f.Add(`a=1; b="two"; bad name=3; a=4`, "a", "1")
	f.Add(`;; =1; a; b=\x01`, "session", "a b,c")
	f.Add("", "a", `"quoted"`)
	f.Fuzz(func(t *testing.T, header, name, value string) {
		_, err := evalVars(t, map[string]string{"HTTP_COOKIE": header}, `cookies(e).items()`)
		faultless(t, "cookies", err)
		v, err := evalVars(t, map[string]string{"name": name, "value": value}, `set_cookie(e["name"], e["value"])[1].removesuffix("; Path=/; HttpOnly; SameSite=Lax")`)
		if err != nil {
			return // it is refused
		}
		sent, _ := starlark.AsString(v)
		back, err := evalVars(t, map[string]string{"HTTP_COOKIE": sent, "name": name}, `cookies(e)[e["name"]]`)
		if err != nil || back.String() != starlark.String(value).String() {
			t.Errorf("%q=%q was sent as %q and came back as %v, %v", name, value, sent, back, err)
		}
	})
}

// FuzzForm verifies that no body fails with anything but a fault of the client's.
func FuzzForm(f *testing.F) {
	f.Add(multiType, multipartForm)
	f.Add(formType, "a=1&b=%2")
	f.Add(jsonType, `{"a":[1]}`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		for _, expr := range []string{`form(e).items()`, `[(f.filename, f.size == len(f.read())) for _, f in files(e).items()]`, `json(e)`} {
			_, err := eval(t, "/", contentType, body, expr)
			faultless(t, fmt.Sprintf("%s of %q", expr, body), err)
		}
	})
}

// FuzzJSON is TestJSONIsThatOfTheModule for any text.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`[1,-2.5,1e2,true,null,"\u00e9"]`, `{"a":{"b":[]},"a":1}`, `[1,]`, `"\ud800"`, `01`, `[[[`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, wantErr := json.Limits{Depth: 100}.Decode(text)
		got, err := eval(t, "/", jsonType, text, "json(e)")
		faultless(t, text, err)
		if (err == nil) != (wantErr == nil) || err == nil && got.String() != want.String() {
			t.Errorf("%q: got %v, %v; @json has %v, %v", text, got, err, want, wantErr)
		}
	})
}

// evalVars evaluates expr with e an environ of these variables only.
func evalVars(t testing.TB, e map[string]string, expr string) (starlark.Value, error) {
	t.Helper()
	vars, err := libhttp.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	d := new(starlark.Dict)
	for k, v := range e {
		if err := d.SetKey(starlark.String(k), starlark.String(v)); err != nil {
			t.Fatal(err)
		}
	}
	vars["e"] = d
	return starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "test", expr, vars)
}
