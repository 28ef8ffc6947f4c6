package response_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/body"
	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// tree are the files of the applications of the tests.
var tree = fstest.MapFS{
	"public/a.txt":       {Data: []byte("0123456789")},
	"public/empty.bin":   {},
	".env":               {Data: []byte("secret")},
	".well-known/a.json": {Data: []byte("{}")},
}

// eval evaluates an expression with the members of @response, and set_cookie.
func eval(t testing.TB, expr string) (starlark.Value, error) {
	t.Helper()
	vars, err := response.Module().Values(&host.Load{Tree: tree})
	if err != nil {
		t.Fatal(err)
	}
	more, err := libhttp.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	vars["set_cookie"] = more["set_cookie"]
	return starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "test", expr, vars)
}

// TestResponse compares what responses say of themselves, and what is refused where they are made.
func TestResponse(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{`text("a").headers`, `(("Content-Type", "text/plain; charset=utf-8"),)`},
		{`text("a", headers = [("content-type", "text/csv"), ("X", "1")]).headers`,
			`(("content-type", "text/csv"), ("X", "1"))`},
		{`text("a", headers = [("Vary", "Cookie"), ("Vary", "Accept")]).headers[1:]`,
			`(("Vary", "Cookie"), ("Vary", "Accept"))`},
		{`text("a", cookies = [set_cookie("a", "1")]).header("Set-Cookie")`,
			`"a=1; Path=/; HttpOnly; SameSite=Lax"`},
		{`text("a", cookies = {"a": "é;"}).header("Set-Cookie")`,
			`"a=\"\\303\\251\\073\"; Path=/; HttpOnly; SameSite=Lax"`},
		{`text("", 204).headers`, `()`},
		{`empty(200).headers, empty(404).headers, empty(205).headers`, `((("Content-Length", "0"),), (("Content-Length", "0"),), ())`},
		{`empty(201, headers = {"content-length": "0"}).headers`, `(("content-length", "0"),)`},
		{`empty(200).replace(204).headers, empty(200).replace(body = "a").headers`, `((), ())`},
		{`empty(304, headers = {"ETag": '"1"'}).headers`, `(("ETag", "\"1\""),)`},
		{`json(None).text`, `"null"`},
		{`json([1, 2], "\t").text`, `"[\n\t1,\n\t2\n]"`},
		{`json([1], 0).text`, `"[\n1\n]"`},
		{`data("a", "image/png", 201).status`, `201`},
		{`text("a").with_headers({"X": "1"}).with_headers({"x": "2"}).headers[1:]`, `(("x", "2"),)`},
		{`text("a").with_cookies({"a": "1"}).with_cookies({"b": "2"}).headers[2]`,
			`("Set-Cookie", "b=2; Path=/; HttpOnly; SameSite=Lax")`},
		{`text("a").replace(body = ["b", b"c"]).text`, `"bc"`},
		{`text("a").replace(204)`, "LARK0403: replace: a response with status 204 has no body; write empty(204)"},
		{`text("a", headers = {"X": "1"}).replace(204, body = "").headers`, `(("X", "1"),)`},
		{`text("a", cookies = {"a": "1", "b": "2"}).replace(cookies = {}).headers[1:]`, `()`},
		{`text("a").replace("200")`, "LARK0403: replace: status is string, not an int"},
		{`text("a").replace(body = 1)`, "LARK0403: replace: body is int, neither a block nor an iterable"},
		{`stream(["a"], "text/plain").replace(body = "b").text`, `"b"`},
		{`stream(["a"], "text/plain").body`, `["a"]`},
		{`stream(lambda: 1, "text/plain").text`, `None`},
		{`file("public/a.txt").body`, `None`},
		{`file("/.well-known/a.json").header("Content-Type")`, `"application/json"`},
		{`file("public/a.txt", download = 'a"b%.txt').header("Content-Disposition")`,
			`"attachment; filename=\"a_b_.txt\"; filename*=UTF-8''a%22b%25.txt"`},
		{`problem(500, "T", "D", type = "/p", instance = "/i", balance = None).text`,
			`"{\"title\":\"T\",\"status\":500,\"detail\":\"D\",\"type\":\"/p\",\"instance\":\"/i\",\"balance\":null}"`},
		{`events([]).headers`, `(("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no"), ("Content-Type", "text/event-stream"))`},
		{`redirect("  /a ").header("location")`, `"/a"`},
		{`redirect("//h/").header("location")`, `"//h/"`},
		{`redirect("/a%20b?c=%zz#é").header("location")`, `"/a%20b?c=%zz#%C3%A9"`},
		{`redirect("\\\\h").header("location")`, `"%5C%5Ch"`},
		{`redirect("mailto:a@b").header("location")`, `"mailto:a@b"`},

		{`text(1)`, "LARK0403: text: body is int, not a string; convert it with str()"},
		{`text("a", 99)`, "LARK0403: text: status 99 is not between 200 and 599"},
		{`text("a", 304)`, "LARK0403: text: a response with status 304 has no body; write empty(304)"},
		{`text("a", "200")`, "LARK0403: text: for parameter status: got string, want int"},
		{`text("a", headers = [("X", "a\nb")])`, "LARK0207: headers[0]: the value of X has a control character"},
		{`text("a", headers = {"X": "a\r\nSet-Cookie: b"})`, "LARK0207"},
		{`text("a", headers = {"X: y": "a"})`, "LARK0206"},
		{`text("a", headers = {"Connection": "close"})`, "LARK0208"},
		{`text("a", headers = {"Content-Length": "+1"})`, "LARK0210"},
		{`text("a", headers = [("X", 1)])`, "LARK0205: headers[0]: the value of X is int, not a string"},
		{`text("a", headers = [["X", "1"]])`, "LARK0205: headers[0] is list"},
		{`text("a", headers = "X: 1")`, "LARK0204: headers is string"},
		{`text("a", cookies = [("a", "1")])`, `LARK0403: cookies[0] is ("a", "1"), not what set_cookie`},
		{`text("a", cookies = {"a b": "1"})`, "LARK0403: set_cookie: "},
		{`text("a", cookies = {"a": "1\r\n"})`, "LARK0403: set_cookie: the value has a control character"},
		{`text("a", cookies = {"a": 1})`, "LARK0403: cookies has string: int"},
		{`data("a", "png")`, `LARK0403: data: content_type "png" is no media type`},
		{`data("a", "a/b\r\nX: 1")`, "LARK0403"},
		{`json({1: 2})`, "json: "},
		{`json(1, indent = -1)`, "LARK0403: json: indent is -1"},
		{`redirect("")`, "LARK0403: redirect: to is empty"},
		{`redirect("JavaScript:alert(1)")`, "LARK0403: redirect: to is a script (javascript:)"},
		{`redirect(" data:text/html,x")`, "LARK0403: redirect: to is a script (data:)"},
		{`redirect("java\tscript:alert(1)")`, "LARK0403: redirect: to has a control character"},
		{`redirect("/", 200)`, "LARK0403: redirect: status 200 is none of"},
		{`problem(200)`, "LARK0403: problem: status 200 is not between"},
		{`problem(404, type = 1)`, "LARK0403: problem: type is int, not a string"},
		{`problem(404, x = len)`, `LARK0403: problem: "x": `},
		{`stream(1)`, "LARK0403: stream: fn is int"},
		{`stream([], trailers = {"X": "a\n"})`, "LARK0207"},
		{`events([], heartbeat = -1)`, "LARK0403: events: heartbeat is -1"},
		{`file("../a")`, "LARK0405"},
		{`file("public")`, "LARK0405"},
		{`file("public/../.env")`, "LARK0405"},
		{`file(".env")`, "LARK0405"},
		{`file("a\x00b")`, "LARK0405"},
		{`file("a.txt", directory = "x")`, `LARK0403: file: directory is string, not a directory of @files`},
		{`file(1)`, `LARK0403: file: path is int, neither a string nor an open file`},
		{`file("public/a.txt", download = "a/b")`, "LARK0403: file: download"},
		{`file("public/a.txt", download = "a\r\nb")`, "LARK0403: file: download"},
		{`text("a")(1, 2)`, "LARK0403: environ is int, not a dict"},
		{`text("a")({}, 2)`, "LARK0403: start_response is int, not a function"},
		{`text("a")({})`, "LARK0403: response: missing argument for start_response"},
		{`text("a").nothing`, "response has no .nothing field or method"},
	} {
		v, err := eval(t, c.expr)
		switch {
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %s", c.expr, err, c.want)
		case err == nil && v.String() != c.want:
			t.Errorf("%s: %s, want %s", c.expr, v, c.want)
		}
	}
}

// FuzzFields verifies that no header, cookie, target of a redirect or name of a download says
// anything besides what it is to say.
func FuzzFields(f *testing.F) {
	f.Add("X-A", "1", "a", "/x")
	f.Add("X-A\r\nX-B", "1\r\nX-C: 2", "a=b; Domain=x", "/x\r\nX-D: 3")
	f.Add("Set-Cookie", "\x00", "\"", "javascript:\t")
	f.Fuzz(func(t *testing.T, name, value, cookie, to string) {
		vars, err := response.Module().Values(&host.Load{Tree: tree})
		if err != nil {
			t.Fatal(err)
		}
		call := func(member string, args starlark.Tuple, kwargs ...starlark.Tuple) *response.Response {
			v, err := starlark.Call(new(starlark.Thread), vars[member], args, kwargs)
			if err != nil {
				return nil
			}
			return v.(*response.Response)
		}
		dict := func(key, value string) *starlark.Dict {
			d := starlark.NewDict(1)
			_ = d.SetKey(starlark.String(key), starlark.String(value)) // nothing iterates
			return d
		}
		for _, r := range []*response.Response{
			call("text", starlark.Tuple{starlark.String("")},
				starlark.Tuple{starlark.String("headers"), dict(name, value)}),
			call("text", starlark.Tuple{starlark.String("")},
				starlark.Tuple{starlark.String("cookies"), dict(cookie, value)}),
			call("redirect", starlark.Tuple{starlark.String(to)}),
			call("file", starlark.Tuple{starlark.String("public/a.txt"), starlark.String(to)}),
			call("data", starlark.Tuple{starlark.String(""), starlark.String(value)}),
		} {
			if r == nil {
				continue
			}
			for i, field := range r.Fields {
				if err := environ.CheckField(field, "fields", i); err != nil {
					t.Errorf("%q: %v", r.Fields, err)
				}
				if field.Name == "Set-Cookie" && strings.Count(field.Value, ";") != 3 && name != "Set-Cookie" {
					t.Errorf("the cookie %q %q is %q", cookie, value, field.Value)
				}
			}
		}
	})
}

// serve serves an application of the tests.
func serve(t testing.TB, source string) *httptest.Server {
	t.Helper()
	files := fstest.MapFS{"app.star": {Data: []byte(`
load("@response", "response", "text", "html", "json", "stream", "events", "file", "redirect", "empty")
load("@http", "abort")
load("@body", "body", "body_map", "ticks")
` + source)}}
	for name, f := range tree {
		files[name] = f
	}
	p, err := runtime.Load(&runtime.Config{
		FS: files, Modules: []*host.Module{response.Module(), libhttp.Module(), body.Module()},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&server.Handler{App: p, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(s.Close)
	return s
}

// ask returns status, body and the named field of an answer.
func ask(t testing.TB, s *httptest.Server, method, path, field string, header ...string) string {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return strings.TrimSuffix(fmt.Sprintf("%d %q %s %v", res.StatusCode, text, res.Header.Get(field), err), " <nil>")
}

// TestAnswers asks applications that answer with responses of each kind.
func TestAnswers(t *testing.T) {
	s := serve(t, `
PAGE = html("<p>")
FILE = file("public/a.txt")
def rows(out):
    out.write("a")
    out.write(b"b")
def deep(n):
    return deep(n - 1) if n else abort(404, "no <note>", headers = {"X-A": "1"})
def late(_):
    abort(410)
CLOSED = []
def app(environ, start_response):
    p = environ["PATH_INFO"]
    if p == "/page": r = PAGE
    if p == "/file": r = FILE
    if p == "/missing": r = file("public/a.txt").replace(status = 404)
    if p == "/empty.bin": r = file("public/empty.bin")
    if p == "/rows": r = stream(rows, "text/plain")
    if p == "/lazy": r = stream(lambda: body_map(str, [1, 2]), "text/plain")
    if p == "/list": r = stream(["x", "y"], "text/plain", 202)
    if p == "/wrong": r = stream(lambda: 1, "text/plain")
    if p == "/deep": r = deep(50)
    if p == "/expr": r = None or abort(403)
    if p == "/late": r = stream(lambda: body_map(late, [1]), "text/plain")
    if p == "/away": r = abort(redirect("/x"))
    if p == "/304": r = abort(304)
    if p == "/caught":
        _, e = catch(abort, 402, "pay")
        r = text("%d %s %s" % (e.status, e.kind, e.message))
    if p == "/empty": r = empty()
    return r(environ, start_response)
`)
	for _, c := range []struct {
		method, path, field string
		header              []string
		want                string
	}{
		{"GET", "/page", "Content-Type", nil, `200 "<p>" text/html; charset=utf-8`},
		{"HEAD", "/page", "Content-Length", nil, `200 "" 3`},
		{"GET", "/file", "Content-Length", nil, `200 "0123456789" 10`},
		{"HEAD", "/file", "Content-Length", nil, `200 "" 10`},
		{"GET", "/file", "Content-Range", []string{"Range", "bytes=2-4"}, `206 "234" bytes 2-4/10`},
		{"GET", "/file", "Content-Range", []string{"Range", "bytes=-3"}, `206 "789" bytes 7-9/10`},
		{"GET", "/file", "Content-Range", []string{"Range", "bytes=10-"},
			`416 "invalid range: failed to overlap\n" bytes */10`},
		{"GET", "/file", "Content-Range", []string{"Range", "lines=1-2"}, `200 "0123456789" `},
		{"POST", "/file", "Content-Range", []string{"Range", "bytes=2-4"}, `200 "0123456789" `},
		{"GET", "/file", "Content-Length", []string{"If-None-Match", "*"}, `304 "" `},
		{"GET", "/missing", "Content-Length", []string{"Range", "bytes=2-4"}, `404 "0123456789" 10`},
		{"GET", "/empty.bin", "Content-Length", nil, `200 "" 0`},
		{"GET", "/rows", "Content-Type", nil, `200 "ab" text/plain`},
		{"HEAD", "/rows", "Content-Type", nil, `200 "" text/plain`},
		{"GET", "/lazy", "Content-Type", nil, `200 "12" text/plain`},
		{"GET", "/wrong", "Content-Type", nil, `500 "500 Internal Server Error\n" text/plain; charset=utf-8`},
		{"GET", "/deep", "X-A", nil, `404 "404 Not Found\nno <note>\n" 1`},
		{"GET", "/deep", "Content-Type", []string{"Accept", "application/json"},
			`404 "{\"title\":\"Not Found\",\"status\":404,\"detail\":\"no \\u003cnote\\u003e\"}\n" application/problem+json`},
		{"GET", "/expr", "Vary", nil, `403 "403 Forbidden\n" Accept`},
		{"GET", "/late", "Vary", nil, `410 "410 Gone\n" Accept`},
		{"GET", "/away", "Location", nil, `303 "303 See Other\n" /x`},
		{"GET", "/304", "Content-Type", nil, `304 "" `},
		{"GET", "/caught", "", nil, `200 "402 abort pay" `},
		{"GET", "/empty", "Content-Type", nil, `204 "" `},
	} {
		if got := ask(t, s, c.method, c.path, c.field, c.header...); got != c.want {
			t.Errorf("%s %s %v: %s, want %s", c.method, c.path, c.header, got, c.want)
		}
	}
	// What stands in a global answers many at once.
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if got := ask(t, s, "GET", "/file", "Accept-Ranges"); got != `200 "0123456789" bytes` {
					t.Error(got)
				}
			}
		})
	}
	all.Wait()
}

// TestErrorPage verifies that what an application answers with is what the server would.
func TestErrorPage(t *testing.T) {
	env := starlark.NewDict(2)
	for _, kv := range [][2]string{{"HTTP_ACCEPT", "text/html"}, {"larkspur.request_id", "r-1"}} {
		if err := env.SetKey(starlark.String(kv[0]), starlark.String(kv[1])); err != nil {
			t.Fatal(err)
		}
	}
	r := response.ErrorPage(env, 500, "<b>")
	page, err := r.Attr("text")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := starlark.AsString(page)
	if !strings.Contains(text, "&lt;b&gt;") || !strings.Contains(text, "Request r-1") || r.Status != 500 {
		t.Errorf("got %d %s", r.Status, text)
	}
	gone := response.AbortPage(410, "", environ.Field{Name: "X-A", Value: "1"})
	if host.StatusOf(gone) != 410 || gone.Error() != "410 Gone" || host.AnswerOf(gone) == nil {
		t.Errorf("got %d %v", host.StatusOf(gone), gone)
	}
}
