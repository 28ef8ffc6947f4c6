package apps_test

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/apps"
)

// head is what the sources of this file begin with.
const head = `
load("lint.star", "lint")
load("@body", "body", "body_chain", "body_map", "ticks")
load("@http", "form", "input")
load("@static", "file", "static")
load("@struct", "struct")

PLAIN = [("Content-Type", "text/plain")]

def respond(*args):
    """Returns an application that calls start_response so."""
    def app(environ, start_response):
        start_response(*args)
        return []
    return lint(app)

def header(*items):
    """Returns an application that answers with these headers."""
    return respond("200 OK", PLAIN + list(items))

def result(value, headers = PLAIN, status = "200 OK"):
    """Returns an application that returns value as its body."""
    def app(environ, start_response):
        start_response(status, headers)
        return value
    return lint(app)

def given(change, inner = lambda environ, start_response: ok(environ, start_response)):
    """Returns an application that changes the environ before it calls one that keeps the contract."""
    def app(environ, start_response):
        change(environ)
        return lint(inner)(environ, start_response)
    return app

def doing(act):
    """Returns an application that does something with its environ."""
    def app(environ, start_response):
        start_response("200 OK", PLAIN)
        act(environ)
        return []
    return lint(app)

def ok(environ, start_response):
    start_response("200 OK", PLAIN)
    return [b"ok\n"]

def streaming(environ, start_response):
    start_response("200 OK", PLAIN)
    return body_map(str, ["1", "2"])

def calling(environ, start_response):
    start_response("200 OK", PLAIN)
    return lambda stream: stream.write("called\n")

`

// A fault is an application that breaks the contract: what app is, and what lint (or the host) says of it.
type fault struct {
	check string // V1 to V49 are those of wsgiref.validate
	app   string
	want  string
}

var faults = []fault{
	{"V1", `lambda e, s: lint(ok)(e)`, "lint: the application was called with 1 arguments: call app(environ, start_response)"},
	{"V1", `lambda e, s: lint(ok)(e, s, None)`, "called with 3 arguments"},
	{"V2", `lambda e, s: lint(ok)(environ = e, start_response = s)`, "lint: the application was called with keywords (environ, start_response)"},
	{"V3", `result(None)`, "lint: the application returned None: return a list, as in [block], or [] for no body"},
	{"V3", `result(False)`, "lint: the application returned False"},
	{"V3", `result(42)`, "lint: the application returned int, neither an iterable of blocks nor a function"},
	{"V4", `result("text")`, "lint: the application returned string, which is a block and no body: return [block]"},
	{"V4", `result(b"bytes")`, "lint: the application returned bytes, which is a block"},

	{"V5", `lambda e, s: lint(ok)(e.items(), s)`, "lint: environ is list, not a dict"},
	{"V6", `given(lambda e: e.pop("SERVER_NAME"))`, "lint: environ lacks SERVER_NAME"},
	{"V6", `given(lambda e: e.pop("wsgi.run_once"))`, "lint: environ lacks wsgi.run_once"},
	{"V7", `given(lambda e: e.update({"HTTP_CONTENT_LENGTH": "0"}))`, "lint: environ has HTTP_CONTENT_LENGTH: the key is CONTENT_LENGTH"},
	{"V8", `given(lambda e: e.pop("QUERY_STRING"))`, "lint: warning: environ lacks QUERY_STRING"},
	{"V9", `given(lambda e: e.update({"COUNT": 3}))`, "is int, not a string: put it under a name with a dot, as in my.count"},
	{"V10", `given(lambda e: e.update({"wsgi.version": [1, 0]}))`, "lint: wsgi.version is list, not a tuple: it is (1, 0)"},
	{"V11", `given(lambda e: e.update({"wsgi.url_scheme": "ftp"}))`, "it is http or https"},
	{"V12", `given(lambda e: e.update({"wsgi.input": struct(read = 1, readline = 1)}))`, "lint: wsgi.input has no readlines: make one with input(blocks) of @http"},
	{"V12", `given(lambda e: e.update({"wsgi.input": struct(read = 1, readline = 1, readlines = 1)}))`, "lint: wsgi.input cannot be iterated"},
	{"V13", `given(lambda e: e.update({"wsgi.errors": struct(write = 1, writelines = 1)}))`, "lint: wsgi.errors has no flush"},
	{"V14", `given(lambda e: e.update({"REQUEST_METHOD": "BREW"}))`, "is an uncommon REQUEST_METHOD"},
	{"V15", `given(lambda e: e.update({"SCRIPT_NAME": "x"}))`, "it is empty or begins with a slash"},
	{"V16", `given(lambda e: e.update({"PATH_INFO": "x"}))`, "it is empty or begins with a slash"},
	{"V17", `given(lambda e: e.update({"CONTENT_LENGTH": "-1"}))`, "not a number of bytes: leave it out if the length is not known"},
	{"V18", `given(lambda e: e.pop("PATH_INFO"))`, "lint: environ has neither SCRIPT_NAME nor PATH_INFO"},
	{"V19", `given(lambda e: e.update({"SCRIPT_NAME": "/"}))`, "at the root, and PATH_INFO begins with the slash"},
	{"environ", `given(lambda e: e.update({1: "one"}))`, "lint: environ has the key 1, a int: keys are strings"},
	{"environ", `given(lambda e: e.update({"REQUEST_METHOD": "G T"}))`, "not a method such as GET"},
	{"environ", `given(lambda e: e.update({"SERVER_NAME": ""}))`, "lint: SERVER_NAME is empty"},
	{"environ", `given(lambda e: e.update({"SERVER_PORT": "http"}))`, "not a port: it is a string of digits"},
	{"environ", `given(lambda e: e.update({"SERVER_PROTOCOL": "1.1"}))`, "it is HTTP/ and a version"},

	{"V20", `respond("200 OK")`, "lint: start_response() was called with 1 arguments: write start_response(status, headers)"},
	{"V21", `lint(lambda e, s: s(status = "200 OK", headers = PLAIN))`, "lint: start_response() was called with keywords (status, headers)"},
	{"V22", `respond(200, PLAIN)`, "lint: the status is int, not a string"},
	{"V23", `respond("2000 OK", PLAIN)`, "does not begin with three digits and a space"},
	{"V23", `respond("200OK", PLAIN)`, "does not begin with three digits and a space"},
	{"V24", `respond("20X OK", PLAIN)`, "does not begin with a number from 200 to 599"},
	{"V24", `respond("099 OK", PLAIN)`, "does not begin with a number from 200 to 599"},
	{"V25", `respond("200", PLAIN)`, "has no reason after its three digits"},
	{"V26", `respond("200 OK", {"Content-Type": "text/plain"})`, "lint: the headers are dict, not a list"},
	{"V27", `header(["X-A", "1"])`, "lint: headers[1] is list, not a tuple"},
	{"V28", `header(("X-A", "1", "2"))`, "lint: headers[1] has 3 items, not two"},
	{"V29", `header((1, "1"))`, "lint: headers[1]: the name is int, not a string"},
	{"V29", `header(("X-A", 1))`, "lint: headers[1]: the value of X-A is int, not a string: write str(x)"},
	{"V30", `header(("status", "200"))`, "lint: headers[1] is Status: say the status in the first argument"},
	{"V31", `header(("X-A:", "1"))`, "has a line break or a colon"},
	{"V31", `header(("X-A\n", "1"))`, "has a line break or a colon"},
	{"V32", `header(("X A", "1"))`, "is not a header name: it is a letter, and then letters, digits and -"},
	{"V32", `header(("", "1"))`, "is not a header name"},
	{"V32", `header(("X-É", "1"))`, "is not a header name"},
	{"V32", `header(("1X", "1"))`, "is not a header name"},
	{"V33", `header(("X-A-", "1"))`, "ends with punctuation"},
	{"V34", `header(("X-A", "1\r\nX-B: 2"))`, "has a control character: remove it, or encode the value"},
	{"V34", `header(("X-A", "\x7f"))`, "has a control character"},
	{"V35", `respond("200 OK", [])`, "lint: there is no Content-Type"},
	{"V36", `respond("204 No Content", PLAIN)`, "lint: a response with status 204 has no body, and so no Content-Type: leave it out"},
	{"V36", `respond("304 Not Modified", PLAIN)`, "lint: a response with status 304 has no body"},
	{"V37", `respond("200 OK", PLAIN, "an error")`, "lint: exc_info is string, neither None nor the error of catch()"},
	{"start_response", `respond("103 Early Hints", PLAIN)`, "is not a final one: send hints with environ"},
	{"start_response", `respond("600 OK", PLAIN)`, "is above 599"},
	{"start_response", `respond("200  OK", PLAIN)`, "has blanks around its reason"},
	{"start_response", `respond("200 OK\n", PLAIN)`, "or a control character"},
	{"start_response", `header(("Connection", "close"))`, "lint: headers[1]: Connection belongs to the connection"},
	{"start_response", `header(("Content-Length", "ten"))`, "not a number of bytes: write str(len(block)), or leave it out"},
	{"start_response", `header(("Content-Length", "0"), ("content-length", "1"))`, "lint: there are two Content-Lengths, 0 and 1"},
	{"start_response", `header(("ETag", "v1"))`, "is not quoted"},
	{"start_response", `header(("ETag", 'w/"v1"'))`, "is not quoted"},
	{"start_response", `lint(lambda e, s: [s("200 OK", PLAIN), s("200 OK", PLAIN)])`, "lint: start_response() was called before"},
	{"start_response", `lint(lambda e, s: [catch(s, "200 OK", {}), s("200 OK", PLAIN)])`, "lint: start_response() was called before"},
	{"start_response", `lambda e, s: lint(ok)(e, None)`, "lint: start_response is NoneType, not a function"},
	{"start_response", `lambda e, s: lint(ok)(e, lambda *args: [s(*args), None][1])`, "lint: start_response() returned NoneType, not write"},

	{"V38", `doing(lambda e: e["wsgi.input"].read(1, 2))`, "LARK0304: read: got 2 arguments, want at most 1"},
	{"V39", `doing(lambda e: e["wsgi.input"].readline(1, 2))`, "LARK0304: readline: got 2 arguments, want at most 1"},
	{"V40", `doing(lambda e: e["wsgi.input"].readlines(1, 2))`, "LARK0304: readlines: got 2 arguments, want at most 1"},
	{"V41", `given(lambda e: e.update({"wsgi.input": input([1])}), lambda e, s: [e["wsgi.input"].read()])`, "input: a block is a int, not bytes"},
	{"V42", `doing(lambda e: e["wsgi.input"].close())`, "wsgi.input has no .close field or method"},
	{"V42", `given(lambda e: e.update({"wsgi.input": file("hello.star")}), lambda e, s: e["wsgi.input"].close())`, "wsgi.input has no .close field or method"},
	{"V43", `doing(lambda e: e["wsgi.errors"].write(b"bytes"))`, "LARK0305: wsgi.errors takes strings, not bytes"},
	{"V43", `given(lambda e: e.update({"wsgi.errors": struct(write = print, writelines = print, flush = print)}), lambda e, s: e["wsgi.errors"].writelines([1]))`,
		"lint: wsgi.errors.write() was given int, not a string: write str(x)"},
	{"V44", `doing(lambda e: e["wsgi.errors"].close())`, "wsgi.errors has no .close field or method"},
	{"V44", `given(lambda e: e.update({"wsgi.errors": struct(write = print, writelines = print, flush = print)}), lambda e, s: e["wsgi.errors"].close())`,
		"lint: wsgi.errors.close() was called"},
	{"V45", `lint(lambda e, s: s("200 OK", PLAIN)(1))`, "lint: what write() was given is int, neither bytes nor string: write str(x)"},
	{"write", `lint(lambda e, s: s("200 OK", PLAIN)("a", "b"))`, "lint: write() was called with 2 arguments: write takes one block"},

	{"V46", `lambda e, s: (lambda blocks: [blocks.close()] + list(blocks))(lint(streaming)(e, s))`, "iterated after close()"},
	{"V47", `result(["a", 1])`, "lint: item 1 of the body is int, neither bytes nor string: write str(x)"},
	{"V47", `lambda e, s: result(body_map(lambda x: x, ["a", 1]))(e, s)`, "lint: block 1 of the body is int, neither bytes nor string"},
	{"V47", `lambda e, s: lint(lambda e, s: [s("200 OK", PLAIN)] and (lambda stream: stream.write(1)))(e, s)(struct(write = len, flush = 1, read = 1, close = 1, closed = False))`,
		"lint: stream.write() was given int, neither bytes nor string: write str(x)"},
	{"V48", `lint(lambda e, s: [b"block"])`, "lint: the body came before start_response(): call start_response(status, headers) first"},
	{"V48", `lint(lambda e, s: body_map(str, ["block"]))`, "lint: the body came before start_response()"},
	{"V48", `lint(lambda e, s: e["wsgi.file_wrapper"](file("hello.star")))`, "lint: the body came before start_response()"},
	{"V48", `lint(lambda e, s: lambda stream: None)`, "lint: the body came before start_response()"},
	{"V49", `lambda e, s: lint(streaming)(e, s) and [b"another"]`, "lint: close() of the body was not called"},
	{"body", `result(["four", "five"], PLAIN + [("Content-Length", "7")])`, "lint: the body has more than the 7 bytes that Content-Length says"},
	{"body", `result(["four"], PLAIN + [("Content-Length", "7")])`, "lint: the body has 4 bytes, Content-Length says 7"},
	{"body", `lambda e, s: result(body_chain(["four"], ["five"]), PLAIN + [("Content-Length", "7")])(e, s)`, "lint: the body has more than the 7 bytes"},
	{"body", `result(["content"], [], "204 No Content")`, "lint: item 0 of the body has content, but a response with status 204 has no body: return []"},
	{"body", `lambda e, s: (lambda b: [b(struct(write = len, flush = 1, read = 1, close = 1, closed = False)), b(None)])(lint(calling)(e, s))`, "lint: the body was called twice"},
	{"body", `lambda e, s: lint(calling)(e, s)(1, 2)`, "lint: the body was called with 2 arguments: call it with the stream"},
}

// TestFaults verifies that each check of wsgiref.validate is made, and what it says.
func TestFaults(t *testing.T) {
	found := make(map[string]bool)
	for _, f := range faults {
		found[f.check] = true
		t.Run(f.check+" "+f.app, func(t *testing.T) {
			s := start(t, "test.star", head+"app = "+f.app+"\n")
			res, err := s.Client().Get(s.URL)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			s.Close() // what is called after the response is done
			log := strings.ReplaceAll(s.log.String(), `\"`, `"`)
			if !strings.Contains(log, f.want) {
				t.Errorf("the log lacks %q (response: %v)\n%s", f.want, err, log)
			}
			if warning := strings.Contains(log, "warning"); err == nil && !warning && res.StatusCode != 500 && f.check != "V49" {
				t.Errorf("status %d, and a whole body", res.StatusCode)
			}
		})
	}
	source, err := fs.ReadFile(apps.FS, "lint.star")
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 49; i++ {
		v := fmt.Sprintf("V%d", i)
		if !found[v] {
			t.Errorf("%s: no application breaks it", v)
		}
		// V39 to V41 stand in a range.
		if !regexp.MustCompile(v+`\b`).Match(source) && (i < 39 || i > 41) {
			t.Errorf("%s: lint.star does not name it", v)
		}
	}
}

// TestLintOfNoApplication verifies that lint() says at once that it was given none.
func TestLintOfNoApplication(t *testing.T) {
	_, err := load("test.star", head+"app = lint(None)\n", nil)
	if err == nil || !strings.Contains(err.Error(), "lint: lint() was given NoneType, not an application") {
		t.Errorf("got %v", err)
	}
}

// contract are applications that keep the contract, each in a way that a careless wrapper would change.
var contract = []struct{ what, app string }{
	{"a list", `result([b"one\n", "two\n"])`},
	{"a list of nothing", `result([])`},
	{"a tuple", `result((b"one\n",))`},
	{"a dict, of which the keys are sent", `result({"one\n": 1})`},
	{"a block that is empty", `result(["", b"", "one\n"])`},
	{"an iterable of one block, whose length is known", `lambda e, s: [s("200 OK", PLAIN)] and body_map(str, ["one"])`},
	{"an iterable of three blocks", `lambda e, s: [s("200 OK", PLAIN)] and body_map(str, ticks(0, count = 3))`},
	{"an iterable whose length nobody knows", `lambda e, s: [s("200 OK", PLAIN)] and body_chain(["one"], ["two"])`},
	{"start_response at the first block", `lambda e, s: body_map(lambda b: [s("200 OK", PLAIN), b][1], ["one"])`},
	{"a close function", `lambda e, s: [s("200 OK", PLAIN)] and body(["one"], close = lambda: e["wsgi.errors"].write("closed\n"))`},
	{"a callable body", `calling`},
	{"a file", `lambda e, s: [s("200 OK", PLAIN)] and e["wsgi.file_wrapper"](file("hello.star"))`},
	{"the lines of a file", `lambda e, s: [s("200 OK", PLAIN)] and file("hello.star")`},
	{"static files", `static("tour/public")`},
	{"write()", `lambda e, s: [s("200 OK", PLAIN)("written\n")] and ["returned\n"]`},
	{"a declared length", `result([b"12345"], PLAIN + [("Content-Length", "5")])`},
	{"two headers of one name", `result(["x"], PLAIN + [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])`},
	{"204", `result([], [], "204 No Content")`},
	{"304 with a length", `result([], [("ETag", 'W/"v1"'), ("Content-Length", "5")], "304 Not Modified")`},
	{"a response replaced", `lambda e, s: [s("200 OK", PLAIN), s("404 Not Found", PLAIN, catch(fail, "gone")[1])] and ["gone"]`},
	{"an error", `lambda e, s: fail("on purpose")`},
	{"an error after a block", `lambda e, s: [s("200 OK", PLAIN)] and body_map(lambda b: b or fail("on purpose"), ["one", ""])`},
	{"the input read in lines", `lambda e, s: [s("200 OK", PLAIN)] and [e["wsgi.input"].readline(2), e["wsgi.input"].read(3)] + list(e["wsgi.input"])`},
	{"a form", `lambda e, s: [s("200 OK", PLAIN)] and [form(e).get("a", "-")]`},
	{"an environ cleared", `lambda e, s: [e.clear(), s("200 OK", PLAIN)] and ["cleared"]`},
	{"functions for the end", `lambda e, s: [e["larkspur.on_finish"](lambda status, error: print(status, error)), s("200 OK", PLAIN)] and ["ends"]`},
	{"an input of middleware", `given(lambda e: e.update({"wsgi.input": input([b"from ", b"middleware"])}), lambda e, s: [s("200 OK", PLAIN)] and [e["wsgi.input"].read(3), e["wsgi.input"].read()])`},
	{"an input that is a file", `given(lambda e: e.update({"wsgi.input": file("hello.star")}), lambda e, s: [s("200 OK", PLAIN)] and [e["wsgi.input"].readline(), e["wsgi.input"].read()])`},
}

// TestTransparent verifies that an application that keeps the contract behaves the same under lint: status, headers, framing, content, and
// what is logged.
func TestTransparent(t *testing.T) {
	request := map[string]string{"GET": "", "HEAD": "", "POST": "a=1&b=2\nline"}
	for _, c := range contract {
		t.Run(c.what, func(t *testing.T) {
			// result() and the like put their own under lint: for the bare one it does nothing.
			bare := start(t, "test.star", strings.Replace(head, `load("lint.star", "lint")`, "lint = lambda app: app", 1)+"app = "+c.app+"\n")
			for depth, wrapped := range map[string]string{"lint": "lint(_app)", "lint twice": "lint(lint(_app))"} {
				linted := start(t, "test.star", head+"_app = "+c.app+"\napp = "+wrapped+"\n")
				for method, body := range request {
					got, want := linted.answer(t, method, body), bare.answer(t, method, body)
					if got != want {
						t.Errorf("%s under %s:\n%s\nwant\n%s", method, depth, got, want)
					}
				}
				linted.Close()
				if strings.Contains(linted.log.String(), "lint:") {
					t.Errorf("lint complains:\n%s", linted.log)
				}
			}
			bare.Close()
		})
	}
}

// answer is all that a client sees of a response, but for the date.
func (s *site) answer(t *testing.T, method, body string) string {
	t.Helper()
	req, err := http.NewRequest(method, s.URL+"/tour.css", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	res.Header.Del("Date")
	return fmt.Sprintf("%s\n%v\nlength %d, encoding %v\n%s\n%v", res.Status, res.Header, res.ContentLength, res.TransferEncoding, content, err)
}
