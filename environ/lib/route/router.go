package route

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Router is an application that has a table of routes. It is immutable and safe for concurrent
// use, as far as the handlers are, which those of a loaded program are.
type Router struct {
	host.Object
	root       node
	entries    []*entry
	names      map[string]*entry
	notFound   starlark.Callable // nil answers with a page
	failed     starlark.Callable // nil leaves errors as they are
	middleware []starlark.Callable
	app        starlark.Callable // the middleware around the table
	logger     *slog.Logger
	frozen     atomic.Bool // a handler may have the router among its variables
}

var _ starlark.Callable = (*Router)(nil)

func routerMember() host.Member {
	return host.Member{
		Name: "router",
		Doc: "Makes an application of routes. The most special one answers a request, whatever the " +
			"order: from the left, text goes before a parameter with text around it, then {x:uuid}, " +
			"{x:int}, {x:float}, {x:re(...)}, {x}, {x:path}, a mount; one that does not take the " +
			"method is passed over. Nothing else for the path is a 404, another method a 405; " +
			"OPTIONS is answered with the methods; a path that has a slash too many or too few for " +
			"a route is redirected to it, by 301 for GET and HEAD, else 308.",
		Params: []host.Param{
			{Name: "routes", Doc: "routes, groups and mounts", Type: "iterable"},
			{
				Name: "not_found", Type: "callable or None", Default: starlark.None,
				Doc: "is called with environ for a path that no route has, and returns what answers, " +
					"which says the status 404 itself; or is a response. None leaves it to error",
			},
			{
				Name: "error", Type: "callable or None", Default: starlark.None,
				Doc: "is called with environ and an error for what abort ends, for what fails (which " +
					"is logged too), and for 404 and 405, and returns what answers; the error has " +
					"status, message, backtrace and kind. Show a visitor the message only if the status " +
					"is below 500, as in error.message if error.status < 500 else \"Sorry\": that of " +
					"a failure nobody caught is for the log, and tells strangers what the application " +
					"is made of. A router that is mounted in this one and has neither uses those of " +
					"this one. None has a small page answer, or a JSON problem " +
					"if the client takes that; failures are then the server's to show",
			},
			middlewareParam(),
		},
		Result: "an application",
		Errors: []host.Failure{
			{
				Code: string(environ.CodeWebUse),
				When: "two routes cannot be told apart, a handler does not take what its pattern " +
					"names, a name is used twice",
			},
			{When: "in a request, a handler returned something that is no application"},
		},
		Example: `def hello(environ, name):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return ["hello ", name]
    return app

app = router([get("/hello/{name}", hello)])
environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/hello/you"}
app(environ, lambda status, headers: None)  # ["hello ", "you"]`,
		Fn: newRouter,
	}
}

// newRouter is router(routes, not_found = None, error = None, middleware = []).
func newRouter(a host.Args) (starlark.Value, error) {
	var routes starlark.Iterable
	var notFound, failed, middleware starlark.Value
	if err := a.Unpack(&routes, &notFound, &failed, &middleware); err != nil {
		return nil, err
	}
	r := &Router{Object: "router"}
	if l, ok := a.Of.(*host.Load); ok {
		r.logger = l.Logger
	}
	list, err := routesOf("router", routes)
	if err != nil {
		return nil, err
	}
	if r.notFound, err = handlerOf("not_found", notFound, "(environ)"); err != nil {
		return nil, err
	}
	if r.failed, err = handlerOf("error", failed, "(environ, error)"); err != nil {
		return nil, err
	}
	if r.middleware, err = middlewareOf("router", middleware); err != nil {
		return nil, err
	}
	b := &table{
		thread: a.Thread, router: r, depth: len(trailOf(a.Thread)),
		ranked: make(map[string][]*entry), names: make(map[string]*entry),
	}
	b.fill(list, &pattern{}, nil)
	if len(b.faults) > 0 {
		return nil, b.faults
	}
	r.entries, r.names = b.entries, b.names
	if err := b.wrap(); err != nil {
		return nil, err
	}
	r.app, err = wrapped(a.Thread, r.middleware, &dispatcher{"route.table", r})
	return r, err
}

// handlerOf returns an argument that is a function or None.
func handlerOf(name string, v starlark.Value, params string) (starlark.Callable, error) {
	if v == starlark.None {
		return nil, nil
	}
	c, ok := v.(starlark.Callable)
	if !ok {
		return nil, environ.Misuse(fmt.Errorf("router: %s is %s, not a function %s that returns a response",
			name, describe(v), params))
	}
	if fn, ok := c.(*starlark.Function); ok {
		want := strings.Count(params, ",") + 1
		if fn.NumParams() < want && !fn.HasVarargs() {
			return nil, environ.Misuse(fmt.Errorf("router: %s is called with %s, which %s does not take",
				name, params, fn.Name()))
		}
	}
	return c, nil
}

// Name returns "router", as the name of a function.
func (r *Router) Name() string { return "router" }

func (r *Router) String() string { return fmt.Sprintf("<router, %d routes>", len(r.entries)) }

// Freeze freezes all that the router calls.
func (r *Router) Freeze() {
	if r.frozen.Swap(true) {
		return
	}
	for _, e := range r.entries {
		if e.mount != nil {
			e.mount.Freeze()
		} else if e.handler.fn != nil {
			e.handler.fn.Freeze()
		}
		if e.scope != nil {
			e.scope.app.Freeze()
		}
	}
	if r.notFound != nil {
		r.notFound.Freeze()
	}
	if r.failed != nil {
		r.failed.Freeze()
	}
	r.app.Freeze()
}

// CallInternal answers: r(environ, start_response).
func (r *Router) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	env, start, err := environ.Call("router", args, kwargs)
	if err != nil {
		return nil, err
	}
	if d, bare := r.app.(*dispatcher); bare {
		return d.dispatch(t, env, start, args)
	}
	v, err := starlark.Call(t, r.app, starlark.Tuple{env, start}, nil)
	if err != nil {
		return r.fail(t, env, start, err)
	}
	return v, nil
}

// A dispatcher is the table of a router as an application, around which its middleware is.
type dispatcher struct {
	host.Object
	router *Router
}

var _ starlark.Callable = (*dispatcher)(nil)

// Name is shown in backtraces.
func (d *dispatcher) Name() string { return "router" }

// CallInternal answers as an application.
func (d *dispatcher) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	env, start, err := environ.Call("router", args, kwargs)
	if err != nil {
		return nil, err
	}
	return d.dispatch(t, env, start, args)
}

// dispatch finds what answers a request, and has it answer. The args are those of the call, if they
// were passed by position.
func (d *dispatcher) dispatch(
	t *starlark.Thread, env starlark.HasSetKey, start starlark.Callable, args starlark.Tuple,
) (starlark.Value, error) {
	r := d.router
	m := &match{Object: "route.match", router: r}
	s := search{method: environ.Text(env, keyMethod), path: environ.Text(env, keyPath), values: m.few[:0]}
	script, bare := environ.Text(env, keyScript), s.path == ""
	if bare && script == "" {
		s.path = "/" // the root has no other name
		bare = false
	}
	found := (bare || s.path[0] == '/') && s.find(&r.root, 1)
	if s.path == "*" && s.method == http.MethodOptions { // RFC 9110, section 9.3.7: all that is here
		s.missed = [][]*entry{r.entries}
	}
	if !found {
		to := r.elsewhere(script, s.path, s.method)
		switch {
		case to != "":
			v := redirect(to, environ.Text(env, keyQuery), s.method)
			return v.CallInternal(t, starlark.Tuple{env, start}, nil)
		case s.missed == nil:
			return r.absent(t, env, start)
		case s.method == http.MethodOptions:
			s.entry = &entry{
				pattern: &pattern{}, handler: &handler{}, allow: allowed(s.missed),
			}
			if len(s.missed[0]) > 0 {
				s.entry.scope = s.missed[0][0].scope // CORS, say, answers for a group
			}
			s.values = nil
		default:
			return r.refuse(t, env, start, allowed(s.missed))
		}
	}
	m.entry, m.values, m.script, m.outer = s.entry, s.values, script, matchOf(env)
	if err := environ.SetLater(env, keyArgs, arguments{m}); err != nil {
		return nil, err
	}
	if err := env.SetKey(keyRoute, m); err != nil {
		return nil, err
	}
	if s.entry.mount != nil && s.at > 0 {
		if err := env.SetKey(keyScript, starlark.String(script+s.path[:s.at])); err != nil {
			return nil, err
		}
		if err := env.SetKey(keyPath, starlark.String(s.path[s.at:])); err != nil {
			return nil, err
		}
	}
	if s.entry.scope == nil {
		return r.run(t, m, env, start, args)
	}
	v, err := starlark.Call(t, s.entry.scope.app, starlark.Tuple{env, start}, nil)
	if err != nil {
		return r.fail(t, env, start, err)
	}
	return v, nil
}

// run has what was chosen answer.
func (r *Router) run(
	t *starlark.Thread, m *match, env starlark.HasSetKey, start starlark.Callable,
	args starlark.Tuple,
) (v starlark.Value, err error) {
	app := m.entry.mount
	switch {
	case app != nil:
	case m.entry.allow != nil:
		app = response.New(http.StatusNoContent, "", "",
			environ.Field{Name: "Allow", Value: strings.Join(m.entry.allow, ", ")})
	default:
		app, err = m.entry.handler.call(t, env, m)
	}
	if err == nil {
		if len(args) != 2 {
			args = starlark.Tuple{env, start}
		}
		v, err = call(t, app, args)
	}
	if err != nil {
		return r.fail(t, env, start, err)
	}
	return v, nil
}

// call calls an application. A response needs no frame of its own: nothing of a script runs in it.
func call(
	t *starlark.Thread, app starlark.Callable, args starlark.Tuple,
) (starlark.Value, error) {
	if own, ok := app.(*response.Response); ok {
		return own.CallInternal(t, args, nil)
	}
	return starlark.Call(t, app, args, nil)
}

// A chosen is what was chosen for a request, as the application that the middleware of a group is
// around.
type chosen struct {
	host.Object
	router *Router
}

var _ starlark.Callable = (*chosen)(nil)

// Name is shown in backtraces.
func (c *chosen) Name() string { return "router" }

// CallInternal answers as an application.
func (c *chosen) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	env, start, err := environ.Call("router", args, kwargs)
	if err != nil {
		return nil, err
	}
	m := matchOf(env)
	if m == nil || m.router != c.router {
		return nil, environ.Errorf(environ.CodeWebUse,
			"middleware calls the application with the environ that it was called with, or a copy",
			`the environ has lost "larkspur.route", by which the router knows what it chose`)
	}
	return c.router.run(t, m, env, start, args)
}
