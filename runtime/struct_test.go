package runtime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An Audit is exported, so that one behind a pointer can be made.
type Audit struct {
	UpdatedBy string
	Secret    string `starlark:"-"`
}

func (a Audit) Log() string { return "by " + a.UpdatedBy }

type user struct {
	*Audit
	UserID   int
	Name     string `starlark:"full_name"`
	From     time.Time
	Tags     []string
	Next     *user
	Password string `starlark:"-"`
	Done     chan int
	hidden   int
}

func (u user) Greet(greeting string) (string, error) {
	if greeting == "" {
		return "", errors.New("no greeting")
	}
	return greeting + ", " + u.Name, nil
}
func (u *user) Rename(name string)                           { u.Name = name }
func (u *user) HTTPLink(parts ...string) string              { return strings.Join(parts, "/") }
func (u *user) Each(t *starlark.Thread, f starlark.Callable) {}
func (u *user) Panic()                                       { panic("out of users") }
func (u *user) Chan(chan int)                                {}

// A script sees a struct, and one behind a pointer, by the names of its fields and methods.
func TestStructs(t *testing.T) {
	ada := func() *user {
		return &user{UserID: 7, Name: "Ada", From: time.Date(1843, 9, 5, 0, 0, 0, 0, time.UTC), Tags: []string{"math"}, hidden: 1}
	}
	for _, test := range []struct{ expr, want string }{
		{`u.user_id, u.full_name, u.tags, u.from_.year, u.next`, `(7, "Ada", ["math"], 1843, None)`},
		{`type(u), type(v), bool(u), str(u)`, `("user", "user", True, "<user>")`},
		{`u.updated_by, v.updated_by`, `(None, None)`}, // it is embedded by a pointer that is nil
		{`[u.rename("Bob"), u.full_name, v.full_name]`, `[None, "Bob", "Ada"]`},
		{`u.greet("hi"), v.greet("hi")`, `("hi, Ada", "hi, Ada")`},
		{`u.http_link("a", "b"), u.http_link()`, `("a/b", "")`},
		{`dir(u)`, `["audit", "each", "from_", "full_name", "greet", "http_link", "log", "next", "panic", "rename", "tags", "updated_by", "user_id"]`},
		{`dir(v)`, `["audit", "from_", "full_name", "greet", "log", "next", "tags", "updated_by", "user_id"]`},
		{`u.greet("")`, `greet: no greeting`},
		{`u.greet(1)`, `greet: for parameter 1: got int, want string`},
		{`u.greet()`, `greet: got 0 arguments, want 1`},
		{`u.panic()`, `panic: panic: out of users`},
		{`u.log()`, `log: panic: runtime error: invalid memory address or nil pointer dereference`},
		{`v.rename("x")`, `user has no .rename field or method`},
		{`u.password`, `user has no .password field or method`},
		{`u.secret`, `user has no .secret field or method`},
		{`u.hidden`, `user has no .hidden field or method`},
		{`u.done`, `user.done: chan int has no counterpart in Starlark`},
		{`u.chan`, `user.chan: parameter 1: chan int has no counterpart in Starlark`},
		{`u.tags.append("x")`, `append: cannot append to frozen list`},
		{`u == u, u == again(u), u == v, v == v, {u: 1}[again(u)]`, `(True, True, False, False, 1)`},
		{`{v: 1}`, `unhashable: user`},
		{`u < u`, `user < user not implemented`},
		{`byName({"user_id": 3, "full_name": "Eve", "tags": ("a",), "updated_by": "me"})`, `"Eve 3 [a] me"`},
		{`byName(u), byName(v)`, `("Ada 7 [math] nobody", "Ada 7 [math] nobody")`},
		{`byName({"name": "Eve"})`, `byName: for parameter 1: for key "name": user has no such field`},
		{`byName({"full_nam": "Eve"})`, `byName: for parameter 1: for key "full_nam": user has no such field (did you mean full_name?)`},
		{`byName({"user_id": "3"})`, `byName: for parameter 1: for key "user_id": got string, want int`},
		{`byName({"greet": 1})`, `byName: for parameter 1: for key "greet": user has no such field`},
		{`byName(None)`, `byName: for parameter 1: got NoneType, want user`},
		{`byPointer(None), byPointer(v), byPointer(u), byPointer({"user_id": 3})`, `(0, 7, 7, 3)`},
		{`same(u)`, `True`},
		{`same(None)`, `False`},
	} {
		u := ada()
		out := func(x any) starlark.Value {
			v, err := host.Value(x)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		v, err := eval(t, test.expr, starlark.StringDict{
			"u": out(u), "v": out(*u),
			"again": host.Func("again", func(u *user) *user { return u }),
			"same":  host.Func("same", func(x any) bool { return x == any(u) }),
			"byName": host.Func("byName", func(u user) string {
				by := "nobody"
				if u.Audit != nil {
					by = u.UpdatedBy
				}
				return fmt.Sprint(u.Name, " ", u.UserID, " ", u.Tags, " ", by)
			}),
			"byPointer": host.Func("byPointer", func(u *user) int {
				if u == nil {
					return 0
				}
				return u.UserID
			}),
		})
		if got := said(v, err); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: got %s, want %s", test.expr, got, test.want)
		}
	}
}

// Two names that are one for a script are said at the first use, with what to do.
func TestStructsWithOneNameTwice(t *testing.T) {
	type twice struct {
		UserID int
		UserId int //lint:ignore ST1003 it is what the test is about
	}
	_, err := host.Value(twice{})
	if got, want := fmt.Sprint(err), "runtime_test.twice: UserID and UserId are both user_id for a script: tag a field `starlark:\"name\"`"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The fields of what is behind a pointer are those of the moment when a script asks.
func TestStructsBehindPointersChange(t *testing.T) {
	u := &user{Name: "Ada"}
	v, err := host.Value(u)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Ada", "Eve"} {
		u.Name = name
		got, err := v.(starlark.HasAttrs).Attr("full_name")
		if err != nil || got != starlark.String(name) {
			t.Errorf("got %v, %v; want %s", got, err, name)
		}
	}
}
