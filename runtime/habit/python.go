package habit

import (
	"fmt"
	"slices"
	"strings"
)

// A counterpart is what a module of Python has here.
type counterpart struct {
	module string // that has the like; "" if the language has
	names  string // that are loaded of it where nothing else is known, with blanks between them
	write  string // a line, where there is no module, or where a load does not say enough
}

// counterparts are modules of Python, and packages that its web applications use.
func counterparts() map[string]counterpart {
	all := make(map[string]counterpart)
	for here, theirs := range map[string]string{
		"route get router": "flask bottle werkzeug django fastapi starlette cherrypy falcon pyramid quart sanic " +
			"tornado webob web wsgiref sinatra express",
		"http form query": "cgi cookies multipart",
		"middleware cors": "flask_cors", "middleware rate_limit": "flask_limiter",
		"middleware basic_auth": "flask_httpauth", "middleware same_origin": "flask_wtf",
		"session sessions session": "flask_session flask_login",
		"template templates":       "jinja2 mako chameleon genshi",
		"html":                     "markupsafe bleach dominate",
		"crypto sha256":            "hashlib", "crypto token": "secrets", "crypto hmac": "hmac", "crypto uuid": "uuid",
		"crypto hash_password verify_password": "bcrypt argon2 passlib", "crypto jwt_verify": "jwt jose",
		"crypto sign verify": "itsdangerous", "crypto seal open": "cryptography nacl",
		"log":             "logging loguru structlog warnings syslog",
		"time":            "datetime zoneinfo calendar dateutil pytz arrow",
		"url":             "urllib urlparse yarl",
		"fetch":           "requests httpx urllib2 urllib3 aiohttp pycurl",
		"sql":             "sqlite3 sqlite psycopg psycopg2 asyncpg sqlalchemy flask_sqlalchemy peewee pymysql MySQLdb mysql",
		"files directory": "pathlib shutil glob io tempfile",
		"env":             "dotenv environs decouple",
		"mail":            "smtplib email flask_mail",
		"json":            "simplejson orjson ujson pickle marshal shelve",
		"hex":             "binascii", "gzip": "zlib bz2 lzma", "bytes": "codecs",
		"toml": "tomllib tomli", "xml": "lxml", "markdown": "markdown2 mistune", "re": "regex",
		"math": "cmath statistics", "struct": "dataclasses attr attrs pydantic types",
		"static": "mimetypes whitenoise", "test": "unittest pytest doctest",
	} {
		for name := range strings.FieldsSeq(theirs) {
			module, names, _ := strings.Cut(here, " ")
			all[name] = counterpart{module: module, names: names}
		}
	}
	for name, write := range map[string]string{
		"os":             `load("@env", "env") for variables, or load("@files", "directory") for files`,
		"sys":            `print("message") for what goes to the log, or load("@env", "env") for variables`,
		"argparse":       `load("@env", "env") for what whoever runs the application tells it`,
		"collections":    `load("@struct", "struct") for a namedtuple, d.setdefault(key, []) for a defaultdict`,
		"itertools":      `[(x, y) for x in xs for y in ys], as a comprehension does what it has`,
		"functools":      `lambda x: function("first", x) for a partial, a loop for reduce`,
		"operator":       `lambda x: x["key"] for an itemgetter`,
		"typing":         `def function(argument):, as there are no types to name`,
		"enum":           `RED, GREEN = "red", "green", as names of the file`,
		"copy":           `dict(value) or list(value)`,
		"string":         `"abcdefghijklmnopqrstuvwxyz" for its letters, "%s" % value for a template`,
		"contextlib":     `function(argument), as the server closes what a request opens`,
		"heapq":          `sorted(values)[:n]`,
		"bisect":         `sorted(values + [value])`,
		"asyncio":        `def app(environ, start_response):, as requests run side by side by themselves`,
		"threading":      `def app(environ, start_response):, as requests run side by side by themselves`,
		"concurrent":     `[function(x) for x in values], as requests run side by side by themselves`,
		"traceback":      `result, error = catch(function, argument), then print(error.backtrace)`,
		"decimal":        `price = 1999, in the smallest unit, as an int is exact`,
		"fractions":      `a, b = 1, 3, as an int is exact`,
		"textwrap":       `"\n".join([line.strip() for line in text.splitlines()])`,
		"abc":            `def function(value):, as there are no classes`,
		"__future__":     `def app(environ, start_response):, as there is one version of the language`,
		"gunicorn":       `def app(environ, start_response):, and larkspur serve app.star`,
		"uvicorn":        `def app(environ, start_response):, and larkspur serve app.star`,
		"waitress":       `def app(environ, start_response):, and larkspur serve app.star`,
		"urllib.request": `load("@fetch", "fetch")`,
		"http.client":    `load("@fetch", "fetch")`,
		"os.path":        `load("@files", "directory")`,
	} {
		all[name] = counterpart{write: write}
	}
	return all
}

// renamed are functions of Python that the module of that name has by another.
func renamed() map[string]string {
	return map[string]string{
		"json.loads": "decode", "json.dumps": "encode", "json.load": "decode", "json.dump": "encode",
		"base64.b64encode": "encode", "base64.b64decode": "decode", "base64.urlsafe_b64encode": "encode",
		"csv.reader": "read", "csv.DictReader": "read", "csv.writer": "write", "csv.DictWriter": "write",
		"time.strftime": "now", "time.monotonic": "now", "time.datetime": "now", "time.timedelta": "parse_duration",
		"time.strptime": "parse_time", "time.utcnow": "now", "xml.fromstring": "parse", "yaml.safe_load": "loads",
		"yaml.load": "loads", "toml.load": "loads", "url.urlparse": "parse", "url.urlsplit": "parse",
		"url.urljoin": "join", "url.urlunparse": "unparse", "log.warn": "warning", "log.exception": "error",
		"log.critical": "error", "log.log": "info", "crypto.token_hex": "token", "crypto.token_urlsafe": "token",
		"crypto.token_bytes": "token", "crypto.uuid4": "uuid", "crypto.md5": "sha256", "crypto.sha1": "sha256",
		"crypto.compare_digest": "equal", "random.seed": "Random",
		"test.equal": "eq", "test.equals": "eq", "test.assert_equal": "eq", "test.assertEqual": "eq", "test.not_equal": "ne",
		"test.raises": "fails", "test.assert_raises": "fails", "test.assert_true": "true", "test.has": "contains",
		"test.test_client": "client", "markdown.convert": "markdown",
	}
}

// missing are modules of Python that have no like.
func missing() []string {
	return []string{"socket", "socketserver", "subprocess", "multiprocessing", "ctypes", "signal", "select",
		"inspect", "importlib", "gc", "weakref", "platform", "getpass", "curses", "tkinter"}
}

// granted are the modules that reach outside of a program, and what each is loaded for. A program
// that may not load them may be granted them.
func granted() map[string]string {
	return map[string]string{"sql": "database", "fetch": "fetch", "files": "directory", "env": "env",
		"mail": "mail"}
}

// Foreign returns what to write where a module of that name is loaded that there is not, and of it
// names: "" if it is none of Python's.
func (l *Language) Foreign(module string, names []string) string {
	c, known := counterparts()[module]
	if !known {
		return ""
	}
	return l.instead(c, names)
}

// instead is what to write for names of a module of Python; "" if what it has the like of may not be
// loaded.
func (l *Language) instead(c counterpart, names []string) string {
	if c.write != "" {
		return c.write
	}
	var loads []string
	wanted := make(map[string][]string) // by module
	want := func(module, name string) {
		if wanted[module] == nil {
			loads = append(loads, module)
		}
		if !slices.Contains(wanted[module], name) {
			wanted[module] = append(wanted[module], name)
		}
	}
	for _, name := range names {
		if w := framework()[name]; w.module != "" && l.module(w.module) != nil {
			for has := range strings.FieldsSeq(w.names) {
				want(w.module, has)
			}
		} else if home := l.home(name, c.module); home != nil && (c.module == "route" || home.Name == c.module) {
			want(home.Name, name) // a framework has what many modules have
		}
	}
	if len(loads) == 0 {
		return l.loadOf(c)
	}
	for i, module := range loads {
		loads[i] = fmt.Sprintf("load(\"@%s\", %s)", module, quoted(wanted[module]))
	}
	return strings.Join(loads, " and ")
}

// loadOf is the statement that loads the most usual of a module, "" if there is none.
func (l *Language) loadOf(c counterpart) string {
	if m := l.module(c.module); m != nil {
		return m.load(strings.Fields(c.names))
	}
	if name := granted()[c.module]; name != "" {
		return fmt.Sprintf("load(\"@%s\", %q)", c.module, name)
	}
	return ""
}
