package site_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server/site"
)

// frameworks are mistakes of those who know a web framework of Python.
var frameworks = []mistake{
	// A name that another module has, or what stands in the value of the module's own name.
	{`load("@http", "redirect")`, "1:16", `"@http" has no redirect, which @response has`,
		`load("@response", "redirect")`},
	{`load("@route", "url_for", "abort")`, "1:28", `"@route" has no abort, which @http has`, `load("@http", "abort")`},
	{`load("@response", "url_for")`, "1:20", `"@response" has no url_for, which @route has`,
		`load("@route", "url_for")`},
	{`load("@route", "text")`, "1:17", `"@route" has no text, which @response and @html have`,
		`load("@response", "text")`},
	{`load("@route", "session")`, "1:17", `"@route" has no session, which @session has`,
		`load("@session", "session")`},
	{`load("@time", "sleep")`, "1:16", `"@time" has no sleep`, `load("@time", "time"), and time.sleep`},
	{`load("@json", "loads")`, "1:16", `"@json" has no loads`, `load("@json", "json"), and json.decode`},
	{`load("@base64", "b64encode")`, "1:18", `"@base64" has no b64encode`, `load("@base64", "encode")`},
	// Words of Flask and of bottle, loaded from somewhere, or used as they are.
	{`load("@response", "jsonify")`, "1:20", `"@response" has no jsonify`,
		`json(value), as in return json(value), with load("@response", "json")`},
	{`x = jsonify({"a": 1})`, "1:5", `undefined: jsonify`,
		`json({"a": 1}), as in return json({"a": 1}), with load("@response", "json")`},
	{`x = jsonify(a = 1, b = 2)`, "1:5", `undefined: jsonify`,
		`json(dict(a = 1, b = 2)), as in return json(dict(a = 1, b = 2)), with load("@response", "json")`},
	{`load("@template", "render_template")`, "1:20", `"@template" has no render_template`,
		`pages = templates("templates"), then pages.response(environ, "page.html", name = value), ` +
			`with load("@template", "templates")`},
	{`load("@template", "render_template_string")`, "1:20", `"@template" has no render_template_string`,
		`html.p("Hello, ", name), with load("@html", "html")`},
	{`load("@http", "send_file")`, "1:16", `"@http" has no send_file`, `file(value), with load("@response", "file")`},
	{`x = send_file("a.pdf")`, "1:5", `undefined: send_file`, `file("a.pdf"), with load("@response", "file")`},
	{`load("@static", "send_from_directory")`, "1:18", `"@static" has no send_from_directory`,
		`mount("/static", static("static")) in the routes, with load("@static", "static")`},
	{`load("@route", "Blueprint")`, "1:17", `"@route" has no Blueprint`,
		`group("/prefix", [get("/", index)]) in the routes, with load("@route", "get", "group")`},
	{`load("@http", "request")`, "1:16", `"@http" has no request`,
		`environ["PATH_INFO"], query(environ)["name"] or form(environ)["name"], with load("@http", "form", "query")`},
	{`def f(environ):|    return request.args.get("q")`, "2:12", `undefined: request`,
		`query(environ), with load("@http", "query")`},
	{`def f(environ):|    return request.method`, "2:12", `undefined: request`, `environ["REQUEST_METHOD"]`},
	{`def f(environ):|    return request.files["a"]`, "2:12", `undefined: request`,
		`files(environ), with load("@http", "files")`},
	{`x = Flask("app")`, "1:5", `undefined: Flask`,
		`app = router([get("/", index)]), with load("@route", "get", "router")`},
	{`load("@response", "make_response")`, "1:20", `"@response" has no make_response`,
		`text("...", status = 200, headers = {"X-Name": "value"}), with load("@response", "text")`},
	{`load("@session", "flash")`, "1:19", `"@session" has no flash`,
		`session(environ).flash("message"), with load("@session", "session")`},
	{`load("@html", "Markup")`, "1:16", `"@html" has no Markup`, `html.raw(value), with load("@html", "html")`},
	{`load("@http", "escape")`, "1:16", `"@http" has no escape`, `html.escape(value), with load("@html", "html")`},
	{`load("@http", "current_app")`, "1:16", `"@http" has no current_app`,
		`load("settings.star", "settings"), a dict of a file of yours`},
	{`load("@http", "g")`, "1:16", `"@http" has no g`, `environ["app.user"] = user, and hand environ on`},
	{`x = HTTPError(404)`, "1:5", `undefined: HTTPError`, `abort(404, "message"), with load("@http", "abort")`},
	{`x = text("hi")`, "1:5", `undefined: text`, `load("@response", "text")`},
	{`x = json({"a": 1})`, "1:5", `undefined: json`, `load("@response", "json")`},
	{`def f(environ):|    return json(environ)`, "2:12", `undefined: json`, `load("@http", "json")`},
	{`def f(environ):|    return form(environ)["a"]`, "2:12", `undefined: form`, `load("@http", "form")`},
	{`x = database("notes")`, "1:5", `undefined: database`, `load("@sql", "database")`},
	// Decorators that say what a route is.
	{`@app.route("/")|def index():|    pass`, "1:1", `Starlark has no decorators: a router has the routes`,
		`app = router([get("/", index)]) behind it, with load("@route", "get", "router")`},
	{`@app.route("/n/<int:id>", methods=["POST"])|def save(id):|    pass`, "1:1",
		`Starlark has no decorators: a router has the routes`,
		`app = router([post("/n/{id:int}", save)]) behind it, with load("@route", "post", "router")`},
	{`@route("/n/<id:int>/<p:path>", method=["GET", "POST"])|def both(id, p):|    pass`, "1:1",
		`Starlark has no decorators: a router has the routes`,
		`app = router([route(["GET", "POST"], "/n/{id:int}/{p:path}", both)]) behind it, with ` +
			`load("@route", "route", "router")`},
	{`@get("/<name>")|def hello(name):|    pass`, "1:1", `Starlark has no decorators: a router has the routes`,
		`app = router([get("/{name}", hello)]) behind it, with load("@route", "get", "router")`},
	// Modules of Python, loaded or imported.
	{`load("@flask", "Flask", "request", "jsonify")`, "1:6", `cannot load "@flask": unknown module @flask`,
		`load("@route", "get", "router") and load("@http", "form", "query") and load("@response", "json")`},
	{`from flask import Flask, redirect, session`, "1:1", `Starlark has no import`,
		`load("@route", "get", "router") and load("@response", "redirect") and load("@session", "session")`},
	{`load("@bottle", "x")`, "1:6", `cannot load "@bottle": unknown module @bottle`,
		`load("@route", "get", "router")`},
	{`load("@hashlib", "sha256")`, "1:6", `cannot load "@hashlib": unknown module @hashlib`,
		`load("@crypto", "sha256")`},
	{`load("@hashlib", "md5")`, "1:6", `cannot load "@hashlib": unknown module @hashlib`, `load("@crypto", "sha256")`},
	{`load("@secrets", "token_hex")`, "1:6", `cannot load "@secrets": unknown module @secrets`,
		`load("@crypto", "token")`},
	{`load("@hmac", "new")`, "1:6", `cannot load "@hmac": unknown module @hmac`, `load("@crypto", "hmac")`},
	{`load("@uuid", "uuid4")`, "1:6", `cannot load "@uuid": unknown module @uuid`, `load("@crypto", "uuid")`},
	{`load("@bcrypt", "hashpw")`, "1:6", `cannot load "@bcrypt": unknown module @bcrypt`,
		`load("@crypto", "hash_password", "verify_password")`},
	{`load("@logging", "info")`, "1:6", `cannot load "@logging": unknown module @logging`, `load("@log", "info")`},
	{`load("@logging", "logging")`, "1:6", `cannot load "@logging": unknown module @logging`, `load("@log", "log")`},
	{`load("@jinja2", "Template")`, "1:6", `cannot load "@jinja2": unknown module @jinja2`,
		`load("@template", "templates")`},
	{`load("@datetime", "datetime")`, "1:6", `cannot load "@datetime": unknown module @datetime`,
		`load("@time", "time")`},
	{`load("@os", "environ")`, "1:6", `cannot load "@os": unknown module @os`,
		`load("@env", "env") for variables, or load("@files", "directory") for files`},
	{`load("@sys", "argv")`, "1:6", `cannot load "@sys": unknown module @sys`,
		`print("message") for what goes to the log, or load("@env", "env") for variables`},
	{`load("@requests", "get")`, "1:6", `cannot load "@requests": unknown module @requests`,
		`load("@fetch", "fetch")`},
	{`import requests`, "1:1", `Starlark has no import`, `load("@fetch", "fetch")`},
	{`load("@urllib", "quote")`, "1:6", `cannot load "@urllib": unknown module @urllib`, `load("@url", "quote")`},
	{`import urllib.request`, "1:1", `Starlark has no import`, `load("@fetch", "fetch")`},
	{`load("@sqlite3", "connect")`, "1:6", `cannot load "@sqlite3": unknown module @sqlite3`,
		`load("@sql", "database")`},
	{`load("@pathlib", "Path")`, "1:6", `cannot load "@pathlib": unknown module @pathlib`,
		`load("@files", "directory")`},
	{`load("@smtplib", "SMTP")`, "1:6", `cannot load "@smtplib": unknown module @smtplib`, `load("@mail", "mail")`},
	{`load("@dotenv", "load_dotenv")`, "1:6", `cannot load "@dotenv": unknown module @dotenv`, `load("@env", "env")`},
	{`load("@collections", "defaultdict")`, "1:6", `cannot load "@collections": unknown module @collections`,
		`load("@struct", "struct") for a namedtuple, d.setdefault(key, []) for a defaultdict`},
	{`load("@itertools", "product")`, "1:6", `cannot load "@itertools": unknown module @itertools`,
		`[(x, y) for x in xs for y in ys], as a comprehension does what it has`},
	{`load("@functools", "partial")`, "1:6", `cannot load "@functools": unknown module @functools`,
		`lambda x: function("first", x) for a partial, a loop for reduce`},
	{`load("@typing", "List")`, "1:6", `cannot load "@typing": unknown module @typing`,
		`def function(argument):, as there are no types to name`},
	{`x = hashlib.sha256("a")`, "1:5", `undefined: hashlib`, `load("@crypto", "sha256")`},
	{`x = os.environ["HOME"]`, "1:5", `undefined: os`,
		`load("@env", "env") for variables, or load("@files", "directory") for files`},
}

// around begins a script that has middleware, and an application for it.
const around = `load("@middleware", "before", "cached", "cors", "rate_limit", "same_origin")|` +
	`load("@route", "get", "group", "router")|load("@response", "text")|load("@session", "sessions")|`

// misplaced is middleware that is not a list, not called, or called with what it is to be around.
var misplaced = []mistake{
	{around + `app = router([], middleware = cors("*"))`, "5:13", `LARK0403: router: middleware is cors, not a list`,
		`middleware = [cors(...)]`},
	{around + `app = router([], middleware = same_origin)`, "5:13",
		`LARK0403: router: middleware is same_origin, not a list`,
		`middleware = [same_origin]`},
	{around + `app = router([], middleware = [rate_limit])`, "5:13",
		`LARK0403: rate_limit: it takes its options first, ` +
			`and n is an application`, `rate_limit(60, "1m")(app), or middleware = [rate_limit(60, "1m")] of a router`},
	{around + `app = router([], middleware = [cors])`, "5:13",
		`LARK0403: cors: it takes its options first, and origins ` +
			`is an application`, `cors("*")(app), or middleware = [cors("*")] of a router`},
	{around + `app = router([group("/x", [get("/", text("x"))], middleware = [cached])])`, "5:13",
		`LARK0403: cached: it takes ` +
			`its options first, and seconds is an application`,
		`cached(60)(app), or middleware = [cached(60)] of a router`},
	{around + `app = cors(router([]))`, "5:11",
		`LARK0403: cors: it takes its options first, and origins is an application`,
		`cors("*")(app), or middleware = [cors("*")] of a router`},
	{around + `app = router([], middleware = [sessions(max_age = 60)])`, "5:40",
		`LARK0403: sessions: missing argument for app`, `lambda app: sessions(app, max_age = 60)`},
	{around + `app = router([], middleware = [cors("*")(text("x"))])`, "5:13",
		`LARK0403: router: middleware[0] is cors, ` +
			`around an application already`, ``},
}

// TestMisplaced loads middleware that is wrong.
func TestMisplaced(t *testing.T) {
	for _, m := range misplaced {
		app := &site.Application{FS: fstest.MapFS{"app.star": {Data: []byte(strings.ReplaceAll(m.source, "|", "\n"))}}}
		err := new(site.Server).Set(&site.Site{Mounts: []site.Mount{{App: app}}})
		if want := "app.star:" + m.place + ": " + m.said(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: serve says %v\nwant       %s", m.source, err, want)
		}
	}
}

// asked begins a script that asks the request for something, and answers.
const asked = `load("@http", "form", "query")|load("@session", "session")|load("@response", "text")|` +
	`def app(environ, start_response):|    `

// uncalled are mistakes of those for whom the request, or the session, is an object that is there.
var uncalled = []mistake{
	{asked + `session["user"] = 1`, "5:12",
		`builtin_function_or_method value does not support item assignment: session is a ` +
			`function`, `session(environ)["user"] = 1`},
	{asked + `x = session.get("user", 1)`, "5:16",
		`builtin_function_or_method has no .get field or method: session is a function`,
		`session(environ).get("user", 1)`},
	{asked + `x = query["x"]`, "5:14",
		`unhandled index operation builtin_function_or_method[string]: query is a function`,
		`query(environ)["x"]`},
	{asked + `x = form.get("x")`, "5:13", `builtin_function_or_method has no .get field or method: form is a function`,
		`form(environ).get("x")`},
	{asked + `x = 1 if "x" in form else 2`, "5:18",
		`unknown binary op: string in builtin_function_or_method: form is a function`,
		`"x" in form(environ)`},
	{asked + `for x in form: print(x)`, "5:5", `builtin_function_or_method value is not iterable: form is a function`,
		`for x in form(environ):`},
	{asked + `x = query("x")`, "5:14", `LARK0403: query: for parameter environ: got string, want dict`,
		`query(environ)["x"]`},
	{asked + `x = query()["x"]`, "5:14", `LARK0403: query: missing argument for environ`, `query(environ)`},
	{`def app(environ, start_response):|    start_response("200 OK", [])|` +
		`    return [environ["PATH_INF"]]`, "3:20", `key "PATH_INF" not in environ (did you mean PATH_INFO?)`,
		`environ["PATH_INFO"]`},
	{`def user(environ):|    return {"name": environ}|` + asked + `x = user["name"]`, "7:13",
		`unhandled index operation function[string]: user is a function`, `user(environ)["name"]`},
}

// TestUncalled makes mistakes that a request runs into.
func TestUncalled(t *testing.T) {
	for _, m := range uncalled {
		url := serve(t, &site.Server{Develop: true}, &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{
			{App: &site.Application{FS: m.files()}},
		}})
		got := fails(t, url)
		if said, want := got.Place+": "+got.Message, "app.star:"+m.place+": "+m.said(); said != want {
			t.Errorf("%s: dev says %s\nwant     %s", m.source, said, want)
		}
	}
}

// known are the words of frameworks, and modules of Python, for which there is something to write.
const (
	knownWords = `Flask Bottle Blueprint jsonify make_response Response HTTPResponse HTTPError HTTPException
		render_template render render_template_string template send_file send_from_directory static_file flash
		get_flashed_messages escape Markup CORS Limiter before_request after_request errorhandler
		stream_with_context request current_app g login_required generate_password_hash check_password_hash
		secure_filename`
	knownModules = `flask bottle werkzeug django fastapi starlette cherrypy falcon pyramid quart sanic tornado webob
		web wsgiref cgi cookies multipart flask_cors flask_limiter flask_httpauth flask_wtf flask_session
		flask_login jinja2 mako markupsafe bleach hashlib secrets hmac uuid bcrypt argon2 passlib jwt jose
		itsdangerous cryptography nacl logging loguru structlog warnings datetime zoneinfo calendar dateutil pytz
		urllib requests httpx urllib3 aiohttp sqlite3 psycopg2 sqlalchemy pymysql pathlib shutil glob io tempfile
		dotenv smtplib email simplejson pickle binascii zlib codecs tomllib lxml mistune cmath dataclasses types
		mimetypes os sys argparse collections itertools functools operator typing enum copy string contextlib
		heapq bisect asyncio threading concurrent traceback decimal fractions textwrap abc gunicorn`
)

// TestHintsAreTrue makes a mistake of each word and each module that is known, and loads what the
// hint says to load.
func TestHintsAreTrue(t *testing.T) {
	loads := regexp.MustCompile(`load\("@([a-z0-9]+)",[^)]*\)`)
	granted := map[string]bool{"sql": true, "fetch": true, "files": true, "env": true, "mail": true}
	check := func(source string) string {
		app := &site.Application{FS: fstest.MapFS{"app.star": {
			Data: []byte(source + "\ndef app(environ, start_response):\n    return []\n"),
		}}}
		found := runtime.Check(app.Config(quiet), app.Name())
		if len(found) == 0 {
			return ""
		}
		return found[0].Message
	}
	var sources []string
	for word := range strings.FieldsSeq(knownWords) {
		sources = append(sources, "x = "+word+"\n", `load("@static", "`+word+`")`)
	}
	for name := range strings.FieldsSeq(knownModules) {
		sources = append(sources, `load("@`+name+`", "x")`, "import "+name)
	}
	for _, source := range sources {
		said := check(source)
		if !strings.Contains(said, "; write ") {
			t.Errorf("%s: %s", source, said)
		}
		for _, load := range loads.FindAllStringSubmatch(said, -1) {
			if granted[load[1]] {
				continue // by whoever runs the program
			}
			if fault := check(load[0]); fault != "" {
				t.Errorf("%s: %s: %s", source, load[0], fault)
			}
		}
	}
}
