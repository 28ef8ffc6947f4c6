package dev_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/dev"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// savedOutside has a request saved that came with a session and for which that work was done.
func savedOutside(t *testing.T, session *starlark.Dict, work ...host.Work) string {
	t.Helper()
	dir := t.TempDir()
	d := dev.New("")
	d.Sessions = func(r *http.Request) (context.Context, func() *starlark.Dict) {
		return r.Context(), func() *starlark.Dict { return session }
	}
	d.Develop(dev.Config{Tree: runtime.Dir(dir), Dir: dir})
	s := d.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, done := range work {
			dev.NoteWork(r, done)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	ask(s, "GET", "/", "")
	if w := ask(s, "POST", "/_larkspur/requests/1/save", ""); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	text, err := os.ReadFile(filepath.Join(dir, "get_test.star"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fetched is the work of a request that was answered.
func fetched(target, media, body string) host.Work {
	u, err := url.Parse(target)
	if err != nil {
		u = &url.URL{Scheme: "https", Host: "a.example", Path: "/"}
	}
	e := &host.Exchange{Method: "GET", URL: u, Status: 200, Type: media}
	e.Read(body)
	return host.Work{Kind: "fetch", Text: "GET", Seen: e}
}

// TestSaveOutside verifies what a test is told of what was done outside, within bounds, without secrets.
func TestSaveOutside(t *testing.T) {
	unread := fetched("https://a.example/stream", "", "")
	unread.Seen.(*host.Exchange).Unread()
	work := []host.Work{
		fetched("https://a.example/long", "text/plain", strings.Repeat("x", 20000)), unread,
		fetched("https://a.example/form?code=1", "application/x-www-form-urlencoded", "user=ada&access_token=hush"),
		fetched("https://a.example/cut", "application/json", `{"a": [1, {"password": "hush\"hush", "secret": 4711, "token": "hu\"sh`),
		fetched("https://a.example/same", "", "1"), fetched("https://a.example/same?token=hush", "", "2"),
		{Kind: "mail", Seen: &host.Letter{To: []string{"a@example.com"}, Subject: "x", Granted: "Notes <n@example.com>", Failure: "rejected"},
			Err: errors.New("no")},
	}
	for range 30 {
		work = append(work, fetched("https://a.example/more", "", "x"))
	}
	session := new(starlark.Dict)
	list := starlark.NewList([]starlark.Value{starlark.MakeInt(1), starlark.None, starlark.Bool(true), starlark.Float(1.5)})
	for key, v := range map[string]starlark.Value{"csrf": starlark.String("hush"), "list": list} {
		if err := session.SetKey(starlark.String(key), v); err != nil {
			t.Fatal(err)
		}
	}
	text := savedOutside(t, session, work...)
	for _, want := range []string{
		"which 16384 were kept.", "# What it answered was not read", `"body": "user=ada&access_token=masked"`, "in another way 1 times",
		`mails(sender = "Notes <n@example.com>", error = "rejected")`, `"list": [1, None, True, 1.5]`, `"csrf": "••••••`,
		`"GET https://a.example/form": `, `load("@test", "client", "eq", "fetches", "mails")`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(text, "hush") || strings.Contains(text, "hu\\") || strings.Contains(text, "4711") {
		t.Error("a secret is in it")
	}
	if strings.Contains(text, "eq([") {
		t.Error("a mail is wanted that was not sent")
	}
	if t.Failed() {
		t.Logf("%s", strings.ReplaceAll(text, strings.Repeat("x", 100), ""))
	}
}

// FuzzSaveOutside saves what others have said, servers and senders: it is read as what it is, and nothing of it is a
// statement.
func FuzzSaveOutside(f *testing.F) {
	for _, s := range []string{"x", "x\rprint(1)", "\n", "\u2028print(1)", "\x00", "\xff", `"); print(1) #`, `\"`, `"""`, "\u202e", `"token": "`, "token=&a", "é\u00a0"} {
		f.Add("https://a.example/"+s+"?q="+s, s, s, s)
		f.Add("https://a.example/?token="+s, "application/json", `{"token": "`+s+`", "`+s+`": 1}`, s)
	}
	f.Fuzz(func(t *testing.T, target, media, body, said string) {
		target, media, body, said = clip(target, 2000), clip(media, 1000), clip(body, 20000), clip(said, 2000)
		session := new(starlark.Dict)
		if err := session.SetKey(starlark.String(said), starlark.NewList([]starlark.Value{starlark.String(body)})); err != nil {
			t.Fatal(err)
		}
		moved := fetched(target, media, "")
		moved.Seen.(*host.Exchange).Status, moved.Seen.(*host.Exchange).Location = 302, said
		text := savedOutside(t, session, fetched(target, media, body), fetched(target, media, said), moved, host.Work{Kind: "sql", Text: said},
			host.Work{Kind: "mail", Seen: &host.Letter{To: []string{said, media}, Subject: body, Granted: said}})
		tree, err := syntax.LegacyFileOptions().Parse("saved", text, syntax.RetainComments)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		want := 6
		if said == "" {
			want = 5 // mails(sender = ...) is not there
		}
		if n := len(tree.Stmts); n != 4 || len(tree.Stmts[3].(*syntax.DefStmt).Body) != want {
			t.Fatalf("it has other statements:\n%s", text)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			for _, r := range line {
				if !strconv.IsPrint(r) {
					t.Fatalf("%q is in the line %q", r, line)
				}
			}
		}
		mails := tree.Stmts[3].(*syntax.DefStmt).Body[want-1].(*syntax.ExprStmt).X.(*syntax.CallExpr).Args[1].(*syntax.ListExpr)
		mail := mails.List[0].(*syntax.ParenExpr).X.(*syntax.TupleExpr)
		if got := mail.List[1].(*syntax.Literal).Value; got != body {
			t.Errorf("the subject is %q, want %q", got, body)
		}
	})
}
