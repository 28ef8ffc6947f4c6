package web_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/web"
	"go.starlark.net/starlark"
)

const multipartForm = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n" +
	"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"../x.txt\"\r\nContent-Type: text/plain\r\n\r\none\ntwo\r\n--B--\r\n"

// eval evaluates expr with the values of @http and e, the environ of a POST.
func eval(t testing.TB, target, contentType, body, expr string) (starlark.Value, error) {
	t.Helper()
	vars, err := web.Module(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	r.Header.Set("Cookie", `a=1; b="two"; bad name=3; a=4`)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	vars["e"] = new(environ.Config).New(r)
	return starlark.Eval(new(starlark.Thread), "test", expr, vars)
}

func TestFunctions(t *testing.T) {
	const form, multi, js = "application/x-www-form-urlencoded", "multipart/form-data; boundary=B", "application/json; charset=utf-8"
	tests := []struct{ name, target, contentType, body, expr, want string }{
		{"query", "/?a=1&b=%C3%A9+x&a=2&c", "", "", `query(e).items()`, `[("a", "1"), ("b", "é x"), ("a", "2"), ("c", "")]`},
		{"query as a mapping", "/?a=1&a=2&b=", "", "", `[query(e)["a"], query(e).getall("a"), query(e).get("z"), query(e).get("z", 0), "b" in query(e), [k for k in query(e)], len(query(e))]`, `["1", ["1", "2"], None, 0, True, ["a", "b"], 2]`},
		{"form", "/", form, "a=1&a=%26", `form(e).getall("a")`, `["1", "&"]`},
		{"form is read once", "/", form, "a=1", `form(e)["a"] + form(e)["a"]`, `"11"`},
		{"item056 form of a replaced input", "/", form, "a=1", `[form(e)["a"], e.update([("wsgi.input", input([b"a=", "2"]))]), form(e)["a"]]`, `["1", None, "2"]`},
		{"form of something else", "/", "text/plain", "a=1", `[len(form(e)), e["wsgi.input"].read()]`, `[0, b"a=1"]`},
		{"multipart", "/", multi, multipartForm, `[form(e).items(), files(e).keys(), files(e)["f"].filename, files(e)["f"].content_type, files(e)["f"].size, files(e)["f"].read()]`, `[[("a", "1")], ["f"], "x.txt", "text/plain", 7, b"one\ntwo"]`},
		{"cookies", "/", "", "", `cookies(e).items()`, `[("a", "1"), ("b", "two"), ("a", "4")]`},
		{"json", "/", js, `{"a":[1,-2.5,1e2,true,null,"é"],"n":123456789012345678901234567890}`, `json(e)`, `{"a": [1, -2.5, 100.0, True, None, "é"], "n": 123456789012345678901234567890}`},
		{"json twice", "/", js, `[]`, `[json(e).append(1), json(e)]`, `[None, []]`},
		{"set_cookie", "/", "", "", `set_cookie("a", "b c", max_age = 60, secure = True)`, `("Set-Cookie", "a=\"b c\"; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax")`},
		{"set_cookie deletes", "/", "", "", `set_cookie("a", "", max_age = 0)[1]`, `"a=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"`},
		{"status", "/", "", "", `[status(404), status(299)]`, `["404 Not Found", "299 Unknown"]`},
		{"item056 input of bytes", "/", "", "", `[l for l in input(b"a\nb")]`, `[b"a\n", b"b"]`},
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

// TestRefused holds what the client gets when an application lets a fault pass.
func TestRefused(t *testing.T) {
	const form, js = "application/x-www-form-urlencoded", "application/json"
	tests := []struct {
		name, contentType, body, expr string
		status                        int
	}{
		{"bad escape", form, "a=%zz", `form(e)`, 400},
		{"many keys", form, strings.Repeat("a&", 1001), `form(e)`, 413},
		{"large form", form, strings.Repeat("a", 1<<20+1), `form(e)`, 413},
		{"broken Content-Type", "multipart/form-data; boundary", "", `form(e)`, 400},
		{"no boundary", "multipart/form-data", "", `form(e)`, 400},
		{"cut multipart", "multipart/form-data; boundary=B", multipartForm[:90], `files(e)`, 400},
		{"too large a body", "multipart/form-data; boundary=B", multipartForm[:50] + strings.Repeat("x", 11<<20), `files(e)`, 413},
		{"not said to be JSON", "text/plain", "{}", `json(e)`, 415},
		{"not JSON", js, "{", `json(e)`, 400},
		{"deep JSON", js, strings.Repeat("[", 101) + strings.Repeat("]", 101), `json(e)`, 413},
		{"very deep JSON", js, strings.Repeat("[", 2<<20), `json(e)`, 400},
		{"long number", js, strings.Repeat("1", 5000), `json(e)`, 413},
		{"wrong argument", "", "", `query(1)`, 0},
		{"cookie that splits a header", "", "", `set_cookie("a", "b\r\nX: y")`, 0},
		{"status of none", "", "", `status(99)`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := eval(t, "/", tt.contentType, tt.body, tt.expr)
			var own *environ.Error
			if !errors.As(err, &own) {
				t.Fatalf("got error %v, want an *environ.Error", err)
			}
			if own.Status != tt.status {
				t.Errorf("got status %d (%v), want %d", own.Status, err, tt.status)
			}
		})
	}
}

// TestURL is PEP 3333, "URL Reconstruction".
func TestURL(t *testing.T) {
	tests := []struct{ vars, want string }{
		{`{"wsgi.url_scheme": "http", "HTTP_HOST": "h:8000", "SCRIPT_NAME": "", "PATH_INFO": "/a b/é", "QUERY_STRING": "x=%20"}`, `"http://h:8000/a%20b/%C3%A9?x=%20"`},
		{`{"wsgi.url_scheme": "http", "SERVER_NAME": "h", "SERVER_PORT": "80", "PATH_INFO": "/"}`, `"http://h/"`},
		{`{"wsgi.url_scheme": "http", "SERVER_NAME": "h", "SERVER_PORT": "443", "PATH_INFO": "/"}`, `"http://h:443/"`},
		{`{"wsgi.url_scheme": "https", "SERVER_NAME": "h", "SERVER_PORT": "443", "SCRIPT_NAME": "/m", "PATH_INFO": "/a"}`, `"https://h/m/a"`},
		{`{"wsgi.url_scheme": "https", "SERVER_NAME": "::1", "SERVER_PORT": "8443", "SCRIPT_NAME": "/m"}`, `"https://[::1]:8443/m"`},
		{`{"wsgi.url_scheme": "http", "HTTP_HOST": "[::1]", "PATH_INFO": "//a%2F"}`, `"http://[::1]//a%252F"`},
	}
	for _, tt := range tests {
		t.Run("item139 "+tt.want, func(t *testing.T) {
			v, err := eval(t, "/", "", "", "url("+tt.vars+")")
			if err != nil {
				t.Fatal(err)
			}
			if v.String() != tt.want {
				t.Errorf("got %s, want %s", v, tt.want)
			}
		})
	}
}

// FuzzBody holds that no body fails with anything but a fault of the client's.
func FuzzBody(f *testing.F) {
	f.Add("multipart/form-data; boundary=B", multipartForm)
	f.Add("application/x-www-form-urlencoded", "a=1&b=%2")
	f.Add("application/json", `{"a":[1]}`)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		for _, expr := range []string{`form(e)`, `files(e)`, `json(e)`} {
			_, err := eval(t, "/", contentType, body, expr)
			var own *environ.Error
			if err != nil && (!errors.As(err, &own) || own.Status < 400 || own.Status > 415) {
				t.Errorf("%s of %q: %v", expr, body, err)
			}
		}
	})
}
