package environ_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

func BenchmarkNew(b *testing.B) {
	r := httptest.NewRequest("GET", "https://localhost/hello?x=1", nil)
	for k, v := range map[string]string{
		"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept": "text/html", "Accept-Encoding": "gzip, deflate, br",
		"Accept-Language": "en-GB,en;q=0.5", "Cookie": "session=0123456789abcdef", "Referer": "https://localhost/",
		"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin",
	} {
		r.Header.Set(k, v)
	}
	var c environ.Config
	b.ReportAllocs()
	for b.Loop() {
		c.New(environ.FromHTTP(r)).Dict()
	}
	b.ReportMetric(float64(c.New(environ.FromHTTP(r)).Len()), "keys")
}

// TestInput reads a body in each of the ways of PEP 3333, "Input and Error Streams".
func TestInput(t *testing.T) {
	const body = "one\ntwo\r\n\nlast"
	tests := []struct{ name, expr, want string }{
		{"input-methods: read", `i.read(2), i.read(3)`, `(b"on", b"e\nt")`},
		{"input-methods: readline", `i.readline(), i.readline()`, `(b"one\n", b"two\r\n")`},
		{"input-methods: readlines", `i.readlines()`, `[b"one\n", b"two\r\n", b"\n", b"last"]`},
		{"input-methods: iteration", `[l for l in i]`, `[b"one\n", b"two\r\n", b"\n", b"last"]`},
		{"input-bytes: bytes", `type(i.read()), type(i.readline()), type(i.read(1))`, `("bytes", "bytes", "bytes")`},
		{"read-rest: the rest", `i.read(4), i.read()`, `(b"one\n", b"two\r\n\nlast")`},
		{"read-rest: a negative size is the rest", `i.read(-1), i.read(-1)`, `(b"one\ntwo\r\n\nlast", b"")`},
		{"read-rest: None is the rest", `i.read(None)`, `b"one\ntwo\r\n\nlast"`},
		{"input-exhausted: exhausted", `i.read(), i.read(), i.read(5), i.readline(), i.readlines()`, `(b"one\ntwo\r\n\nlast", b"", b"", b"", [])`},
		{"read-sizes: nothing asked", `i.read(0), i.read(1)`, `(b"", b"o")`},
		{"read-sizes: fewer only at the end", `i.read(100)`, `b"one\ntwo\r\n\nlast"`},
		{"readline-size: the cut comes first", `i.readline(2), i.readline(2), i.readline()`, `(b"on", b"e\n", b"two\r\n")`},
		{"readline-size: the newline comes first", `i.readline(100), i.readline(0)`, `(b"one\n", b"")`},
		{"readlines-hint: hint", `i.readlines(5), i.read()`, `([b"one\n", b"two\r\n"], b"\nlast")`},
		{"no-other-methods: no close", `hasattr(i, "close"), dir(i)`, `(False, ["read", "readline", "readlines"])`},
		{"mixed", `i.readline(), i.read(2), [l for l in i]`, `(b"one\n", b"tw", [b"o\r\n", b"\n", b"last"])`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(body))
			e := new(environ.Config).New(environ.FromHTTP(r))
			v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "t", tt.expr, starlark.StringDict{"i": &e.Input})
			if err != nil {
				t.Fatal(err)
			}
			if got := v.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestInputBroken checks input-failed: once a read has failed every later one fails in the same
// way, by whatever method, although the body would give more.
func TestInputBroken(t *testing.T) {
	for _, method := range []string{"read", "readline", "readlines"} {
		body := io.MultiReader(strings.NewReader("one"), iotest.ErrReader(io.ErrUnexpectedEOF), strings.NewReader("two"))
		e := new(environ.Config).New(environ.FromHTTP(httptest.NewRequest("POST", "/", io.NopCloser(body))))
		for range 3 {
			_, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "t", "i."+method+"()", starlark.StringDict{"i": &e.Input})
			var own *environ.Error
			if !errors.As(err, &own) || own.Code != environ.CodeInputBroken || own.Status != 400 {
				t.Errorf("%s: got %v, want %s each time", method, err, environ.CodeInputBroken)
			}
		}
	}
}

// TestInputAtEnd verifies that an input which has come to its end does not ask what is below it again,
// which may be closed by then.
func TestInputAtEnd(t *testing.T) {
	ended := false
	in := environ.NewInput(readerFunc(func(p []byte) (int, error) {
		if ended {
			return 0, errors.New("read after the end")
		}
		ended = true
		return copy(p, "one\ntwo"), io.EOF
	}))
	v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "t", `[l for l in i] + [i.readline(), i.read(), i.read(1), i.readlines()]`, starlark.StringDict{"i": in})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := v.String(), `[b"one\n", b"two", b"", b"", b"", []]`; got != want || !in.AtEnd() {
		t.Errorf("got %s, at the end %v; want %s", got, in.AtEnd(), want)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
