package http_test

import (
	"strings"
	"testing"

	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/runtime/host"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// evaluate evaluates an expression with the members of @http, and d(**kwargs), a dict.
func evaluate(t testing.TB, expr string) (starlark.Value, error) {
	t.Helper()
	vars, err := libhttp.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	vars["time"] = startime.Module
	vars["verdict"] = starlark.NewBuiltin("verdict", starlarkstruct.Make)
	return starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "test", expr, vars)
}

// TestRequest compares what functions make of fields that are well and badly formed.
func TestRequest(t *testing.T) {
	const (
		date  = `Fri, 27 Nov 2026 03:00:00 GMT`
		stamp = `1795748400` // date
	)
	get := func(field, value string) string {
		return `{"REQUEST_METHOD": "GET", "` + field + `": '` + value + `'}`
	}
	none := func(value string) string { return get("HTTP_IF_NONE_MATCH", value) }
	auth := func(value string) string { return get("HTTP_AUTHORIZATION", value) }
	since := `{"REQUEST_METHOD": "GET", "HTTP_IF_MODIFIED_SINCE": "` + date + `"}`
	for _, c := range []struct{ expr, want string }{
		{`accepts({}, ["a/b"])`, `"a/b"`},
		{`accepts({}, ())`, `None`},
		{`accepts({"HTTP_ACCEPT": "text/*"}, ("a/b", "text/x"))`, `"text/x"`},
		{`accepts({}, ["html"])`, `LARK0403: accepts: "html" is no media type`},
		{`accepts({}, "text/html")`, `LARK0403: accepts: got string, not a list`},
		{`accepts({}, [1])`, `LARK0403: accepts: 1 is no media type`},
		{`accepts({"HTTP_ACCEPT": 1}, ["a/b"])`, `LARK0403: environ["HTTP_ACCEPT"] is a int`},
		{`languages({"HTTP_ACCEPT_LANGUAGE": "de-AT"}, ["en", "de"])`, `"de"`},
		{`languages({}, ["d_e"])`, `LARK0403: languages: "d_e" is no language tag`},

		{`basic_auth(` + auth("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") + `)`, `("Aladdin", "open sesame")`},
		{`basic_auth(` + auth("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ") + `)`, `("Aladdin", "open sesame")`},
		{`basic_auth(` + auth("Basic dGVzdDoxMjPCow==") + `)`, `("test", "123£")`}, // RFC 7617, section 2.1
		{`basic_auth(` + auth("Basic YTpiOmM=") + `)`, `("a", "b:c")`},
		{`basic_auth(` + auth("Basic Og==") + `)`, `("", "")`},
		{`basic_auth(` + auth("Basic YQ==") + `)`, `None`},     // no colon
		{`basic_auth(` + auth("Basic YQo6Yg==") + `)`, `None`}, // a line break
		{`basic_auth(` + auth("Basic %%%") + `)`, `None`},
		{`basic_auth(` + auth("Basic") + `)`, `None`},
		{`basic_auth(` + auth("Bearer YTpi") + `)`, `None`},
		{`basic_auth({})`, `None`},
		{`bearer(` + auth("Bearer abc-._~+/12==") + `)`, `"abc-._~+/12=="`},
		{`bearer(` + auth("BEARER x") + `)`, `"x"`},
		{`bearer(` + auth("Bearer a b") + `)`, `None`},
		{`bearer(` + auth("Bearer ==") + `)`, `None`},
		{`bearer(` + auth("Bearer =a") + `)`, `None`},
		{`bearer(` + auth("Bearer ") + `)`, `None`},
		{`bearer(` + auth("Basic YTpi") + `)`, `None`},
		{`client_ip({"REMOTE_ADDR": "::1"})`, `"::1"`},
		{`client_ip({})`, `None`},

		{`not_modified(` + none(`"a"`) + `, "a")`, `True`},
		{`not_modified(` + none(`W/"a"`) + `, '"a"')`, `True`},
		{`not_modified(` + none(`"a"`) + `, 'W/"a"')`, `True`},
		{`not_modified(` + none(` "x,y" ,, "a"`) + `, "a")`, `True`},
		{`not_modified(` + none(`"x,y"`) + `, "x,y")`, `True`},
		{`not_modified(` + none(`"x\\"`) + `, "x\\")`, `True`},
		{`not_modified(` + none(`"b"`) + `, "a")`, `False`},
		{`not_modified(` + none(`a`) + `, "a")`, `False`},
		{`not_modified(` + none(`"b", a, "a"`) + `, "a")`, `False`}, // ends where it is malformed
		{`not_modified(` + none(`"a`) + `, "a")`, `False`},
		{`not_modified(` + none(`*`) + `)`, `True`},
		{`not_modified(` + none(`"a"`) + `)`, `False`},
		{`not_modified({"REQUEST_METHOD": "HEAD", "HTTP_IF_NONE_MATCH": '"a"'}, "a")`, `True`},
		{`not_modified({"REQUEST_METHOD": "POST", "HTTP_IF_NONE_MATCH": '"a"'}, "a")`, `False`},
		{`not_modified(` + since + `, modified = ` + stamp + `)`, `True`},
		{`not_modified(` + since + `, modified = ` + stamp + `.9)`, `True`},
		{`not_modified(` + since + `, modified = ` + stamp + ` + 1)`, `False`},
		{`not_modified(` + since + `, modified = time.from_timestamp(` + stamp + `))`, `True`},
		{`not_modified(` + since + `, "a")`, `False`},
		{`not_modified(` + since + `)`, `False`},
		{`not_modified({"REQUEST_METHOD": "GET", "HTTP_IF_NONE_MATCH": '"b"', "HTTP_IF_MODIFIED_SINCE": "` +
			date + `"}, "a", ` + stamp + `)`, `False`}, // the first counts
		{`not_modified(` + get("HTTP_IF_MODIFIED_SINCE", "yesterday") + `, modified = 1)`, `False`},
		{`not_modified(` + none(`"a"`) + `, 'a"b')`, `LARK0403: not_modified: etag "a\"b" is none`},
		{`not_modified(` + none(`"a"`) + `, 1)`, `LARK0403: not_modified: etag 1 is none`},
		{`not_modified(` + since + `, modified = "x")`, `LARK0403: not_modified: modified is "x", not a time`},

		{`abort("404")`, `LARK0403: abort: status is string`},
		{`abort(199)`, `LARK0403: abort: status 199`},
		{`abort()`, `LARK0403: abort: missing argument for status`},
		{`abort(404, 1)`, `LARK0403: abort: message is int`},
		{`abort(404, headers = {"X": "a\n"})`, `LARK0207`},
		{`preload({"http2.push": lambda t: verdict(status = "promised", reason = "")}, "/a", "style")`, `"push"`},
		{`preload({"http2.push": lambda t: verdict(status = "skipped", reason = "diary")}, "/a", "style")`, `""`},
		{`preload({"http2.push": lambda t: verdict(status = "skipped", reason = "limit"), ` +
			`"wsgi.early_hints": lambda l: None}, "/a", "style")`, `"hint"`},
		{`preload({"http2.push": lambda t: verdict(status = "skipped", reason = "foreign"), ` +
			`"larkspur.link": lambda l: l == "</a%3E>; rel=preload; as=style"}, "/a>", "style")`, `"link"`},
		{`preload({"larkspur.link": lambda l: False}, "/a", "style")`, `""`},
		{`preload({"wsgi.early_hints": lambda l: fail("broken")}, "/a", "style")`, `broken`},
		{`preload({}, "/a\r\nb", "style")`, `LARK0403: preload: target`},
		{`preload({}, "/a", "css")`, `LARK0403: preload: as_ "css" is no destination; write one of audio`},
	} {
		v, err := evaluate(t, c.expr)
		switch {
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %s", c.expr, err, c.want)
		case err == nil && v.String() != c.want:
			t.Errorf("%s: %s, want %s", c.expr, v, c.want)
		}
	}
}

// FuzzRequest verifies that no field of a request makes a function fail.
func FuzzRequest(f *testing.F) {
	f.Add(`"a", W/"b"`)
	f.Add("Basic YTpi")
	f.Add("Bearer a.b")
	f.Add("text/html;q=0.5, */*")
	f.Add("Fri, 27 Nov 2026 03:00:00 GMT")
	vars, err := libhttp.Module().Values(new(host.Load))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, field string) {
		env := starlark.NewDict(8)
		for _, key := range []string{
			"HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_AUTHORIZATION", "HTTP_IF_NONE_MATCH",
			"HTTP_IF_MODIFIED_SINCE", "HTTP_COOKIE", "QUERY_STRING",
		} {
			if err := env.SetKey(starlark.String(key), starlark.String(field)); err != nil {
				t.Fatal(err)
			}
		}
		_ = env.SetKey(starlark.String("REQUEST_METHOD"), starlark.String("GET")) // as above
		for name, args := range map[string]starlark.Tuple{
			"accepts":      {env, starlark.Tuple{starlark.String("text/html"), starlark.String("a/b")}},
			"languages":    {env, starlark.Tuple{starlark.String("en"), starlark.String("de-AT")}},
			"basic_auth":   {env},
			"bearer":       {env},
			"not_modified": {env, starlark.String("a"), starlark.MakeInt(1)},
		} {
			if _, err := starlark.Call(new(starlark.Thread), vars[name], args, nil); err != nil {
				t.Errorf("%s of %q: %v", name, field, err)
			}
		}
	})
}
