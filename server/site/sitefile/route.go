package sitefile

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/static"
	"github.com/larkspur-web/larkspur/server/upstream"
	"go.starlark.net/starlark"
)

// maxWorkers is how many workers one mount may have.
const maxWorkers = 1000

var pathParam = Param{Name: "path", kind: text, Required: true,
	Doc: `where it answers, with all that is below it: "/" or as "/shop"`}

var compressParam = Param{Name: "compress", kind: compression,
	Doc: `how its answers are compressed, as --compress of serve has it: "on", "off", "br,gzip", "on,secrets"`}

var routeWords = []Word{
	{Name: "site", make: (*call).site,
		Doc: "Says what answers for some hosts. Without any, the routes of the file are for all hosts.",
		Params: []Param{
			{Name: "hosts", kind: texts, Required: true,
				Doc: `a name or a list of them: "example.com", "*.example.com" for all names with one label more, ` +
					`"*" for those that no other site has`},
			{Name: "routes", kind: route, rest: true, Required: true,
				Doc: "what mount, upstream, static and redirect return; the longest path wins"}}},
	{Name: "mount", make: (*call).mount, Doc: "Has an application answer below a path, its SCRIPT_NAME.",
		Params: []Param{pathParam,
			{Name: "app", kind: text, Required: true,
				Doc: "FILE.star, FILE.star:CALLABLE, a directory that has app.star, or a .zip"},
			{Name: "workers", kind: number, Doc: "how many processes of its own it answers in; 0 is in this one"},
			{Name: "limits", kind: dict, Doc: `what differs of limits(): {"timeout": "5s"}; also max_steps and memory`},
			{Name: "env", kind: dict, Doc: "what is added to the environ of its requests"},
			{Name: "grants", kind: texts, Doc: "what it may reach, as --grant of serve has it"},
			{Name: "middleware", kind: texts,
				Doc: "what stands around it, the outermost first: FILE.star:NAME, a function of its own " +
					"tree that takes an application and returns one"},
			{Name: "data", kind: path, Doc: "the directory of what it keeps, as --data of serve; it is made if there is none"},
			compressParam}},
	{Name: "upstream", make: (*call).upstream, Doc: "Has other HTTP servers answer below a path.",
		Params: []Param{pathParam,
			{Name: "url", kind: texts, Required: true,
				Doc: "http://HOST:PORT, https://HOST, h2c://HOST:PORT or unix:PATH; several take turns"},
			{Name: "check", kind: text, Doc: "the path that each is asked every 3 s, to be left out if it does not answer"},
			{Name: "timeout", kind: duration, Doc: "of the header of a response; a minute if it is not given"},
			compressParam}},
	{Name: "static", make: (*call).static, Doc: "Answers below a path with the files of a directory.",
		Params: []Param{pathParam,
			{Name: "dir", kind: dir, Required: true, Doc: "the directory; no name leads out of it"},
			{Name: "index", kind: text, Doc: "the file that answers for a directory; index.html if it is not given"},
			{Name: "listing", kind: truth, Doc: "list a directory that has none"},
			{Name: "max_age", kind: duration, Doc: "how long a client may use a file without asking again"},
			{Name: "immutable", kind: truth,
				Doc: "files with a hash in their name, as app.3f9a1c0b.js, may be used for ever"},
			{Name: "cache", kind: dict, Doc: `the Cache-Control of names: {"*.html": "no-cache"}; the first that fits`},
			{Name: "fallback", kind: text,
				Doc: "the file that answers a browser's navigation for what is not there, as index.html of an " +
					"application that lives in the page"}}},
	{Name: "redirect", make: (*call).redirect, Doc: "Sends clients elsewhere.",
		Params: []Param{
			{Name: "from", kind: text, Required: true, Doc: "the path, with all that is below it"},
			{Name: "to", kind: text, Required: true, Doc: "a path or a URL, to which what follows the path is added"},
			{Name: "status", kind: number, Doc: "301, 302, 303, 307 or 308, which is it if it is not given"},
			{Name: "whole", kind: truth, Doc: "to is all of it, and nothing is added"}}},
}

// A routeValue is a route in the file.
type routeValue struct {
	host.Object
	*Route
	taken bool // by a site
}

// route begins the route that a word returns.
func (c *call) route(path string) *routeValue {
	r := &Route{Path: strings.TrimSuffix(c.string(path), "/"), Place: c.place}
	if given := c.string(path); given != "" && given[0] != '/' {
		c.fault("%s is %q: begin it with a slash", path, given)
	} else if len(given) > 1 && given[len(given)-1] == '/' {
		c.fault("%s is %q: end it without the slash, what is below it belongs to it", path, given)
	} else if strings.Contains(given, "//") || strings.ContainsAny(given, "?#%") {
		c.fault("%s is %q: it is a path, decoded, without // and ?", path, given)
	}
	v := &routeValue{Object: "route", Route: r}
	c.routes = append(c.routes, v)
	return v
}

func (c *call) site() starlark.Value {
	h := Host{Place: c.place}
	for _, name := range c.list("hosts") {
		if why := wrongHost(name); why != "" {
			c.fault("%q is no host: %s", name, why)
			continue
		}
		h.Names = append(h.Names, strings.ToLower(strings.TrimSuffix(name, ".")))
	}
	if len(h.Names) == 0 && !c.wrong {
		c.fault("hosts has no name")
	}
	for i, v := range c.rest {
		r, ok := v.(*routeValue)
		switch {
		case !ok:
			c.fault("argument %d is a %s, and is to be what mount, upstream, static or redirect returns", i+2, v.Type())
		default:
			r.taken = true
			h.Routes = append(h.Routes, *r.Route)
		}
	}
	c.hosts = append(c.hosts, h)
	return starlark.None
}

// wrongHost says why no request can name the host, "" if one can.
func wrongHost(name string) string {
	bare := strings.TrimPrefix(name, "*.")
	switch {
	case name == "*":
		return ""
	case strings.Contains(name, "/"):
		return "write the name alone, as example.com"
	case strings.Contains(name, ":") && !strings.HasPrefix(name, "["):
		return "leave the port out, which is for listen() to say"
	case strings.Contains(bare, "*"):
		return "a * is all of the first label, as in *.example.com"
	case bare == "" || strings.Trim(strings.ToLower(bare), "abcdefghijklmnopqrstuvwxyz0123456789-_.:[]") != "":
		return "it has letters, digits, - and . only; write an international name as xn--..."
	}
	return ""
}

func (c *call) mount() starlark.Value {
	r := c.route("path")
	m := &Mount{Workers: c.int("workers", maxWorkers), Environ: c.dict("env"), Data: c.string("data")}
	m.App = c.app()
	c.limits(m)
	for _, line := range c.list("grants") {
		line = grant.Below(c.dir, line)
		if _, err := grant.Parse([]string{line}); err != nil {
			c.fault("%v", err)
		}
		m.Grants = append(m.Grants, line)
	}
	for _, name := range c.list("middleware") {
		if file, function, ok := strings.Cut(name, ".star:"); !ok || file == "" || function == "" {
			c.fault("middleware %q: write FILE.star:NAME", name)
		}
		m.Middleware = append(m.Middleware, name)
	}
	r.Mount, r.Compress = m, c.string("compress")
	return r
}

// app is the application of a mount.
func (c *call) app() string {
	given := c.string("app")
	if given == "" {
		return ""
	}
	name, callable, named := strings.Cut(given, ".star:")
	if named {
		name, callable = name+".star", ":"+callable
	}
	info, err := c.stat(name)
	switch {
	case err != nil:
		c.fault("app: there is no %s%s", c.join(name), c.near(name))
	case info.IsDir():
		if _, err := c.stat(name + "/app.star"); err != nil {
			c.fault("app: the directory %s has no app.star: name the script", c.join(name))
		}
	case !strings.HasSuffix(name, ".star") && !strings.HasSuffix(name, ".zip"):
		c.fault("app: %s: the name of a script ends in .star", c.join(name))
	}
	return c.join(name) + callable
}

// limits are those of a mount, which are said as the parameters of limits.
func (c *call) limits(m *Mount) {
	given := c.dict("limits")
	if given == nil {
		return
	}
	m.Limits = make(map[string]string)
	i := slices.IndexFunc(settingWords, func(w Word) bool { return w.Name == "limits" })
	for name, value := range given {
		if !slices.Contains(limitsOf, name) {
			c.fault("an application has no limit %s of its own%s: %s", name, meant(name, limitsOf),
				strings.Join(limitsOf, ", "))
			continue
		}
		p := settingWords[i].Params[slices.IndexFunc(settingWords[i].Params, func(p Param) bool { return p.Name == name })]
		v := starlark.Value(starlark.String(value))
		if n, err := strconv.ParseUint(value, 10, 64); err == nil && p.kind == number {
			v = starlark.MakeUint64(n)
		}
		if s, ok := c.value(&p, v); ok {
			m.Limits[p.Flag] = s
		}
	}
}

func (c *call) upstream() starlark.Value {
	r := c.route("path")
	u := &Upstream{Check: c.string("check"), Timeout: c.duration("timeout")}
	for _, url := range c.list("url") {
		if _, err := upstream.New(url); err != nil {
			c.fault("%s", strings.TrimPrefix(err.Error(), "upstream: "))
		}
		u.URLs = append(u.URLs, url)
	}
	if len(u.URLs) == 0 && !c.wrong {
		c.fault("url has no server")
	}
	if u.Check != "" && u.Check[0] != '/' {
		c.fault("check is %q: a path that begins with a slash", u.Check)
	}
	r.Upstream, r.Compress = u, c.string("compress")
	return r
}

func (c *call) static() starlark.Value {
	r := c.route("path")
	s := &Static{Dir: c.string("dir"), Options: static.Options{
		Index: c.string("index"), Listing: c.bool("listing"), MaxAge: c.duration("max_age"),
		Immutable: c.bool("immutable"), Fallback: c.string("fallback")}}
	if d, ok := c.args["cache"].(*starlark.Dict); ok && c.dict("cache") != nil {
		for _, item := range d.Items() { // in the order of the file
			pattern, _ := starlark.AsString(item[0])
			s.Cache = append(s.Cache, static.Rule{Pattern: pattern, Value: plain(item[1])})
		}
	} else if c.args["cache"] != nil {
		c.dict("cache")
	}
	if err := s.Options.Check(); err != nil {
		c.fault("%v", err)
	}
	r.Static = s
	return r
}

func (c *call) redirect() starlark.Value {
	r := c.route("from")
	to := &site.Redirect{Path: r.Path, To: c.string("to"), Whole: c.bool("whole"), Status: c.int("status", 599)}
	if to.Status == 0 {
		to.Status = http.StatusPermanentRedirect
	}
	if err := to.Check(); err != nil && !c.wrong {
		c.fault("%v", err)
	}
	r.Redirect = to
	return r
}
