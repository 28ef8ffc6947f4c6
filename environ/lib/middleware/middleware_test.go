package middleware_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/middleware"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

const prelude = `
load("@middleware", "middleware", "after", "basic_auth", "before", "cached", "cors", "etags", "method_override", "rate_limit", "same_origin", "security_headers", "timing")
load("@response", "text", "html", "stream", "response")
load("@http", "form", "abort")
load("@body", "body", "body_map")

def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["hello"]
def echo(environ, start_response):
    start_response("200 OK", [])
    return [environ["REQUEST_METHOD"], " ", environ["wsgi.input"].read()]
def tagged(environ, start_response):
    start_response("200 OK", [("ETag", '"own"'), ("Set-Cookie", "a=b")])
    return body(["tagged"], close = lambda: print("closed"))
def streams(environ, start_response):
    start_response("200 OK", [])
    def send(stream):
        stream.write("one ")
        stream.write("two")
    return send
def lazy(environ, start_response):
    start_response("200 OK", [])
    return body(body_map(made, ["a", "b"]), close = lambda: print("closed"))
def made(block):
    print("made", block)
    return block
def writes(environ, start_response):
    write = start_response("200 OK", [("X-App", "1")])
    write("written ")
    return ["returned"]
def restarts(environ, start_response):
    start_response("200 OK", [("X-App", "1")])
    _, error = catch(lambda: 1 // 0)
    start_response("503 Sorry", [("X-App", "2")], error)
    return ["sorry"]
def twice(environ, start_response):
    start_response("200 OK", [])
    start_response("200 OK", [])
    return []
def malformed(environ, start_response):
    start_response("200", [])
    return []
def splits(environ, start_response):
    start_response("200 OK", [("X-A", "a\nb")])
    return []
def silent(environ, start_response):
    return []
def fails(environ, start_response):
    return 1 // 0
def aborts(environ, start_response):
    abort(403, "no")
def nonce(environ, start_response):
    n = environ["larkspur.nonce"]
    start_response("200 OK", [("X-Same", str(n == environ.get("larkspur.nonce") and n == dict(environ)["larkspur.nonce"]))])
    return [n]
def form_too(environ, start_response):
    start_response("200 OK", [])
    return [environ["REQUEST_METHOD"], " ", str(form(environ).items())]
`

// load loads a script whose app is an expression.
func load(script, app string, logger *slog.Logger) (http.Handler, error) {
	p, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(prelude + script + "\napp = " + app)}},
		Modules: []*host.Module{middleware.Module(), response.Module(), libhttp.Module(),
			body.Module()},
		Logger: logger,
	}, "app.star")
	if err != nil {
		return nil, err
	}
	return &server.Handler{App: p, Logger: logger}, nil
}

// visit asks for something, as "GET /path", header fields on lines of their own, a line that is
// empty and a body, and shows what was answered: the status, the fields that are asked for, the body.
func visit(h http.Handler, request string, fields ...string) string {
	head, content, _ := strings.Cut(request, "\n\n")
	line, rest, _ := strings.Cut(head, "\n")
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(content))
	for header := range strings.SplitSeq(rest, "\n") {
		if name, value, ok := strings.Cut(header, ": "); ok {
			r.Header.Add(name, value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var b strings.Builder
	fmt.Fprint(&b, w.Code)
	for _, name := range fields {
		if v := w.Header().Values(name); len(v) > 0 {
			fmt.Fprintf(&b, " %s: %s", name, strings.Join(v, " | "))
		}
	}
	answer, _ := io.ReadAll(w.Body)
	fmt.Fprintf(&b, " %s", strings.ReplaceAll(strings.TrimSpace(string(answer)), "\n", "/"))
	return b.String()
}

// messages are the messages of a log, one a line.
func messages(log *bytes.Buffer) string {
	var all []string
	for _, m := range regexp.MustCompile(`msg=("(?:[^"\\]|\\.)*"|\S+)`).FindAllStringSubmatch(log.String(), -1) {
		all = append(all, strings.Trim(m[1], `"`))
	}
	return strings.Join(all, "/")
}

// every is all middleware that can stand around any application.
const every = `[same_origin, etags(), security_headers, method_override, timing, cors("*"),
    rate_limit(1000, 1), cached(60), before(lambda environ: None), after(lambda environ, response: response)]`

// TestAnyApplication puts all middleware around applications of every kind: what they say goes
// through, blocks are made as before, close is called once, and what is wrong is said with its place.
func TestAnyApplication(t *testing.T) {
	for _, tt := range []struct{ app, request, want, log string }{
		{"hello", "GET /", "200 hello", ""},
		{"hello", "HEAD /", "200 ", ""},
		{"tagged", "GET /", "200 tagged", "closed"},
		{"streams", "GET /", "200 one two", ""},
		{"lazy", "GET /", "200 ab", "made a/made b/closed"},
		{"writes", "GET /", "200 X-App: 1 written returned", ""},
		{"restarts", "GET /", "503 X-App: 2 sorry", ""},
		{"twice", "GET /", "500 500 Internal Server Error", "LARK0211: start_response() was called before; pass the error of catch() as exc_info to replace a response"},
		{"malformed", "GET /", "500 500 Internal Server Error", "LARK0202: "},
		{"splits", "GET /", "500 500 Internal Server Error", "LARK0207: "},
		{"silent", "GET /", "500 500 Internal Server Error", "LARK0102: "},
		{"fails", "GET /", "500 500 Internal Server Error", "floored division by zero"},
		{"aborts", "GET /", "403 403 Forbidden/no", ""},
		{"text('hi')", "GET /", "200 hi", ""},
	} {
		for _, wrap := range []string{"", "each", "all"} {
			expr := tt.app
			switch wrap {
			case "each":
				for i := range 10 {
					expr = fmt.Sprintf("ALL[%d](%s)", i, tt.app)
					askOf(t, "ALL = "+every, expr, tt.request, "X-App", tt.want, tt.log)
				}
				continue
			case "all":
				for i := range 10 {
					expr = fmt.Sprintf("ALL[%d](%s)", 9-i, expr)
				}
			}
			askOf(t, "ALL = "+every, expr, tt.request, "X-App", tt.want, tt.log)
		}
	}
}

// askOf asks an application once, and compares what it answers and what is logged.
func askOf(t *testing.T, script, app, request, fields, want, logged string) {
	t.Helper()
	var log bytes.Buffer
	h, err := load(script, app, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if got := visit(h, request, strings.Fields(fields)...); got != want {
		t.Errorf("%s: %s: got %q, want %q; the log is\n%s", app, request, got, want, &log)
	}
	if got := messages(&log); logged == "" && got != "" || !strings.HasPrefix(got, logged) ||
		strings.Count(got, "closed") != strings.Count(logged, "closed") {
		t.Errorf("%s: %s: logged %q, want %q", app, request, got, logged)
	}
	if strings.HasPrefix(logged, "LARK02") && !strings.Contains(log.String(), "place=app.star:") {
		t.Errorf("%s: there is no place in %s", app, &log)
	}
}

// TestMiddleware asks applications with middleware around them, one request after the other.
func TestMiddleware(t *testing.T) {
	for _, tt := range []struct {
		app, fields string
		asks        []string // requests and answers
	}{
		{"same_origin(hello)", "", []string{
			"GET /\nSec-Fetch-Site: cross-site", "200 hello",
			"HEAD /\nSec-Fetch-Site: cross-site", "200 ",
			"POST /", "200 hello",
			"POST /\nSec-Fetch-Site: same-origin", "200 hello",
			"POST /\nSec-Fetch-Site: none", "200 hello",
			"POST /\nSec-Fetch-Site: same-site", "403 403 Forbidden/The request comes from another site.",
			"DELETE /\nSec-Fetch-Site: cross-site", "403 403 Forbidden/The request comes from another site.",
			"POST /\nOrigin: http://example.com", "200 hello",
			"POST /\nOrigin: https://example.com", "200 hello", // TLS may end in a proxy
			"POST /\nOrigin: http://example.com.evil.com", "403 403 Forbidden/The request comes from another site.",
			"POST /\nOrigin: null", "403 403 Forbidden/The request comes from another site.",
			"POST /\nOrigin: %zz", "403 403 Forbidden/The request comes from another site.",
			"POST /\nOrigin: https://a.example\nSec-Fetch-Site: cross-site", "403 403 Forbidden/The request comes from another site.",
		}},
		{`same_origin(trusted = ["https://a.example"])(hello)`, "", []string{
			"POST /\nOrigin: https://a.example\nSec-Fetch-Site: cross-site", "200 hello",
			"POST /\nOrigin: http://a.example\nSec-Fetch-Site: cross-site", "403 403 Forbidden/The request comes from another site.",
		}},
		{`cors(["https://a.example", "http://b.example:80"], headers = ["X-One", "X-Two"], credentials = True, expose = ["X-Count"])(hello)`,
			"Access-Control-Allow-Origin Access-Control-Allow-Methods Access-Control-Allow-Headers Access-Control-Allow-Credentials Access-Control-Max-Age Access-Control-Expose-Headers Vary",
			[]string{
				"GET /", "200 Vary: Origin hello",
				"GET /\nOrigin: https://a.example", "200 Access-Control-Allow-Origin: https://a.example Access-Control-Allow-Credentials: true Access-Control-Expose-Headers: X-Count Vary: Origin hello",
				"GET /\nOrigin: http://b.example", "200 Access-Control-Allow-Origin: http://b.example Access-Control-Allow-Credentials: true Access-Control-Expose-Headers: X-Count Vary: Origin hello",
				"GET /\nOrigin: https://a.example.evil", "200 Vary: Origin hello",
				"OPTIONS /\nOrigin: https://a.example", "200 Access-Control-Allow-Origin: https://a.example Access-Control-Allow-Credentials: true Access-Control-Expose-Headers: X-Count Vary: Origin hello",
				"OPTIONS /\nOrigin: https://a.example\nAccess-Control-Request-Method: PUT\nAccess-Control-Request-Headers: x-one",
				"204 Access-Control-Allow-Origin: https://a.example Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE Access-Control-Allow-Headers: X-One, X-Two Access-Control-Allow-Credentials: true Access-Control-Max-Age: 600 Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers ",
				"OPTIONS /\nOrigin: https://evil.example\nAccess-Control-Request-Method: PUT", "204 Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers ",
			}},
		{`cors("*", headers = "*".elems(), methods = ["GET"], max_age = 5)(hello)`,
			"Access-Control-Allow-Origin Access-Control-Allow-Methods Access-Control-Allow-Headers Access-Control-Max-Age Vary",
			[]string{
				"GET /\nOrigin: https://x.example", "200 Access-Control-Allow-Origin: * hello",
				"OPTIONS /\nOrigin: null\nAccess-Control-Request-Method: GET\nAccess-Control-Request-Headers: x-a,x-b",
				"204 Access-Control-Allow-Origin: * Access-Control-Allow-Methods: GET Access-Control-Allow-Headers: x-a,x-b Access-Control-Max-Age: 5 Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers ",
			}},
		{"etags(hello)", "ETag Content-Type Content-Length", []string{
			"GET /", `200 ETag: "LPJNul-wow4m6Dsqxbning" Content-Type: text/plain Content-Length: 5 hello`,
			"HEAD /", `200 ETag: "LPJNul-wow4m6Dsqxbning" Content-Type: text/plain Content-Length: 5 `,
			"POST /", `200 Content-Type: text/plain Content-Length: 5 hello`,
			"GET /\nIf-None-Match: \"x\", W/\"LPJNul-wow4m6Dsqxbning\"", `304 ETag: "LPJNul-wow4m6Dsqxbning" `,
			"GET /\nIf-None-Match: *", `304 ETag: "LPJNul-wow4m6Dsqxbning" `,
			"GET /\nIf-None-Match: \"other\"", `200 ETag: "LPJNul-wow4m6Dsqxbning" Content-Type: text/plain Content-Length: 5 hello`,
			"GET /\nIf-None-Match: LPJNul-wow4m6Dsqxbning\"", `200 ETag: "LPJNul-wow4m6Dsqxbning" Content-Type: text/plain Content-Length: 5 hello`,
		}},
		{"etags(hello, weak = True)", "ETag", []string{"GET /", `200 ETag: W/"LPJNul-wow4m6Dsqxbning" hello`}},
		{"etags(tagged)", "ETag Set-Cookie", []string{
			"GET /", `200 ETag: "own" Set-Cookie: a=b tagged`,
			"GET /\nIf-None-Match: \"own\"", `304 ETag: "own" Set-Cookie: a=b `,
		}},
		{"etags(lazy)", "ETag", []string{"GET /", "200 ab"}},
		{"etags(text('x', headers = {'Cache-Control': 'no-store'}))", "ETag", []string{"GET /", "200 x"}},
		{"etags(text('x', 404))", "ETag", []string{"GET /", "404 x"}},
		{"security_headers(hello, csp = \"default-src 'self'\")", "Content-Security-Policy X-Content-Type-Options Referrer-Policy Cross-Origin-Opener-Policy Strict-Transport-Security", []string{
			"GET /", "200 Content-Security-Policy: default-src 'self' X-Content-Type-Options: nosniff Referrer-Policy: strict-origin-when-cross-origin Cross-Origin-Opener-Policy: same-origin hello",
			"GET https://example.com/", "200 Content-Security-Policy: default-src 'self' X-Content-Type-Options: nosniff Referrer-Policy: strict-origin-when-cross-origin Cross-Origin-Opener-Policy: same-origin Strict-Transport-Security: max-age=31536000 hello",
		}},
		{`security_headers(csp = None, hsts = 0, headers = {"referrer-policy": "no-referrer", "Cross-Origin-Opener-Policy": None, "X-Frame-Options": "DENY"})(text("x", headers = {"X-Frame-Options": "SAMEORIGIN"}))`,
			"Content-Security-Policy Referrer-Policy Cross-Origin-Opener-Policy X-Frame-Options", []string{
				"GET https://example.com/", "200 Referrer-Policy: no-referrer X-Frame-Options: SAMEORIGIN x",
			}},
		{"method_override(echo)", "", []string{
			"POST /\nContent-Type: application/x-www-form-urlencoded\n\na=b&_method=delete", "DELETE a=b&_method=delete",
			"POST /\nContent-Type: application/x-www-form-urlencoded\n\na=b", "POST a=b",
			"POST /\nContent-Type: application/x-www-form-urlencoded\n\n_method=GET", "POST _method=GET",
			"POST /\nContent-Type: application/x-www-form-urlencoded\n\n_method=CONNECT&_method=PUT", "POST _method=CONNECT&_method=PUT",
			"POST /\nContent-Type: text/plain\n\n_method=PUT", "POST _method=PUT",
			"POST /\nX-HTTP-Method-Override: PATCH\n\nx", "PATCH x",
			"POST /\nX-HTTP-Method-Override: TRACE\n\nx", "POST x",
			"GET /\nX-HTTP-Method-Override: DELETE", "GET",
			"PUT /\nX-HTTP-Method-Override: DELETE\n\nx", "PUT x",
			"POST /\nContent-Type: multipart/form-data; boundary=B\n\n--B\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPUT\r\n--B--\r\n",
			"PUT --B\r/Content-Disposition: form-data; name=\"_method\"\r/\r/PUT\r/--B--",
			"POST /\nContent-Type: multipart/form-data; boundary=B\n\n--B\r\nbroken", "POST --B\r/broken",
			"POST /\nContent-Type: multipart/form-data\n\nx", "POST x",
			"POST /\nContent-Type: application/x-www-form-urlencoded\n\n%zz&_method=%zz", "POST %zz&_method=%zz",
		}},
		{"method_override(form_too, field = 'm')", "", []string{
			"POST /\nContent-Type: application/x-www-form-urlencoded\n\na=b&m=put", `200 PUT [("a", "b"), ("m", "put")]`,
			"POST /\nContent-Type: application/x-www-form-urlencoded\n\na=" + strings.Repeat("x", 70000) + "&m=put",
			`200 POST [("a", "` + strings.Repeat("x", 70000) + `"), ("m", "put")]`,
		}},
		{"rate_limit(2, '1h', key = lambda environ: environ.get('HTTP_X_KEY'))(hello)", "Retry-After", []string{
			"GET /\nX-Key: a", "200 hello", "GET /\nX-Key: a", "200 hello",
			"GET /\nX-Key: a", "429 Retry-After: 1800 429 Too Many Requests",
			"GET /\nX-Key: b", "200 hello", "GET /", "200 hello", "GET /", "200 hello", "GET /", "200 hello",
		}},
		{"basic_auth(lambda user, password: user == 'ada' and password == 'a:b', realm = 'The \"x\"')(echo)", "WWW-Authenticate Vary", []string{
			"GET /", `401 WWW-Authenticate: Basic realm="The \"x\"", charset="UTF-8" Vary: Accept 401 Unauthorized`,
			"GET /\nAuthorization: Basic YWRhOmE6Yg==", "200 Vary: Authorization GET",
			"GET /\nAuthorization: bAsIc YWRhOmE6Yg==", "200 Vary: Authorization GET",
			"GET /\nAuthorization: Basic YWRhOmI=", `401 WWW-Authenticate: Basic realm="The \"x\"", charset="UTF-8" Vary: Accept 401 Unauthorized`,
			"GET /\nAuthorization: Basic !", `401 WWW-Authenticate: Basic realm="The \"x\"", charset="UTF-8" Vary: Accept 401 Unauthorized`,
			"GET /\nAuthorization: Bearer x", `401 WWW-Authenticate: Basic realm="The \"x\"", charset="UTF-8" Vary: Accept 401 Unauthorized`,
		}},
		{"before(lambda environ: text('instead') if environ['PATH_INFO'] == '/x' else None)(hello)", "", []string{
			"GET /", "200 hello", "GET /x", "200 instead",
		}},
		{"after(lambda environ, response: response.with_headers({'X-Mark': str(response.status)}))(hello)", "X-Mark Content-Length", []string{
			"GET /", "200 X-Mark: 200 Content-Length: 5 hello",
		}},
		{"after(lambda environ, response: response.replace(body = 'other body'))(text('x', headers = {'Content-Length': '1'}))", "Content-Length", []string{
			"GET /", "200 Content-Length: 10 other body",
		}},
		{"after(lambda environ, response: response.replace(status = 201))(streams)", "", []string{"GET /", "201 one two"}},
		{"after(lambda environ, response: text('gone', 410))(tagged)", "ETag", []string{"GET /", "410 gone"}},
		{"after(lambda environ, response: hello)(tagged)", "ETag", []string{"GET /", "200 hello"}},
		{"middleware.etags(middleware.same_origin(hello))", "", []string{"GET /", "200 hello"}},
	} {
		h, err := load("", tt.app, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Error(err)
			continue
		}
		for i := 0; i < len(tt.asks); i += 2 {
			got := visit(h, tt.asks[i], strings.Fields(tt.fields)...)
			want := tt.asks[i+1]
			if strings.HasPrefix(tt.app, "method_override(echo") {
				want = "200 " + want
			}
			if got != want {
				t.Errorf("%s: %.200q: got\n%.300s\nwant\n%.300s", tt.app, tt.asks[i], got, want)
			}
		}
	}
}

// TestNonceIsNotKept sees that a page with a nonce is made for each request, on either side of a
// cache, and that one which asks for none is kept and has none if it is no HTML.
func TestNonceIsNotKept(t *testing.T) {
	for app, kept := range map[string]bool{
		"cached(60)(security_headers(nonce))": false, "security_headers(cached(60)(nonce))": false,
		"cached(60)(security_headers(hello))": true, "security_headers(cached(60)(hello))": true,
	} {
		h, err := load("", app, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		first := visit(h, "GET /", "Content-Security-Policy")
		again := visit(h, "GET /", "Age", "Content-Security-Policy")
		if strings.Contains(again, "Age: ") != kept || strings.Contains(first, "nonce-") == kept {
			t.Errorf("%s: got %s and then %s", app, first, again)
		}
	}
}

// TestNonce sees that the nonce of an environ is that of the policy, is one for a request, and is
// random.
func TestNonce(t *testing.T) {
	h, err := load("", "security_headers(nonce)", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 3 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		n := w.Body.String()
		policy := w.Header().Get("Content-Security-Policy")
		if len(n) != 22 || strings.Count(policy, "'nonce-"+n+"'") != 2 || seen[n] ||
			w.Header().Get("X-Same") != "True" {
			t.Errorf("the nonce is %q, the policy %q, the same: %s", n, policy, w.Header().Get("X-Same"))
		}
		seen[n] = true
	}
}

func TestWrongUse(t *testing.T) {
	for expr, want := range map[string]string{
		`same_origin(1)`:                           "same_origin: app is int, not an application",
		`same_origin(trusted = ["x"])`:             `write "https://example.com"`,
		`same_origin(trusted = "x")`:               "got string, want iterable",
		`same_origin(lambda environ: None)`:        "same_origin: lambda is no application, which takes (environ, start_response)",
		`same_origin()({}, hello)`:                 "same_origin: this is middleware, not yet an application: it is to be called with one; write app = same_origin(...)(app)",
		`cors()`:                                   "cors: missing argument for origins",
		`cors(hello)`:                              `cors: it takes its options first, and origins is an application; write cors("*")(app), or middleware = [cors("*")] of a router`,
		`cors(["a.example"])`:                      `cors: "a.example" is no origin`,
		`cors(["https://a.example/"])`:             `cors: "https://a.example/" is no origin`,
		`cors(["null"])`:                           `cors: "null" is no origin`,
		`cors("*", credentials = True)`:            "any site could act for any user; name the origins",
		`cors("*", methods = ["a b"])`:             `cors: methods: "a b" is not a name`,
		`etags(hello, True)`:                       "etags: got 2 arguments, want at most 1",
		`security_headers(csp = 1)`:                "security_headers: csp is int, not the text of a policy on one line",
		`security_headers(csp = "a\nb")`:           "csp is string, not the text of a policy on one line",
		`security_headers(headers = {"A": 1})`:     `headers has int for "A", not a string or None`,
		`security_headers(headers = {"A b": "x"})`: "LARK0206",
		`rate_limit(hello)`:                        `rate_limit: it takes its options first, and n is an application; write rate_limit(60, "1m")(app)`,
		`cached(etags(hello))`:                     `cached: it takes its options first, and seconds is an application; write cached(60)(app)`,
		`basic_auth(text("x"))`:                    `basic_auth: it takes its options first, and check is an application; write basic_auth(check)(app)`,
		`rate_limit(0, 1)`:                         "n is 0, not from 1 to 1,000,000,000",
		`rate_limit(1, "minute")`:                  `per is "minute", which is no period: write "30s", "1m" or "1h"`,
		`rate_limit(1, -1)`:                        "per is not from 0 to 1,000,000,000 seconds",
		`rate_limit(1, "0s")`:                      "per is not above 0",
		`rate_limit(1, 1, key = "x")`:              "key is string, not a function",
		`rate_limit(1, 1, key = lambda: "x")`:      "rate_limit: lambda is called with (environ), which it does not take",
		`timing(name = "a b")`:                     `timing: the name "a b" has more than letters, digits and -`,
		`basic_auth(lambda user: True)`:            "basic_auth: lambda is called with (user, password), which it does not take",
		`basic_auth(lambda u, p: True, "a\n")`:     "the realm has a control character",
		`cached("1m")`:                             "cached: seconds is string, not a number",
		`cached(0)`:                                "cached: seconds is not from 0 to 1,000,000,000",
		`before(hello)`:                            `before: it takes its options first, and fn is an application; write before(function)(app), or middleware = [before(function)] of a router`,
		`after(lambda environ: None)`:              "after: lambda is called with (environ, response), which it does not take",
	} {
		_, err := load("", "hello\nx = "+expr, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", expr, err, want)
		}
	}
	for expr, want := range map[string]string{
		`before(lambda environ: "x")(hello)`:               "before: lambda returned string, not a response; return None to go on",
		`after(lambda environ, response: None)(hello)`:     "after: lambda returned None, not a response; end it with return response",
		`rate_limit(1, 1, key = lambda environ: 1)(hello)`: "rate_limit: lambda returned int, not a string; convert it with str()",
		`after(lambda environ, response: None)(lazy)`:      "after: lambda returned None",
	} {
		var log bytes.Buffer
		h, err := load("", expr, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		visit(h, "GET /")
		if !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "place=app.star:") {
			t.Errorf("%s: got %s, want %s", expr, &log, want)
		}
	}
}
