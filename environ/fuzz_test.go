package environ_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// FuzzNew holds what is true of the environ of any request: each key of the table that is always there is there, with its
// type; CGI variables are strings; nothing of the connection's, and no Proxy, has come through.
func FuzzNew(f *testing.F) {
	f.Add("GET", "/a%20b", "x=1", "h.test:80", "X-A", "1", "127.0.0.1:5000", false)
	f.Add("QUERY", "", "", "", "Proxy", "http://evil.test", "@", true)
	f.Add("", "*", "%zz", "[::1]", "X_a", "\x00\xff", "[fe80::1%eth0]:1", false)
	f.Add("OPTIONS", "//", "?", "h,h", "Transfer-Encoding", "chunked", "", true)
	f.Fuzz(func(t *testing.T, method, path, query, host, name, value, remote string, secure bool) {
		r := &http.Request{
			Method: method, URL: &url.URL{Path: "/m" + path, RawQuery: query}, Host: host, Proto: "HTTP/1.1", Body: http.NoBody,
			Header: http.Header{http.CanonicalHeaderKey(name): {value, value}}, RemoteAddr: remote,
		}
		if secure {
			r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, ServerName: host}
		}
		request := environ.FromHTTP(r)
		request.ScriptName = "/m"
		e := (&environ.Config{Vars: map[string]string{"x.y": value}}).New(request)
		d := e.Dict()
		types := map[string]environ.Key{}
		for _, k := range environ.Keys() {
			types[k.Name] = k
			if _, ok, _ := d.Get(starlark.String(k.Name)); !ok && k.Present == "always" && k.Owner != "server" {
				t.Errorf("%s is not there", k.Name)
			}
		}
		for _, kv := range d.Items() {
			key, _ := starlark.AsString(kv[0])
			if k, ok := types[key]; ok && k.Type != kv[1].Type() {
				t.Errorf("%s is a %s, the table says %s", key, kv[1].Type(), k.Type)
			}
			if _, ok := kv[1].(starlark.String); !ok && !strings.Contains(key, ".") {
				t.Errorf("%s is a %s, not a string", key, kv[1].Type())
			}
			if key != strings.ToUpper(key) && !strings.Contains(key, ".") && strings.HasPrefix(key, "HTTP_") && isASCII(key) {
				t.Errorf("%s is not in upper case", key)
			}
			switch key {
			case "HTTP_PROXY", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_CONNECTION", "HTTP_TE", "HTTP_UPGRADE", "HTTP_KEEP_ALIVE":
				t.Errorf("%s came through", key)
			}
		}
		e.Finish()
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0
}

// FuzzInput reads a body by a sequence of calls, each a byte: whichever they are, and however the body comes, what they
// give together is the body, and each gives what its name says.
func FuzzInput(f *testing.F) {
	f.Add("one\ntwo\r\n\nlast", []byte{0, 5, 10, 15, 3, 7}, 0)
	f.Add("\n\n\n", []byte{1, 1, 1, 1}, 1)
	f.Add(strings.Repeat("x", 5000)+"\n"+strings.Repeat("y", 5000), []byte{1, 41, 2}, 2)
	f.Add("no newline", []byte{3}, 3)
	f.Fuzz(func(t *testing.T, body string, calls []byte, pace int) {
		var r io.Reader = strings.NewReader(body)
		switch pace & 3 {
		case 1:
			r = iotest.OneByteReader(r)
		case 2:
			r = iotest.HalfReader(r)
		case 3:
			r = iotest.DataErrReader(r)
		}
		in := environ.NewInput(r)
		thread := new(starlark.Thread)
		var got bytes.Buffer
		left := func() string { return body[got.Len():] }
		call := func(method string, args ...starlark.Value) starlark.Value {
			m, err := in.Attr(method)
			if err != nil {
				t.Fatal(err)
			}
			v, err := starlark.Call(thread, m, args, nil)
			if err != nil {
				t.Fatalf("%s%v: %v", method, args, err)
			}
			return v
		}
		for _, c := range calls {
			n := int(c >> 2)
			size := starlark.MakeInt(n)
			switch c & 3 {
			case 0:
				got.WriteString(want(t, "read", call("read", size), left()[:min(n, len(left()))]))
			case 1:
				got.WriteString(want(t, "readline", call("readline"), line(left())))
			case 2:
				cut := line(left())
				got.WriteString(want(t, "readline of a size", call("readline", size), cut[:min(n, len(cut))]))
			case 3:
				total := 0
				for v := range starlark.Elements(call("readlines", starlark.MakeInt(n+1)).(*starlark.List)) {
					s := want(t, "readlines", v, line(left()))
					total += len(s)
					got.WriteString(s)
				}
				if total < n+1 && left() != "" {
					t.Fatalf("readlines(%d) gave %d bytes and left %q", n+1, total, left())
				}
			}
		}
		rest := left()
		lines, err := starlark.EvalOptions(new(syntax.FileOptions), thread, "t", "[l for l in i]", starlark.StringDict{"i": in})
		if err != nil {
			t.Fatal(err)
		}
		for v := range starlark.Elements(lines.(*starlark.List)) {
			got.WriteString(want(t, "iteration", v, line(left())))
		}
		if left() != "" {
			t.Fatalf("iteration left %q of %q", left(), rest)
		}
	})
}

// line is the first line of s.
func line(s string) string { return s[:len(s)-len(after(s))] }

func after(s string) string {
	_, rest, _ := strings.Cut(s, "\n")
	return rest
}

// want verifies that v is these bytes, and returns them.
func want(t *testing.T, what string, v starlark.Value, want string) string {
	t.Helper()
	if got, ok := v.(starlark.Bytes); !ok || string(got) != want {
		t.Fatalf("%s: got %v, want %q", what, v, want)
	}
	return want
}
