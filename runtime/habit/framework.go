package habit

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A word is one that web frameworks of Python have, and what to write instead: $0 and $1 are the
// arguments of a call, or the words that stand for them.
type word struct {
	write  string
	module string // that has it
	names  string // that are loaded of it, with blanks between them
}

// framework are the words of Flask, bottle and werkzeug.
func framework() map[string]word {
	const (
		routes = `app = router([get("/", index)])`
		page   = `pages = templates("templates"), then pages.response(environ, "page.html", name = value)`
		static = `mount("/static", static("static")) in the routes`
		user   = `environ["app.user"] = user, and hand environ on`
	)
	return map[string]word{
		"Flask":     {routes, "route", "get router"},
		"Bottle":    {routes, "route", "get router"},
		"Blueprint": {`group("/prefix", [get("/", index)]) in the routes`, "route", "get group"},
		"jsonify":   {"json($0), as in return json($0)", "response", "json"},
		"make_response": {`text("...", status = 200, headers = {"X-Name": "value"})`, "response",
			"text"},
		"Response":               {`text("...", status = 200)`, "response", "text"},
		"HTTPResponse":           {`text("...", status = 200)`, "response", "text"},
		"HTTPError":              {`abort(404, "message")`, "http", "abort"},
		"HTTPException":          {`abort(404, "message")`, "http", "abort"},
		"render_template":        {page, "template", "templates"},
		"render":                 {page, "template", "templates"},
		"render_template_string": {`html.p("Hello, ", name)`, "html", "html"},
		"template":               {page, "template", "templates"},
		"send_file":              {"file($0)", "response", "file"},
		"send_from_directory":    {static, "static", "static"},
		"static_file":            {static, "static", "static"},
		"flash":                  {`session(environ).flash("message")`, "session", "session"},
		"get_flashed_messages":   {"session(environ).flashes()", "session", "session"},
		"escape":                 {"html.escape($0)", "html", "html"},
		"Markup":                 {"html.raw($0)", "html", "html"},
		"CORS":                   {`cors("*")(app)`, "middleware", "cors"},
		"Limiter":                {`rate_limit(60, "1m")(app)`, "middleware", "rate_limit"},
		"before_request":         {"before(function)(app)", "middleware", "before"},
		"after_request":          {"after(function)(app)", "middleware", "after"},
		"errorhandler":           {"router(routes, error = function)", "route", "router"},
		"stream_with_context":    {`stream(function, "text/plain")`, "response", "stream"},
		"request": {`environ["PATH_INFO"], query(environ)["name"] or form(environ)["name"]`, "http",
			"form query"},
		"current_app":            {`load("settings.star", "settings"), a dict of a file of yours`, "route", ""},
		"g":                      {user, "route", ""},
		"login_required":         {"before(check)(app), where check answers who is unknown", "middleware", "before"},
		"generate_password_hash": {"hash_password($0)", "crypto", "hash_password"},
		"check_password_hash":    {"verify_password($1, $0)", "crypto", "verify_password"},
		"secure_filename":        {"token() for a name of your own", "crypto", "token"},
	}
}

// attributes are those of the request of Flask and of bottle, as framework.
func attributes() map[string]word {
	one := func(write string) word {
		name, _, _ := strings.Cut(write, "(")
		return word{write, "http", name}
	}
	values := one("query(environ)")
	return map[string]word{
		"args": values, "query": values, "GET": values, "params": values,
		"form": one("form(environ)"), "forms": one("form(environ)"), "POST": one("form(environ)"),
		"values": one("form(environ)"), "files": one("files(environ)"), "json": one("json(environ)"),
		"get_json": one("json(environ)"), "cookies": one("cookies(environ)"),
		"get_cookie": one("cookies(environ)"), "url": one("url(environ)"),
		"authorization": one("basic_auth(environ)"), "auth": one("basic_auth(environ)"),
		"remote_addr":      one("client_ip(environ)"),
		"accept_mimetypes": one(`accepts(environ, ["text/html", "application/json"])`),
		"method":           {write: `environ["REQUEST_METHOD"]`},
		"path":             {write: `environ["PATH_INFO"]`},
		"query_string":     {write: `environ["QUERY_STRING"]`},
		"host":             {write: `environ["HTTP_HOST"]`},
		"user_agent":       {write: `environ.get("HTTP_USER_AGENT", "")`},
		"headers":          {write: `environ.get("HTTP_ACCEPT", ""), for the field Accept`},
		"data":             {write: `environ["wsgi.input"].read()`},
		"get_data":         {write: `environ["wsgi.input"].read()`},
		"body":             {write: `environ["wsgi.input"].read()`},
		"environ":          {write: "environ"},
		"session":          {"session(environ)", "session", "session"},
		"content_type":     {write: `environ.get("CONTENT_TYPE", "")`},
		"content_length":   {write: `environ.get("CONTENT_LENGTH", "")`},
		"is_secure":        {write: `environ["wsgi.url_scheme"] == "https"`},
		"scheme":           {write: `environ["wsgi.url_scheme"]`},
	}
}

// word returns the word of a framework, "" if there is none or it is not for this language.
func (l *Language) word(name string) word {
	w := framework()[name]
	if l.module(w.module) == nil {
		return word{}
	}
	return w
}

// framed is what to write for a word, with its load. The args are those of a call.
func (l *Language) framed(w word, args []string) string {
	if slices.ContainsFunc(args, keyword().MatchString) {
		args = []string{"dict(" + strings.Join(args, ", ") + ")"} // jsonify takes the items of an object
	}
	text := fill(w.write, args)
	if m := l.module(w.module); m != nil && w.names != "" {
		text += ", with " + m.load(strings.Fields(w.names))
	}
	return text
}

// keyword matches an argument that is passed by name.
var keyword = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\pL_][\pL\pN_]* ?= ?[^=]`) })

// asked is what to write for request.ATTRIBUTE; "" if it is not that.
func (l *Language) asked(name, attribute string) string {
	w := attributes()[attribute]
	if name != "request" || w.write == "" || l.module("http") == nil {
		return ""
	}
	return l.framed(w, nil)
}
