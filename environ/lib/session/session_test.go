package session_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

const secret = "a secret for tests, of 32 characters"

// A clock is what sessions grow old by.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

// run runs a script that has sessions and session, and returns its globals, frozen.
func run(t testing.TB, c *clock, script string) (starlark.StringDict, error) {
	t.Helper()
	config := &session.Config{}
	if c != nil {
		config.Now = c.read
	}
	values, err := config.Module().Values(&host.Load{Grant: keeper{secret}})
	if err != nil {
		t.Fatal(err)
	}
	values["abort"] = starlark.NewBuiltin("abort", func(*starlark.Thread, *starlark.Builtin,
		starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
		return nil, response.Abort(response.New(404, "text/plain", "none"), "there is none")
	})
	options := &syntax.FileOptions{TopLevelControl: true, GlobalReassign: true, Set: true}
	globals, err := starlark.ExecFileOptions(options, new(starlark.Thread), "x.star", script, values)
	globals.Freeze()
	return globals, err
}

type keeper []string

func (k keeper) Secrets() ([]string, error) { return k, nil }

// A visitor asks applications, and keeps the one cookie as a browser does.
type visitor struct {
	cookies string
	vars    map[string]string // of the environ
	set     []string          // Set-Cookie of the last response
	fields  []string          // its other fields
}

// ask calls an application.
func (v *visitor) ask(app starlark.Value) error {
	env := new(starlark.Dict)
	vars := map[string]string{"SCRIPT_NAME": "", "wsgi.url_scheme": "http"}
	if v.cookies != "" {
		vars["HTTP_COOKIE"] = v.cookies
	}
	for name, value := range v.vars {
		vars[name] = value
	}
	for name, value := range vars {
		_ = env.SetKey(starlark.String(name), starlark.String(value))
	}
	start := starlark.NewBuiltin("start_response", func(_ *starlark.Thread, b *starlark.Builtin,
		args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var status string
		var headers *starlark.List
		var excInfo starlark.Value
		err := starlark.UnpackArgs(b.Name(), args, kwargs, "status", &status, "headers", &headers,
			"exc_info?", &excInfo)
		if err != nil {
			return nil, err
		}
		v.set, v.fields = nil, nil
		for e := range starlark.Elements(headers) {
			name, _ := starlark.AsString(e.(starlark.Tuple)[0])
			value, _ := starlark.AsString(e.(starlark.Tuple)[1])
			if name == "Set-Cookie" {
				v.set = append(v.set, value)
			} else {
				v.fields = append(v.fields, name+": "+value)
			}
		}
		return starlark.None, nil
	})
	v.set, v.fields = nil, nil
	_, err := starlark.Call(new(starlark.Thread), app, starlark.Tuple{env, start}, nil)
	for _, line := range v.set {
		if v.cookies, _, _ = strings.Cut(line, ";"); strings.Contains(line, "Max-Age=0") {
			v.cookies = ""
		}
	}
	return err
}

// asked is ask of an application whose failure fails the test.
func (v *visitor) asked(t *testing.T, app starlark.Value) {
	t.Helper()
	if err := v.ask(app); err != nil {
		t.Fatal(err)
	}
}

// steps is an application for each step of a script: what it does with s, the session.
func steps(t *testing.T, c *clock, args string, steps ...string) (apps []starlark.Value) {
	t.Helper()
	for _, step := range steps {
		globals, err := run(t, c, "def inner(environ, start_response):\n    s = session(environ)\n    "+
			strings.ReplaceAll(step, "\n", "\n    ")+
			"\n    start_response(\"200 OK\", [])\n    return []\napp = sessions(inner"+args+")\n")
		if err != nil {
			t.Fatal(err)
		}
		apps = append(apps, globals["app"])
	}
	return apps
}

// TestSaved checks which requests have the cookie be set, of a visitor who has {"a": [1]}.
func TestSaved(t *testing.T) {
	for step, want := range map[string]string{
		`pass`:                                 "",
		`s.get("a")`:                           "",
		`s["a"] = [1]`:                         "",
		`s["a"].append(2)`:                     "set",
		`s["a"].append(2); s["a"].pop()`:       "",
		`s["a"].append(2); s["a"] = [1]`:       "",
		`s["b"] = None`:                        "set",
		`s["b"] = 1; s.pop("b")`:               "",
		`s.setdefault("a", [2])`:               "",
		`s.setdefault("b", {})["c"] = 1`:       "set",
		`s.pop("c", None)`:                     "",
		`s.pop("a")`:                           "forgotten",
		`s.clear()`:                            "forgotten",
		`s.clear(); s["a"] = [1]`:              "",
		`s.clear(); s.flash("bye")`:            "set",
		`s.update({"a": [1]})`:                 "",
		`s.update([("b", 1)])`:                 "set",
		`s.regenerate()`:                       "set",
		`s.clear(); s.regenerate()`:            "forgotten",
		`s.flash("hi")`:                        "set",
		`s.flash("hi"); s.flashes()`:           "",
		`s.flashes()`:                          "",
		`s["a"] = (1,)`:                        "", // as JSON they are one
		`s["a"] = [1.0]`:                       "set",
		`[s.keys(), s.values(), s.items(), 1]`: "",
		`["a" in s, len(s), bool(s), list(s)]`: "",
		`s["a"] = [{"x": [(1, "ü\"", None)]}]`: "set",
		`dict(s)["a"].append(2)`:               "set", // the list is the same, as in Python
		`s["big"] = 12345678901234567890 * 10`: "set",
		`s["text"] = "\u2028</script>\x00"`:    "set",
	} {
		apps := steps(t, nil, "", `s["a"] = [1]`, step)
		v := new(visitor)
		v.asked(t, apps[0])
		v.asked(t, apps[1])
		got := ""
		if len(v.set) > 0 {
			got = "set"
			if strings.Contains(v.set[0], "=; ") && strings.Contains(v.set[0], "Max-Age=0") {
				got = "forgotten"
			}
		}
		if got != want || len(v.set) > 1 {
			t.Errorf("%s: got %q, want %q: %v", step, got, want, v.set)
		}
	}
	for _, step := range []string{`pass`, `s.clear()`, `s.regenerate()`, `s.flashes()`, `s.get("a")`} {
		v := new(visitor)
		if v.asked(t, steps(t, nil, "", step)[0]); v.set != nil {
			t.Errorf("a new visitor, %s: %v", step, v.set)
		}
	}
}

// TestMapping checks that a session does what a dict of Python does, and comes back.
func TestMapping(t *testing.T) {
	v := new(visitor)
	for _, app := range steps(t, nil, "", `
s["b"] = {"x": 1, "y": [True, None, 1.5]}
s["a"] = "ü"
s.update(c = 1) if False else s.update({"c": -7})
s.flash("one"); s.flash("two", category = "error")`, `
if dict(s) != {"a": "ü", "b": {"x": 1, "y": [True, None, 1.5]}, "c": -7}: fail(s)
if [len(s), bool(s), "a" in s, "z" in s, sorted(s)] != [3, True, True, False, ["a", "b", "c"]]: fail(s)
if s.get("z") != None or s.get("z", 1) != 1 or s.get("c", 1) != -7: fail(s)
if s.pop("c") != -7 or s.pop("c", 0) != 0 or "c" in s: fail(s)
if sorted(s.keys()) != ["a", "b"] or len(s.items()) != 2 or len(s.values()) != 2: fail(s)
if type(s) != "session" or str(s) != '{"a": "ü", "b": {"x": 1, "y": [True, None, 1.5]}}': fail(str(s))
if s.setdefault("d", []) != [] or s["d"] != []: fail(s)
if s.flashes() != [("message", "one"), ("error", "two")] or s.flashes() != []: fail(s)`, `
if s.flashes() != []: fail("they were shown")
s.clear()
if dict(s) != {} or s or len(s): fail(s)`, `
if dict(s) != {}: fail(s)`) {
		v.asked(t, app)
	}
}

// TestFields checks what a response that touched the session says, and how its cookie is set.
func TestFields(t *testing.T) {
	for _, c := range []struct{ vars, args, headers, step, want string }{
		{"", "", "", `pass`, "Vary: Cookie"},
		{"", "", `("Vary", "Accept")`, `pass`, "Vary: Accept|Vary: Cookie"},
		{"", "", `("vary", "Accept, cookie")`, `pass`, "vary: Accept, cookie"},
		{"", "", `("Vary", "*")`, `pass`, "Vary: *"},
		{"", "", "", `s["a"] = 1`, "Vary: Cookie|Cache-Control: private|" +
			"session=*; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax"},
		{"", ", max_age = None, same_site = \"Strict\"", `("Cache-Control", "max-age=60")`, `s["a"] = 1`,
			"Cache-Control: max-age=60|Vary: Cookie|Cache-Control: private|" +
				"session=*; Path=/; HttpOnly; SameSite=Strict"},
		{"", ", name = \"visitor\", max_age = 60", `("cache-control", "No-Store")`, `s["a"] = 1`,
			"cache-control: No-Store|Vary: Cookie|visitor=*; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"},
		{"https", "", "", `s["a"] = 1`, "Vary: Cookie|Cache-Control: private|" +
			"__Host-session=*; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax"},
		{"https /shop", "", "", `s["a"] = 1`, "Vary: Cookie|Cache-Control: private|" +
			"session=*; Path=/shop; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax"},
		{"https", ", secure = False", "", `s["a"] = 1`, "Vary: Cookie|Cache-Control: private|" +
			"session=*; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax"},
		{"", ", secure = True, same_site = \"none\"", "", `s["a"] = 1`, "Vary: Cookie|Cache-Control: private|" +
			"__Host-session=*; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=None"},
		{"", ", secure = True, name = \"__Secure-x\"", "", `s["a"] = 1`, "Vary: Cookie|Cache-Control: private|" +
			"__Secure-x=*; Path=/; Max-Age=1209600; HttpOnly; Secure; SameSite=Lax"},
		{"http /a b;c/ü", "", "", `s["a"] = 1`, "Vary: Cookie|Cache-Control: private|" +
			"session=*; Path=/a%20b%3Bc/%C3%BC; Max-Age=1209600; HttpOnly; SameSite=Lax"},
	} {
		globals, err := run(t, nil, "def inner(environ, start_response):\n    s = session(environ)\n    "+
			c.step+"\n    start_response(\"200 OK\", ["+c.headers+"])\n    return []\n"+
			"app = sessions(inner"+c.args+")\n")
		if err != nil {
			t.Fatal(err)
		}
		v := &visitor{vars: map[string]string{}}
		if scheme, mount, _ := strings.Cut(c.vars, " "); scheme != "" {
			v.vars["wsgi.url_scheme"], v.vars["SCRIPT_NAME"] = scheme, mount
		}
		v.asked(t, globals["app"])
		got := v.fields
		for _, line := range v.set {
			name, rest, _ := strings.Cut(line, "=")
			_, attributes, _ := strings.Cut(rest, ";")
			got = append(got, name+"=*;"+attributes)
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%q %s %s:\ngot  %s\nwant %s", c.vars, c.args, c.headers, strings.Join(got, "|"), c.want)
		}
	}
}

// says returns what an application finds in a session.
const says = `
start_response("200 OK", [("X-Says", str(s))])
return []`

func (v *visitor) said() string { return strings.TrimPrefix(v.fields[0], "X-Says: ") }

// TestAge checks that a session ends with its age, counted by the server from its last change.
func TestAge(t *testing.T) {
	for args, age := range map[string]time.Duration{
		", max_age = 60": time.Minute, "": 14 * 24 * time.Hour, ", max_age = None": 31 * 24 * time.Hour,
	} {
		c := &clock{time.Unix(1e9, 0)}
		apps := steps(t, c, args, `s["a"] = 1`, says, `s.regenerate()`)
		v := new(visitor)
		v.asked(t, apps[0])
		c.now = c.now.Add(age - time.Second)
		if v.asked(t, apps[1]); v.said() != `{"a": 1}` {
			t.Errorf("%q: before its end it is %s", args, v.said())
		}
		old := v.cookies
		v.asked(t, apps[2])
		c.now = c.now.Add(2 * time.Second)
		if v.asked(t, apps[1]); v.said() != `{"a": 1}` {
			t.Errorf("%q: made anew it is %s", args, v.said())
		}
		if v.cookies = old; v.ask(apps[1]) != nil || v.said() != `{}` || v.set != nil {
			t.Errorf("%q: after its end it is %s, and %v is set", args, v.said(), v.set)
		}
	}
}

// TestRotation checks that the first secret encrypts, and that all decrypt.
func TestRotation(t *testing.T) {
	const a, b, c = `"a secret for tests, of 32 characters"`, `"another secret, of as many characters"`,
		`"a third secret that has as many as well"`
	with := func(list string) (apps []starlark.Value) {
		return steps(t, nil, ", secret = "+list, `s["n"] = s.get("n", 0) + 1`, says)
	}
	old, both, fresh, other := with(a), with("["+b+", "+a+"]"), with("("+b+",)"), with(c)
	v := new(visitor)
	v.asked(t, old[0])
	for i, step := range []struct {
		app  starlark.Value
		want string
	}{
		{both[1], `{"n": 1}`}, {fresh[1], `{}`}, {both[0], ""}, {fresh[1], `{"n": 2}`}, {old[1], `{}`},
		{both[1], `{"n": 2}`}, {other[1], `{}`},
	} {
		if v.asked(t, step.app); step.want != "" && v.said() != step.want {
			t.Errorf("step %d: it is %s, want %s", i, v.said(), step.want)
		}
	}
}

// TestSeveral checks that of several cookies of the name the first counts that is the
// application's own.
func TestSeveral(t *testing.T) {
	apps := steps(t, nil, "", `s["n"] = 1`, `s["n"] = 2`, says)
	one, two, v := new(visitor), new(visitor), new(visitor)
	one.asked(t, apps[0])
	two.asked(t, apps[1])
	forged := "session=AAAA"
	for cookies, want := range map[string]string{
		one.cookies: `{"n": 1}`,
		"a=b; " + one.cookies + "; " + two.cookies:             `{"n": 1}`,
		forged + ";" + two.cookies + ";" + one.cookies:         `{"n": 2}`,
		forged + "; session; session=; " + one.cookies:         `{"n": 1}`,
		strings.Replace(one.cookies, "session", "Session", 1):  `{}`,
		strings.Replace(one.cookies, "session", "asession", 1): `{}`,
		strings.Repeat(forged+"; ", 100) + one.cookies:         `{}`, // somebody floods it
		one.cookies[:30]: `{}`,
	} {
		v.cookies = cookies
		if v.asked(t, apps[2]); v.said() != want {
			t.Errorf("%.80s: it is %s, want %s", cookies, v.said(), want)
		}
	}
}

// TestMisused checks what an author is told.
func TestMisused(t *testing.T) {
	for args, want := range map[string]string{
		`secret = "short"`:      "32 characters or more, this one has 5",
		`secret = ""`:           "has 0",
		`secret = []`:           "no secret in the list",
		`secret = 7`:            "secret is int",
		`secret = ["a", 1]`:     "secret has int",
		`secret = ["x"] * 1000`: "17 secrets, and 16 at most",
		`max_age = 0`:           "max_age is 0",
		`max_age = "1"`:         "max_age is \"1\"",
		`name = "a b"`:          "no name of a cookie",
		`name = ""`:             "no name",
		`name = "x" * 200`:      "no name",
		`same_site = "no"`:      `same_site is "no"`,
		`same_site = "None"`:    "without Secure; pass secure = True",
		`secure = "yes"`:        "secure is string",
		`name = "__Host-x"`:     "without Secure",
		`name = "__hOSt-x"`:     "without Secure",
		`nothing = 1`:           "unexpected keyword argument",
	} {
		_, err := run(t, nil, "app = sessions(lambda environ, start_response: [], "+args+")")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", args, err, want)
		}
	}
	for step, want := range map[string]string{
		`s["a"] = b"x"`:                               `the value of "a" is bytes`,
		`s["a"] = [1, {"b": set([1])}]`:               `"a"[1]["b"] is a set: JSON has none; write sorted(x)`,
		`s["a"] = {1: 2}`:                             `the value of "a" is a dict with the key 1`,
		`s["a"] = len`:                                `builtin_function_or_method, and a session keeps what JSON can say`,
		`s["a"] = float("nan")`:                       "non-finite",
		`s[1] = 2`:                                    "the key 1 is int",
		`s["a"] = "x" * 5000`:                         `the value of "a" has 5002 bytes as JSON, and a cookie 4096`,
		`s["a"] = "x" * (2 << 20)`:                    "longer than 1048576 bytes",
		`s["a"] = [0] * 5000`:                         "more than 2000 values",
		`a = []; a.append(a); s["a"] = a`:             "nested deeper than 50",
		`s.setdefault("a", []).append(len)`:           `the value of "a"[0] is builtin`,
		`for i in range(4): s[str(i)] = "x" * 1000`:   `would have 5497 bytes, and browsers keep 4096 at most: most of it is "0", with 1002`,
		`for i in range(4): s.flash("x" * 1000)`:      `most of it is the flashes`,
		`s["x"]`:                                      `key "x" not in session`,
		`s.pop("x")`:                                  `there is no "x"`,
		`s.flash(1)`:                                  "flash: for parameter message: got int, want string",
		`s.update(7)`:                                 "got int, want a dict or pairs",
		`s.update([1])`:                               "got int, want a tuple",
		`s.nothing`:                                   "session has no .nothing",
		`start_response("200 OK", []); s["a"] = 1`:    "begun, and with it the cookie was sent; change it before",
		`start_response("200 OK", []); s.flash("a")`:  "the response has begun",
		`start_response("200 OK", []); s.clear()`:     "the response has begun",
		`start_response("200 OK", []); s.pop("a", 0)`: "the response has begun",
		`a = []; s["a"] = a; start_response("", []); a += [1]`: "frozen list",
		`session({})`:                      "the request has none; write app = sessions(app)",
		`session({"larkspur.session": 1})`: "is a int, not a session",
	} {
		err := new(visitor).ask(steps(t, nil, "", step)[0])
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", step, err, want)
		}
	}
	_, err := session.Module().Values(&host.Load{})
	if err != nil {
		t.Error(err)
	}
}

// TestUntouched checks that a request which does not ask for its session is left as it is, and that
// one which asks after the response has begun can read it.
func TestUntouched(t *testing.T) {
	globals, err := run(t, nil, `
def public(environ, start_response):
    start_response("200 OK", [("X-Is", "public")])
    return []

def late(environ, start_response):
    start_response("200 OK", [])
    if session(environ)["n"] != 1 or "n" not in environ["larkspur.session"]:
        fail("it cannot be read")
    return []

def shown(environ, start_response):
    if str(environ["larkspur.session"]) != "<session>":
        fail(environ)
    start_response("200 OK", [])
    return []

def set(environ, start_response):
    environ["larkspur.session"]["n"] = 1
    start_response(headers = [], status = "200 OK", exc_info = None)
    return []

app, late, shown, set = sessions(public), sessions(late), sessions(shown), sessions(set)
inside = app.app
`)
	if err != nil {
		t.Fatal(err)
	}
	v := new(visitor)
	v.asked(t, globals["set"])
	for name, want := range map[string]string{"app": "[X-Is: public]", "late": "[]", "shown": "[]"} {
		if v.asked(t, globals[name]); v.set != nil || fmt.Sprint(v.fields) != want {
			t.Errorf("%s: %v %v", name, v.set, v.fields)
		}
	}
	inside := globals["app"].(interface{ Wrapped() starlark.Callable }).Wrapped()
	if inside != globals["inside"] || inside.Name() != "public" {
		t.Errorf("what is inside is %v", inside)
	}
}

// TestEnded checks that an application which is ended by a response, and one that another
// start_response answers, keep what was set before.
func TestEnded(t *testing.T) {
	v := new(visitor)
	apps := steps(t, nil, "", `s.flash("look"); abort()`, says+"\n", `s["a"] = 1; fail("no")`)
	v.asked(t, apps[0])
	if len(v.set) != 1 || !slices.Contains(v.fields, "Content-Type: text/plain") {
		t.Errorf("%v %v", v.set, v.fields)
	}
	if err := v.ask(apps[2]); err == nil || v.set != nil {
		t.Errorf("%v %v", err, v.set)
	}
	twice := steps(t, nil, "", `s["a"] = 1
start_response("200 OK", [])
start_response("500 Oh", [("X-Is", "replaced")], "an error")
return []`)
	v.asked(t, twice[0])
	if len(v.set) != 1 || !slices.Contains(v.fields, "X-Is: replaced") {
		t.Errorf("%v %v", v.set, v.fields)
	}
}

// TestVisitors checks that concurrent requests have each their own session, of one application.
func TestVisitors(t *testing.T) {
	app := steps(t, nil, "", `
s["n"] = s.get("n", 0) + 1
s.setdefault("all", []).append(s["n"])
s.flash("visit")
if len(s["all"]) != s["n"]: fail(s)`)[0]
	var visitors sync.WaitGroup
	for range 8 {
		visitors.Go(func() {
			v := new(visitor)
			for range 30 {
				if err := v.ask(app); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	visitors.Wait()
}

// BenchmarkSessions is what a request pays for sessions around its application.
func BenchmarkSessions(b *testing.B) {
	for name, step := range map[string]string{
		"bare": "", "untouched": "pass", "read": `session(environ).get("user")`, "set": `session(environ)["n"] = 1`,
	} {
		b.Run(name, func(b *testing.B) {
			script := "def app(environ, start_response):\n    " + step + "\n    start_response(\"200 OK\", [])\n    return []\n"
			if name == "bare" {
				script = strings.Replace(script, "    \n", "", 1)
			} else {
				script += "app = sessions(app)\n"
			}
			globals, err := run(b, nil, script)
			if err != nil {
				b.Fatal(err)
			}
			env := new(starlark.Dict)
			start := starlark.NewBuiltin("start_response", func(*starlark.Thread, *starlark.Builtin,
				starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
				return starlark.None, nil
			})
			thread := new(starlark.Thread)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := starlark.Call(thread, globals["app"], starlark.Tuple{env, start}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
