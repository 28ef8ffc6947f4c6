package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ"
	rthost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
	"golang.org/x/net/http/httpguts"
)

// answering is an App that calls start_response with these values and returns an empty body.
type answering struct {
	status  string
	headers []starlark.Value
	err     error // what start_response said
}

func (a *answering) Call(ctx context.Context, use func(context.Context, *starlark.Thread, starlark.Callable) error) error {
	app := starlark.NewBuiltin("app", func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
		_, a.err = starlark.Call(t, args[1], starlark.Tuple{starlark.String(a.status), starlark.NewList(a.headers)}, nil)
		return starlark.NewList(nil), a.err
	})
	return use(ctx, new(starlark.Thread), app)
}

// FuzzStartResponse verifies that start_response either refuses what it is given, with its code, or sends a response that
// reads back as what was said: no value can make another header, another status, or a body.
func FuzzStartResponse(f *testing.F) {
	f.Add("200 OK", "Content-Type", "text/plain", "X-A", "1")
	f.Add("200OK", "X: y", "a", "", "b")
	f.Add("404 Not\r\nX: y", "X-A", "1\r\nX-B: 2", "X-A", "\x00")
	f.Add("599 \xff", "Set-Cookie", "a=1", "Set-Cookie", "b=2")
	f.Add("204 No Content", "Content-Length", "5", "content-length", "6")
	f.Add("200 OK", "Transfer-Encoding", "chunked", "Connection", "close")
	f.Add("100 Continue", "Status", "200", "Date", "now")
	f.Fuzz(func(t *testing.T, status, name1, value1, name2, value2 string) {
		a := &answering{status: status}
		for _, h := range [][2]string{{name1, value1}, {name2, value2}} {
			a.headers = append(a.headers, starlark.Tuple{starlark.String(h[0]), starlark.String(h[1])})
		}
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if v := recover(); v != nil && v != http.ErrAbortHandler { // a body shorter than was declared
					panic(v)
				}
			}()
			(&server.Handler{App: rthost.AppFunc(a.Call), Logger: slog.New(slog.DiscardHandler)}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		}()
		if a.err != nil {
			var own *environ.Error
			if !errors.As(a.err, &own) || !strings.HasPrefix(string(own.Code), "LARK02") {
				t.Fatalf("start_response failed with %v", a.err)
			}
			return
		}
		var wire bytes.Buffer
		res := w.Result()
		if got := res.Status[:3]; got != status[:3] {
			t.Fatalf("status %q went out as %s", status, got)
		}
		res.Body, res.ContentLength = nil, 0
		if err := res.Write(&wire); err != nil {
			t.Fatal(err)
		}
		back, err := http.ReadResponse(bufio.NewReader(&wire), nil)
		if err != nil {
			t.Fatalf("%v: %v", a, err)
		}
		if rest, _ := io.ReadAll(back.Body); len(rest) > 0 {
			t.Fatalf("%v: got a body %q", a, rest)
		}
		given := map[string]bool{"Content-Length": true, "Connection": true, "Content-Type": true}
		for _, name := range []string{name1, name2} {
			given[http.CanonicalHeaderKey(name)] = true
			if !httpguts.ValidHeaderFieldName(name) {
				t.Errorf("the name %q went out", name)
			}
		}
		for name := range back.Header {
			if !given[name] {
				t.Errorf("%v: got a header %q", a, name)
			}
		}
	})
}
