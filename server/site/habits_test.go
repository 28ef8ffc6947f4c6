package site_test

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"github.com/larkspur-web/larkspur/runtime/lint"
	contract "github.com/larkspur-web/larkspur/server/lint"
	"github.com/larkspur-web/larkspur/server/site"
)

// A mistake is a script that was written as in Python, or by mistake, and what is said of it.
type mistake struct {
	source  string // "|" is the end of a line
	place   string // LINE:COL
	message string // in which MODULES stands for those that all may load
	hint    string // what stands behind "; write ", or "did you mean " in the message
}

// unloaded are mistakes for which a script does not load.
var unloaded = []mistake{
	{`import json`, "1:1", `Starlark has no import`, `load("@json", "json")`},
	{`import datetime`, "1:1", `Starlark has no import`, `load("@time", "time")`},
	{`from http import query, status`, "1:1", `Starlark has no import`,
		`load("@http", "query", "status")`},
	{`from .models import a, b as c`, "1:1", `Starlark has no import`,
		`load("models.star", "a", c = "b")`},
	{`import subprocess`, "1:1",
		`Starlark has no import, and no module subprocess: there are MODULES, and files`,
		`load("file.star", "name")`},
	{`import os`, "1:1", `Starlark has no import`,
		`load("@env", "env") for variables, or load("@files", "directory") for files`},
	{`import re`, "1:1", `Starlark has no import`, `load("@re", "re")`},
	{`from urllib.parse import quote, urlparse`, "1:1", `Starlark has no import`,
		`load("@url", "quote")`},
	{`x = hex.encode("a")`, "1:5", `undefined: hex`, `load("@hex", "hex")`},
	{`x = hex(255)`, "1:5", `undefined: hex`, `"%x" % 255`},
	{`x = 1|class Point:|    def __init__(self, x, y):|        self.x = x`, "2:1",
		`Starlark has no class: a struct has the fields, and functions take it`,
		`def Point(x, y): return struct(x = x, y = y), with load("@struct", "struct")`},
	{`def f(x):|    try:|        n = int(x)|    except ValueError as e:|        n = 0`, "2:5",
		`Starlark has no try: catch calls a function, and returns its result and its error`,
		`n, error = catch(int, x)`},
	{`def f(x):|    raise ValueError("no " + x)`, "2:5",
		`Starlark has no raise, and no classes of errors: an error is a message`,
		`fail("no " + x)`},
	{`def f():|    with open("a.txt") as g:|        return g.read()`, "2:5",
		`Starlark has no with: the server closes what a request opens`,
		`g = file("a.txt"), with load("@static", "file")`},
	{`def f():|    yield b"x"`, "2:5",
		`Starlark has no yield: a body is a list, or a function of a stream`,
		`return [b"x"], or stream.write(b"x") in the function of a stream`},
	{`d = {}|del d["x"]`, "2:1", `Starlark has no del`, `d.pop("x")`},
	{`n = 0|def f():|    global n|    n += 1`, "3:5",
		`Starlark has no global: globals are frozen after load`,
		`return n, and assign it where the function is called`},
	{`def f():|    n = 0|    def g():|        nonlocal n`, "4:9",
		`Starlark has no nonlocal: a function can change a dict of the one around it`,
		`state = {"n": None} there, and state["n"] = ... here`},
	{`async def f():|    pass`, "1:1",
		`Starlark has no async: requests run side by side by themselves`, `def f():`},
	{`def f(g):|    x = await g()`, "2:9",
		`Starlark has no await: requests run side by side by themselves`, `x = g()`},
	{`n = 1|assert n == 1, "no"`, "2:1", `Starlark has no assert`, `if not (n == 1): fail("no")`},
	{`n = 1|x = f"hi {n!r}, {n + 1:>3}{{}}"`, "2:5", `Starlark has no f-strings`,
		`x = "hi {!r}, {}{{}}".format(n, n + 1)`},
	{`n = 1|x = n is None`, "2:7", `Starlark has no is`, `x = n == None`},
	{`n = 1|if n is not None:|    pass`, "2:6", `Starlark has no is`, `if n != None:`},
	{`@cached(60)|def page(environ):|    pass`, "1:1",
		`Starlark has no decorators: call the function with the other; name it _page and`,
		`page = cached(60)(_page) behind it`},
	{`n = 1|x = 0 < n <= 9`, "2:11", `a comparison has two sides`, `x = 0 < n and n <= 9`},
	{`x: int = 1`, "1:2", `Starlark has no annotations of types`, `x = 1`},
	{`def f(a: int, b: dict = {}) -> str:|    pass`, "1:8", `Starlark has no annotations of types`,
		`def f(a, b = {}):`},
	{`if (n := 3) > 2:|    pass`, "1:7",
		`Starlark has no :=, and assigns in a statement of its own`, `n = 3 in the line before`},
	{`x = 2 ** 3`, "1:7", `Starlark has no operator **`, `1 << 3`},
	{`d = {"x": 2}|x = 3 ** d["x"]`, "2:7", `Starlark has no operator **`,
		`math.pow(3, d["x"]), which is a float, with load("@math", "math")`},
	{`def f(a):|    return len(a.b)[0] ** (-a + 1)`, "2:24", `Starlark has no operator **`,
		`math.pow(len(a.b)[0], -a + 1), which is a float, with load("@math", "math")`},
	{`a = 3|x = -a ** 2`, "2:8", `Starlark has no operator **`, `a * a`},
	{`a = 3|a **= 2`, "2:3", `Starlark has no operator **`, `a = a * a`},
	{`x = bytearray(3)`, "1:5", `undefined: bytearray`, `bytes([0] * 3)`},
	{`x = bytearray()`, "1:5", `undefined: bytearray`, `b""`},
	{`x = bytearray(b"a")`, "1:5", `undefined: bytearray`, `bytes(b"a")`},
	{`x = next(iter({1: 2}))`, "1:5", `undefined: next`, `list({1: 2})[0]`},
	{`x = next(iter([]), None)`, "1:5", `undefined: next`, `(list([]) + [None])[0]`},
	{`x = next(i for i in [1] if i)`, "1:12", `Starlark has no generators, but lists`, `x = [i for i in [1] if i][0]`},
	{`x = next((i for i in [1]), 0)`, "1:13", `Starlark has no generators, but lists`,
		`x = ([i for i in [1]] + [0])[0]`},
	{`x = open("a.txt", "w")`, "1:5", `undefined: open`,
		`directory("name").write("a.txt", content), with load("@files", "directory")`},
	{`x = open("a.txt", mode = "ab")`, "1:5", `undefined: open`,
		`directory("name").append("a.txt", content), with load("@files", "directory")`},
	{`x = open("a.txt", "rb")`, "1:5", `undefined: open`, `file("a.txt"), with load("@static", "file")`},
	{`x = [[2], [1]]|x.sort(key = lambda r: r[0], reverse = True)`, "2:2", `list has no .sort field or method`,
		`x = sorted(x, key = lambda r: r[0], reverse = True)`},
	{`def f():|    x = 1|   y = 2`, "3:4",
		`this line is indented by 3, and no block around it is: they are by 0 and 4`,
		`4 blanks before y = 2`},
	{`def f():|return "a"`, "2:1", `the block of the line before is indented, this line is not`,
		`4 blanks before return "a"`},
	{`def f():|    x = 1|      y = 2`, "3:7", `this line is indented by 6, and the block that it is in by 4`,
		`4 blanks before y = 2`},
	{`  x = 1`, "1:3", `this line is indented by 2, and the block that it is in by 0`, `0 blanks before x = 1`},
	{`def f(x):|    retrn x`, "2:5", `undefined: retrn (did you mean return?)`, `return x`},
	{`def f(x):|    retrun "a"`, "2:5", `undefined: retrun (did you mean return?)`, `return "a"`},
	{`def f(x):|    retrun`, "2:5", `undefined: retrun (did you mean return?)`, ``},
	{`fro x in [1]:|    pass`, "1:1", `undefined: fro (did you mean for?)`, `for x in [1]:`},
	{`x = 1|fi x:|    pass`, "2:1", `Starlark has no fi`, `if x:`},
	{`deff f(x):|    pass`, "1:1", `undefined: deff (did you mean def?)`, `def f(x):`},
	{`function f(x) {|    return x`, "1:1", `Starlark has no function`, `def f(x):`},
	{`var x = 1`, "1:1", `Starlark has no var`, `x = 1`},
	{`x = 1|y = x adn x`, "2:7", `adn is no operator (did you mean and?)`, `y = x and x`},
	{`load("@time", "time")|x = time.now().strftime("%d.%m.%Y %H:%M")`, "2:15",
		`time.time has no .strftime field or ` +
			`method: a format is the time 2006-01-02 15:04:05 as it is to look`, `time.now().format("02.01.2006 15:04")`},
	{`load("@time", "time")|x = time.now().isoformat()`, "2:15",
		`time.time has no .isoformat field or method (did you ` +
			`mean .format?)`, `time.now().format("2006-01-02T15:04:05Z07:00")`},
	{`load("@time", "time")|x = time.strftime("%Y")`, "2:9", `module has no .strftime field or method`,
		`time.now().format("2006-01-02 15:04:05")`},
	{`load("@json", "json")|x = json.loads("[1]")`, "2:9", `module has no .loads field or method`,
		`json.decode("[1]")`},
	{`x = 1|x++`, "2:2", `Starlark has no ++`, `x += 1`},
	{`print "hello"`, "1:1", `print is a function`, `print("hello")`},
	{`x = 1|if x:|    pass|else if x == 2:|    pass`, "4:1", `Starlark has no else if`,
		`elif x == 2:`},
	{`x = 1|if x && True:|    pass`, "2:6", `Starlark writes and for &&`, `if x and True:`},
	{`x = 1|if x = 1:|    pass`, "2:6", `= assigns`, `if x == 1:`},
	{`a = b = 1`, "1:7", `Starlark assigns to one target`, `b = 1, and a = b`},
	{`x = {1, 2}`, "1:7", `braces are around a dict`, `x = set([1, 2])`},
	{`x = list(i for i in range(3))`, "1:12", `Starlark has no generators, but lists`,
		`x = list([i for i in range(3)])`},
	{`x = "a" "b"`, "1:9", `Starlark does not join strings that stand side by side`,
		`x = "a" + "b"`},
	{`def f()|    pass`, "1:8", `got newline, want ':'`, `def f():`},
	{`load("@json", decode)`, "1:21", `load takes strings`, `load("@json", "decode")`},
	{`x = isinstance(1, str)`, "1:5", `undefined: isinstance`, `type(1) == "string"`},
	{`x = open("a.txt")`, "1:5", `undefined: open`,
		`file("a.txt"), with load("@static", "file")`},
	{`x = sum([1, 2])`, "1:5", `undefined: sum`, `total = 0, then for n in [1, 2]: total += n`},
	{`x = round(1.5)`, "1:5", `undefined: round`, `math.round(1.5), with load("@math", "math")`},
	{`x = map(lambda y: y, [1])`, "1:5", `undefined: map`, `[(lambda y: y)(x) for x in [1]]`},
	{`x = filter(bool, [1])`, "1:5", `undefined: filter`, `[x for x in [1] if bool(x)]`},
	{`x = null`, "1:5", `undefined: null`, `None`},
	{`x = ValueError("x")`, "1:5", `undefined: ValueError; an error is a message`,
		`fail("message")`},
	{`x = json.decode("1")`, "1:5", `undefined: json`, `load("@json", "json")`},
	{`x = status(200)`, "1:5", `undefined: status`, `load("@http", "status")`},
	{`x = stauts(200)`, "1:5", `undefined: stauts (did you mean status?)`,
		`load("@http", "status")`},
	{`x = enumerat([1])`, "1:5", `undefined: enumerat (did you mean enumerate?)`, ``},
	{`visits = 1|x = vists`, "2:5", `undefined: vists (did you mean visits?)`, ``},
	{`load("@htp", "status")`, "1:6", `cannot load "@htp": unknown module @htp (did you mean ` +
		`@http?); there are MODULES`, ``},
	{`load("json", "decode")`, "1:6",
		`cannot load "json": there is no file json; did you mean @json?`, ``},
	{`load("@http", "stauts")`, "1:16", `"@http" has no stauts (did you mean status?); it has ` +
		names(libhttp.Module()), ``},
	{`load("layuot.star", "page")`, "1:6",
		`cannot load "layuot.star": there is no file layuot.star; did you mean layout.star?`, ``},
	{`x = "a" + 1`, "1:9", `unknown binary op: string + int`, `"a" + str(1)`},
	{`x = "a" + {"b": [1]}["b"][0]`, "1:9", `unknown binary op: string + int`, `"a" + str({"b": [1]}["b"][0])`},
	{`x = [c for c in "abc"]`, "1:8", `string value is not iterable`, `for c in "abc".elems()`},
	{`x = "é".encode("utf-8")`, "1:8", `string has no .encode field or method`, `bytes("é")`},
	{`x = [2, 1]|x.sort()`, "2:2", `list has no .sort field or method`, `x = sorted(x)`},
}

// failing are mistakes that show when a request comes, and that check warns of.
var failing = []mistake{
	{`seen = []|def app(environ, start_response):|    seen.append(1)|` +
		`    start_response("200 OK", [])|    return []`, "3:16",
		`append: cannot append to frozen list: seen is a global, and globals are frozen after load`,
		`own_seen = list(seen), and change that; what has to last between requests belongs in a ` +
			`host module`},
	{`seen = {}|def app(environ, start_response):|    seen["x"] = 1|` +
		`    start_response("200 OK", [])|    return []`, "3:9",
		`cannot insert into frozen hash table: seen is a global, and globals are frozen after load`,
		`own_seen = dict(seen), and change that; what has to last between requests belongs in a ` +
			`host module`},
	{`hits = 0|def app(environ, start_response):|    hits += 1|` +
		`    start_response("200 OK", [])|    return [str(hits)]`, "3:5",
		`local variable hits referenced before assignment: the function assigns hits, which makes ` +
			`it local in all of the function; the global hits of line 1 is another, and globals ` +
			`are frozen after load`, `own_hits = hits, and change that`},
	{`def app(environ, start_response):|    start_response("200 OK", [])|` +
		`    return [environ.PATH_INFO]`, "3:20", `environ has no .PATH_INFO field or method`,
		`environ["PATH_INFO"]`},
}

func (m *mistake) script() string {
	source := strings.ReplaceAll(m.source, "|", "\n") + "\n"
	if !strings.Contains(source, "def app(") {
		source += `
def app(environ, start_response):
    start_response("200 OK", [])
    return []
`
	}
	return source
}

// said is the message, with the hint.
func (m *mistake) said() string {
	message := strings.Replace(m.message, "MODULES", loadable(), 1)
	if m.hint == "" {
		return message
	}
	joint := "; write "
	if strings.HasSuffix(m.message, " and") {
		joint = " write "
	}
	return message + joint + m.hint
}

// granted is what serve and check grant alike.
var granted = map[string]any{files.Name: files.Temporary()}

// loadable are the modules that every application may load, as a message lists them.
func loadable() string {
	var names []string
	for _, m := range new(site.Application).Config(quiet).Catalog() {
		if m.Grant == "" || granted[m.Name] != nil {
			names = append(names, "@"+m.Name)
		}
	}
	return strings.Join(names, ", ")
}

// names lists what a module has, as a message does.
func names(m *host.Module) string { return strings.Join(m.Names(), ", ") }

func (m *mistake) files() fstest.MapFS {
	return fstest.MapFS{
		"app.star":    {Data: []byte(m.script())},
		"layout.star": {Data: []byte("def page():\n    pass\n")},
	}
}

// TestMistakes makes each mistake, and wants of check, serve and dev to say what is wrong, where,
// and what to write instead.
func TestMistakes(t *testing.T) {
	for _, m := range slices.Concat(unloaded, frameworks) {
		t.Run(m.source, func(t *testing.T) {
			want := "app.star:" + m.place + ": " + m.said()
			app := &site.Application{FS: m.files(), Grants: granted}
			found := runtime.Check(app.Config(quiet), app.Name())
			if len(found) == 0 || found[0].String() != want {
				t.Errorf("check says %v\nwant       %s", found, want)
			}
			err := new(site.Server).Set(&site.Site{Mounts: []site.Mount{{App: app}}})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("serve says %v\nwant       %s", err, want)
			}
		})
	}
}

// TestMistakesInDev saves each mistake in the place of a script that serves, and looks at what dev
// shows.
func TestMistakesInDev(t *testing.T) {
	dir := t.TempDir()
	save := func(m *mistake) {
		for name, file := range m.files() {
			if err := os.WriteFile(filepath.Join(dir, name), file.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	save(&mistake{source: "x = 1"})
	s := &site.Server{Develop: true}
	app := site.Dir(dir, "app.star")
	app.Grants = granted
	url := serve(t, s, &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: app}}})
	for _, m := range slices.Concat(unloaded, frameworks) {
		save(&m)
		if err := s.Reload(); err == nil {
			t.Errorf("%s: it loads", m.source)
		}
		page := html.UnescapeString(get(t, url+"/_larkspur/"))
		for _, want := range []string{"app.star:" + m.place, m.said()} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %s", m.source, want)
			}
		}
	}
}

// TestMistakesOfRequests makes the mistakes that a request runs into: check warns of them, and the
// page of the error has the same words at the same place.
func TestMistakesOfRequests(t *testing.T) {
	for _, m := range failing {
		t.Run(m.place, func(t *testing.T) {
			app := &site.Application{FS: m.files()}
			want := "app.star:" + m.place + ": " + m.said()
			rules := lint.Rules{MustReturn: contract.IsApp}
			warnings := fmt.Sprint(lint.Run(app.Config(quiet), app.Name(), rules.Check, contract.Check))
			_, hint, _ := strings.Cut(want, "frozen")
			if !strings.Contains(warnings, "app.star:"+m.place) || !strings.Contains(warnings, hint) {
				t.Errorf("check says %s\nwant       %s", warnings, want)
			}
			url := serve(t, &site.Server{Develop: true}, &site.Site{Listen: []string{anywhere},
				Mounts: []site.Mount{{App: app}}})
			got := fails(t, url)
			if said := got.Place + ": " + got.Message; said != want {
				t.Errorf("dev says %s\nwant     %s", said, want)
			}
		})
	}
}
