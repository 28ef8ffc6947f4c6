package environ_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A recorder is a start_response that notes what it is called with.
type recorder struct {
	host.Object
	said []string
}

func (r *recorder) Name() string { return "start_response" }

func (r *recorder) CallInternal(
	_ *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	r.said = append(r.said, fmt.Sprint(args, kwargs))
	return starlark.NewBuiltin("write", func(
		_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple,
	) (starlark.Value, error) {
		r.said = append(r.said, "write"+args.String())
		return starlark.None, nil
	}), nil
}

// TestInterpose calls start_response as scripts do, through one that edits.
func TestInterpose(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{`s("200 OK", [("A", "b")])`, `("200 OK", [("A", "b"), ("X", "1")]) []`},
		{`s(status = "404 Not There", headers = [])`, `("404 Not Found", [("X", "1")]) []`},
		{`s("200 OK", [], None)`, `("200 OK", [("X", "1")], None) []`},
		{`s("299 Own", [])`, `("299 Unknown", [("X", "1")]) []`},
		{`s("200 OK", [])("block")`, `("200 OK", [("X", "1")]) []/write("block",)`},
		// What cannot be read goes on as it is, for the server to say what is wrong.
		{`s("200", [])`, `("200", []) []`},
		{`s(200, [])`, `(200, []) []`},
		{`s("100 Continue", [])`, `("100 Continue", []) []`},
		{`s("200 OK", ())`, `("200 OK", ()) []`},
		{`s("200 OK", [("A",)])`, `("200 OK", [("A",)]) []`},
		{`s("200 OK", [("A", 1)])`, `("200 OK", [("A", 1)]) []`},
		{`s("200 OK", [("A b", "x")])`, `("200 OK", [("A b", "x")]) []`},
		{`s("200 OK", [("A", "x\n")])`, `("200 OK", [("A", "x\n")]) []`},
		{`s("200 OK", [("Connection", "close")])`, `("200 OK", [("Connection", "close")]) []`},
		{`s()`, `() []`},
		{`s("200 OK", more = 1)`, `("200 OK",) [("more", 1)]`},
	} {
		thread, r := new(starlark.Thread), &recorder{Object: "start_response"}
		s := environ.Interpose(thread, r, func(h *environ.Head) error {
			h.Set("X", "1")
			return nil
		})
		_, err := starlark.EvalOptions(new(syntax.FileOptions), thread, "test", tt.script, starlark.StringDict{"s": s})
		if got := strings.Join(r.said, "/"); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.script, got, err, tt.want)
		}
	}
}

// TestInterposeGo is TestInterpose for an application that is written in Go.
func TestInterposeGo(t *testing.T) {
	thread, r := new(starlark.Thread), &recorder{Object: "start_response"}
	edit := func(h *environ.Head) error { h.Default("X", "1"); return nil }
	inner := environ.Interpose(thread, environ.Interpose(thread, r, edit), edit)
	err := environ.Start(thread, inner, 201, []environ.Field{{Name: "A", Value: "b"}})
	if got := strings.Join(r.said, "/"); err != nil || got != `("201 Created", [("A", "b"), ("X", "1")]) []` {
		t.Errorf("got %s, %v", got, err)
	}
	no := errors.New("no")
	failing := environ.Interpose(thread, r, func(*environ.Head) error { return no })
	if err := environ.Start(thread, failing, 200, nil); err != no {
		t.Errorf("got %v, want the error of the edit", err)
	}
}

// TestHold keeps what an application says, until it is released or written.
func TestHold(t *testing.T) {
	for _, tt := range []struct{ script, held, want, fails string }{
		{`s("200 OK", [("A", "b")])`, "200 [{A b}]", "", ""},
		{`[s("200 OK", []), s("503 No", [], error)]`, "503 []", "", ""},
		{`[s("200 OK", []), s("200 OK", [])]`, "200 []", "", "LARK0211: start_response() was called before"},
		{`s("200 OK", [])("x")`, "none", `("200 OK", []) []/write("x",)`, ""},
		{`[w("x") for w in [s("200 OK", [])] for _ in range(2)]`, "none", `("200 OK", []) []/write("x",)/write("x",)`, ""},
		{`None`, "none", "", ""},
		{`s("200", [])`, "none", `("200", []) []`, ""},
	} {
		thread, r := new(starlark.Thread), &recorder{Object: "start_response"}
		s := environ.Hold(thread, r)
		_, err := starlark.EvalOptions(new(syntax.FileOptions), thread, "test", tt.script, starlark.StringDict{
			"s": s, "error": host.NewCaught(errors.New("cause")),
		})
		held := "none"
		if h := s.Release(); h != nil {
			held = fmt.Sprint(h.Status, " ", h.Fields)
		}
		got := strings.Join(r.said, "/")
		if held != tt.held || got != tt.want || (err == nil) != (tt.fails == "") ||
			err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%s: held %s, passed on %s, %v; want %s, %s, %s", tt.script, held, got, err,
				tt.held, tt.want, tt.fails)
		}
	}
}

// TestHoldAfterRelease passes on at once what comes after the application has returned, and gives no
// write() for what was released.
func TestHoldAfterRelease(t *testing.T) {
	thread, r := new(starlark.Thread), &recorder{Object: "start_response"}
	s := environ.Hold(thread, r)
	write, err := starlark.Call(thread, s, starlark.Tuple{starlark.String("200 OK"), starlark.NewList(nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(s.Release()); err != nil {
		t.Fatal(err)
	}
	_, err = starlark.Call(thread, write, starlark.Tuple{starlark.String("x")}, nil)
	if err == nil || !strings.Contains(err.Error(), "LARK0107") {
		t.Errorf("write() after the application has returned: %v", err)
	}
	if _, err = starlark.Call(thread, s, starlark.Tuple{starlark.String("201 Created"), starlark.NewList(nil)}, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(r.said, "/"), `("200 OK", []) []/("201 Created", []) []`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestRestart answers with exc_info, whichever way the application is called.
func TestRestart(t *testing.T) {
	thread, r := new(starlark.Thread), &recorder{Object: "start_response"}
	s := environ.Restart(thread, r, host.NewCaught(errors.New("cause")))
	if err := environ.Start(thread, s, 500, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := starlark.EvalOptions(new(syntax.FileOptions), thread, "test", `s("500 No", [])`, starlark.StringDict{"s": s}); err != nil {
		t.Fatal(err)
	}
	want := `("500 Internal Server Error", [], error("cause")) []`
	if got := strings.Join(r.said, "/"); got != want+"/"+want {
		t.Errorf("got %s", got)
	}
}

func TestHead(t *testing.T) {
	h := environ.Head{Fields: []environ.Field{{Name: "vary", Value: "Accept, Cookie"}, {Name: "A", Value: "1"}, {Name: "a", Value: "2"}}}
	h.Vary("cookie")
	h.Vary("Origin")
	h.Vary("origin")
	h.Default("A", "3")
	h.Default("B", "4")
	h.Set("a", "5")
	h.Drop("b")
	if got, want := fmt.Sprint(h.Fields), "[{Vary Accept, Cookie, Origin} {a 5}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if h.Get("VARY") != "Accept, Cookie, Origin" || h.Has("B") || h.Get("B") != "" {
		t.Errorf("got %q, %t, %q", h.Get("VARY"), h.Has("B"), h.Get("B"))
	}
	any := environ.Head{Fields: []environ.Field{{Name: "Vary", Value: "*"}}}
	any.Vary("Origin")
	if got := any.Get("Vary"); got != "*" {
		t.Errorf("got Vary: %s, want *", got)
	}
}

// A made counts how often it is made.
type made struct {
	host.Object
	n *int
}

func (m made) Later() starlark.Value {
	*m.n++
	return starlark.MakeInt(*m.n)
}

// TestSetLater sees that a value is made when it is asked for, once, and that nobody sees what makes
// it.
func TestSetLater(t *testing.T) {
	for _, ask := range []string{
		`e["k"] + 0 * e["k"]`, `e.get("k")`, `dict(e)["k"]`, `[v for k, v in e.items() if k == "k"][0]`, `(e | {})["k"]`,
		`e.pop("k")`, `e.setdefault("k", 7)`,
	} {
		for _, dict := range []bool{false, true} {
			n := 0
			var env starlark.HasSetKey = new(environ.Config).New(environ.FromHTTP(httptest.NewRequest("GET", "/", nil)))
			if dict {
				env = starlark.NewDict(1)
			}
			if err := environ.SetLater(env, starlark.String("k"), made{"made", &n}); err != nil {
				t.Fatal(err)
			}
			if (n != 0) != dict || environ.Made(env, "k") != dict || environ.Made(env, "none") {
				t.Errorf("%s: made %d times before it was asked for, %t", ask, n, environ.Made(env, "k"))
			}
			v, err := starlark.EvalOptions(new(syntax.FileOptions), new(starlark.Thread), "test", ask, starlark.StringDict{"e": env})
			if err != nil || v.String() != "1" || n != 1 {
				t.Errorf("%s, of a dict %t: got %v, %v, made %d times", ask, dict, v, err, n)
			}
		}
	}
	n := 0
	e := new(environ.Config).New(environ.FromHTTP(httptest.NewRequest("GET", "/", nil)))
	e.Dict()
	if err := environ.SetLater(e, starlark.String("k"), made{"made", &n}); err != nil || n != 1 {
		t.Errorf("once it is a dict: %v, made %d times", err, n)
	}
}
