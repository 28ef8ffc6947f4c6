package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// patternDoc says what a pattern is.
const patternDoc = "a path, as \"/notes/{id:int}\"; {x} is text up to the next slash, {x:int}, " +
	"{x:float}, {x:uuid} and {x:re([a-z]+)} are what they say, {x:path} is all that is left and " +
	"not empty; text may stand around a parameter, as in \"/{name}.css\""

// handlerDoc says what a handler is.
const handlerDoc = "is called with environ and, by name, with the parameters of the pattern, and " +
	"returns a response or any other application; or is a response, or websocket(...)"

func patternParam() host.Param {
	return host.Param{Name: "pattern", Doc: patternDoc, Type: "string"}
}

func handlerParam() host.Param {
	return host.Param{Name: "handler", Doc: handlerDoc, Type: "callable"}
}

func nameParam() host.Param {
	return host.Param{
		Name: "name", Doc: "what url_for calls the route; None for nothing",
		Type: "string or None", Default: starlark.None,
	}
}

func middlewareParam() host.Param {
	return host.Param{
		Name: "middleware",
		Doc:  "a list of functions from application to application, the outermost first",
		Type: "any", Default: starlark.Tuple{},
	}
}

// routeFailures are those of what makes a route.
func routeFailures() []host.Failure {
	return []host.Failure{{
		Code: string(environ.CodeWebUse),
		When: "the pattern is malformed; what the handler takes is compared with it by router",
	}}
}

func methodMember(name string) host.Member {
	method := strings.ToUpper(name)
	doc := "Makes a route for " + method + " requests of a path."
	switch name {
	case "get":
		doc = "Makes a route for GET requests of a path, and for those of HEAD, whose body is not " +
			"sent."
	case "head":
		doc = "Makes a route for HEAD requests, which else the route for GET answers."
	case "options":
		doc = "Makes a route for OPTIONS requests, which else are answered with the methods that " +
			"there are."
	}
	return host.Member{
		Name: name, Doc: doc,
		Params: []host.Param{patternParam(), handlerParam(), nameParam()},
		Result: "a route, for router or group",
		Errors: routeFailures(),
		Example: "def note(environ, id):\n    return lambda environ, start_response: []\n\n" +
			name + `("/notes/{id:int}", note)  # ` + name + `("/notes/{id:int}", note)`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var pattern string
			var handler starlark.Callable
			var label starlark.Value
			if err := a.Unpack(&pattern, &handler, &label); err != nil {
				return nil, err
			}
			return newRoute(a.Thread, []string{method}, pattern, handler, label)
		},
	}
}

func routeMember() host.Member {
	return host.Member{
		Name: "route",
		Doc: "Makes a route for several methods. One whose method another route of the same path " +
			"names goes before one for any.",
		Params: []host.Param{
			{
				Name: "methods", Doc: "the methods, as [\"GET\", \"POST\"]; \"*\" is any",
				Type: "string or iterable of strings",
			},
			patternParam(), handlerParam(), nameParam(),
		},
		Result: "a route, for router or group",
		Errors: routeFailures(),
		Example: `def item(environ):
    return lambda environ, start_response: []

route(["GET", "POST"], "/item", item)  # route(["GET", "POST"], "/item", item)`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var methods, label starlark.Value
			var pattern string
			var handler starlark.Callable
			if err := a.Unpack(&methods, &pattern, &handler, &label); err != nil {
				return nil, err
			}
			names, err := methodsOf(methods)
			if err != nil {
				return nil, err
			}
			return newRoute(a.Thread, names, pattern, handler, label)
		},
	}
}

// methodsOf reads the methods of a route.
func methodsOf(v starlark.Value) ([]string, error) {
	var names []string
	if s, ok := starlark.AsString(v); ok {
		names = []string{s}
	} else if all, ok := v.(starlark.Iterable); ok {
		for v := range starlark.Elements(all) {
			s, ok := starlark.AsString(v)
			if !ok {
				return nil, environ.Misuse(fmt.Errorf("route: a method is %s, not a string", v.Type()))
			}
			names = append(names, s)
		}
	}
	if len(names) == 0 {
		return nil, environ.Misuse(fmt.Errorf(`route: there is no method: write route(["GET", "POST"], ...)`))
	}
	for _, m := range names {
		if m != anyMethod && (!wire.Token(m) || m != strings.ToUpper(m)) {
			return nil, environ.Misuse(fmt.Errorf("route: %q is no method: write it as %q", m,
				strings.ToUpper(m)))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func newRoute(
	t *starlark.Thread, methods []string, text string, handler starlark.Callable,
	label starlark.Value,
) (starlark.Value, error) {
	p, err := parsePattern(text)
	if err != nil {
		return nil, environ.Misuse(err)
	}
	r := &route{
		Object: "route", methods: methods, pattern: p, handler: handler, trail: trailOf(t),
	}
	r.name, err = labelOf(label)
	return r, err
}

// labelOf returns the name of a route, "" for None.
func labelOf(v starlark.Value) (string, error) {
	if v == starlark.None {
		return "", nil
	}
	name, ok := starlark.AsString(v)
	if !ok || name == "" {
		return "", environ.Misuse(fmt.Errorf("name is %s, not a string: write name = \"note\"", describe(v)))
	}
	return name, nil
}

// String writes the route as its author has.
func (r *route) String() string {
	e := entry{methods: r.methods, pattern: r.pattern, handler: &handler{fn: r.handler}}
	return e.String()
}

func groupMember() host.Member {
	return host.Member{
		Name: "group",
		Doc: "Puts a prefix before routes, and middleware around them. That is called once for each " +
			"group, when the router is made, and runs for requests that the group has a route for.",
		Params: []host.Param{
			{
				Name: "prefix", Type: "string",
				Doc: "a pattern, whose parameters the handlers get too; in the group the pattern " +
					"\"\" is the prefix itself",
			},
			{Name: "routes", Doc: "routes, groups and mounts", Type: "iterable"},
			middlewareParam(),
		},
		Result: "a group, for router or group",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse), When: "something in it is neither route, group nor mount",
		}},
		Example: `def report(environ, year):
    return lambda environ, start_response: []

group("/reports/{year:int}", [get("/sales", report)])  # group("/reports/{year:int}", 1 routes)`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var prefix string
			var routes starlark.Iterable
			var middleware starlark.Value
			if err := a.Unpack(&prefix, &routes, &middleware); err != nil {
				return nil, err
			}
			p, err := parsePrefix(prefix)
			if err != nil {
				return nil, environ.Misuse(err)
			}
			g := &group{Object: "group", prefix: p, trail: trailOf(a.Thread)}
			if g.routes, err = routesOf("group", routes); err != nil {
				return nil, err
			}
			g.middleware, err = middlewareOf("group", middleware)
			return g, err
		},
	}
}

func (g *group) String() string {
	return fmt.Sprintf("group(%q, %d routes)", g.prefix.text, len(g.routes))
}

func mountMember() host.Member {
	return host.Member{
		Name: "mount",
		Doc: "Puts an application behind a prefix, for all methods: the prefix goes from PATH_INFO " +
			"to SCRIPT_NAME. It ends where a part of the path ends: \"/blog\" has /blog and " +
			"/blog/1, not /blogs. A route with the same beginning goes before it. url_for of its name is " +
			"the root of the application, or with path = \"a.css\" what is below.",
		Params: []host.Param{
			{Name: "prefix", Doc: "a pattern; \"/\" takes all that is left", Type: "string"},
			{
				Name: "app", Doc: "any application, app(environ, start_response), routers included",
				Type: "callable",
			},
			nameParam(),
		},
		Result: "a mount, for router or group",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse), When: "app does not take environ and start_response",
		}},
		Example: `def blog(environ, start_response):
    start_response("200 OK", [])
    return [environ["SCRIPT_NAME"], " ", environ["PATH_INFO"]]

app = router([mount("/blog", blog)])
environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/blog/1"}
app(environ, lambda status, headers: None)  # ["/blog", " ", "/1"]`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var prefix string
			var app starlark.Callable
			var label starlark.Value
			if err := a.Unpack(&prefix, &app, &label); err != nil {
				return nil, err
			}
			name, err := labelOf(label)
			if err != nil {
				return nil, err
			}
			p, err := parsePrefix(prefix)
			if err != nil {
				return nil, environ.Misuse(err)
			}
			if fn, ok := app.(*starlark.Function); ok {
				if err := isApp(fn, p); err != nil {
					return nil, environ.Misuse(err)
				}
			}
			return &mounted{Object: "mount", prefix: p, app: app, name: name, trail: trailOf(a.Thread)}, nil
		},
	}
}

func (m *mounted) String() string {
	return fmt.Sprintf("mount(%q, %s)", m.prefix.text, nameOf(m.app))
}

// isApp reports whether fn can be called as an application is.
func isApp(fn *starlark.Function, p *pattern) error {
	n, needed := fn.NumParams()-fn.NumKwonlyParams(), 0
	if fn.HasVarargs() {
		n--
	}
	if fn.HasKwargs() {
		n--
	}
	for i := range n {
		if fn.ParamDefault(i) == nil {
			needed++
		}
	}
	if needed <= 2 && (n >= 2 || fn.HasVarargs()) {
		return nil
	}
	return fmt.Errorf("mount: %s is no application, which takes (environ, start_response); of a "+
		"handler write get(%q, %s)", fn.Name(), p.text, fn.Name())
}

// parsePrefix parses the prefix of a group or a mount.
func parsePrefix(text string) (*pattern, error) {
	p, err := parsePattern(strings.TrimSuffix(text, "/"))
	switch {
	case err != nil:
		return nil, err
	case p.tail:
		return nil, fmt.Errorf("the prefix %q: {%s:path} leaves nothing for what is behind it", text,
			p.names[len(p.names)-1])
	}
	return p, nil
}

// routesOf returns the elements of a list of routes.
func routesOf(what string, list starlark.Iterable) ([]starlark.Value, error) {
	var all []starlark.Value
	for v := range starlark.Elements(list) {
		switch v := v.(type) {
		case *route, *group, *mounted:
			all = append(all, v)
			continue
		case *starlark.List:
			return nil, environ.Misuse(fmt.Errorf("%s: routes[%d] is a list: write group(\"\", [...]), or "+
				"add the lists with +", what, len(all)))
		case starlark.Callable:
			return nil, environ.Misuse(fmt.Errorf("%s: routes[%d] is %s, not a route: write get(\"/...\", "+
				"%s), or mount(\"/...\", %s) if it is an application", what, len(all), v.String(),
				nameOf(v), nameOf(v)))
		}
		return nil, environ.Misuse(fmt.Errorf("%s: routes[%d] is %s, not a route: write get(\"/...\", "+
			"handler)", what, len(all), describe(v)))
	}
	return all, nil
}
