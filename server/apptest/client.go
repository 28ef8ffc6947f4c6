package apptest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"go.starlark.net/starlark"
)

// A client asks one application, as a browser would that has just been opened. It belongs to a
// test.
type client struct {
	config  *Config
	test    *Session
	app     server.App
	lint    string   // the file of lint, if the application is called through it
	base    *url.URL // scheme and host
	port    int
	proto   string
	peer    string
	mount   string
	maxBody int64
	vars    map[string]string
	header  http.Header // of each request
	jar     jar
	follow  bool // redirects, unless a request says otherwise
	trial   session.Trial

	push       bool     // it takes promises, over HTTP/2
	connection sync.Map // what package push knows of it
}

// under returns an App that calls another callable, on the threads of app.
func under(app server.App, fn starlark.Callable) server.App {
	return host.Around(app, func(ctx context.Context, call host.AppFunc, use host.Use) error {
		return call(ctx, func(ctx context.Context, t *starlark.Thread, _ starlark.Callable) error {
			return use(ctx, t, fn)
		})
	})
}

func (c *Config) clientMember() host.Member {
	return host.Member{
		Name: "client",
		Doc: "Makes a client that asks an application as a browser would that has just been " +
			"opened. It belongs to the test that makes it.",
		Params: []host.Param{
			{Name: "app", Doc: "the application"},
			{Name: "base", Doc: "scheme, host and port; https gives the keys of TLS",
				Default: starlark.String("http://localhost")},
			{Name: "mount", Doc: "SCRIPT_NAME", Default: starlark.String("")},
			{Name: "proto", Doc: "HTTP/2.0, HTTP/1.1 or HTTP/1.0", Default: starlark.String("HTTP/2.0")},
			{Name: "environ", Doc: "the deployer's variables", Optional: true},
			{Name: "headers", Doc: "fields of every request", Type: "dict or list of pairs",
				Optional: true},
			{Name: "peer", Doc: "the other end of the connection",
				Default: starlark.String("127.0.0.1:49152")},
			{Name: "max_body", Doc: "the bound of a request's body; 0 is the server's default",
				Default: starlark.MakeInt(0)},
			{Name: "push", Doc: "take what is pushed, over HTTP/2", Default: starlark.True},
			{Name: "lint", Doc: "fail where the application breaks the contract",
				Default: starlark.True},
			{Name: "session", Doc: "what the session of @session holds with which it begins, as that of " +
				"a visitor who was here before", Optional: true},
			{Name: "follow", Doc: "follow redirects, as a browser does, unless a request says otherwise",
				Default: starlark.False},
		},
		Result: "a client",
		Errors: []host.Failure{
			{When: "it is not made inside of a test function, or an argument is wrong"},
		},
		Example: `def test_hello():
    r = client(app).get("/")
    eq(r.status, 200)

def test_visitor():
    c = client(app, session = {"user": "ada"}, follow = True)
    contains(c.post("/notes", form = {"title": "Tea"}).text, "Tea")
    eq(c.session["user"], "ada")`,
		Fn: c.newClient,
	}
}

// newClient is client(app, ...).
func (c *Config) newClient(
	t *starlark.Thread, app starlark.Callable, base, mount, proto string,
	vars starlark.IterableMapping, headers starlark.Value, peer string, maxBody int64,
	push, lint bool, session starlark.IterableMapping, follow bool,
) (*client, error) {
	test, err := sessionOf(t)
	if err != nil {
		return nil, err
	}
	cl := &client{
		config: c, test: test, mount: mount, proto: proto, peer: peer, maxBody: maxBody,
		header: make(http.Header), push: push, follow: follow,
	}
	if err := cl.setBase(base); err != nil {
		return nil, err
	}
	if cl.mount != "" && (cl.mount[0] != '/' || strings.HasSuffix(cl.mount, "/")) {
		return nil, fmt.Errorf("the mount %q does not begin with a slash, or ends with one", cl.mount)
	}
	if _, _, ok := http.ParseHTTPVersion(cl.proto); !ok {
		return nil, fmt.Errorf(`proto is %q: write "HTTP/2.0", "HTTP/1.1" or "HTTP/1.0"`, cl.proto)
	}
	if err := addFields(cl.header, headers); err != nil {
		return nil, fmt.Errorf("headers: %w", err)
	}
	if cl.vars, err = texts(vars); err != nil {
		return nil, fmt.Errorf("environ: %w", err)
	}
	fn := app
	if lint && c.Lint != nil {
		cl.lint = c.Lint.Position().Filename()
		v, err := starlark.Call(t, c.Lint, starlark.Tuple{app}, nil)
		if err != nil {
			return nil, err
		}
		fn = v.(starlark.Callable)
	}
	cl.app = under(test.app, fn)
	cl.jar = newJar()
	return cl, cl.begin(session)
}

func (c *client) setBase(base string) (err error) {
	if c.base, err = url.Parse(base); err != nil {
		return fmt.Errorf("base: %w", err)
	}
	u := c.base
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("base is %q: write http://HOST or https://HOST, with a port or without", base)
	}
	u.Path = "/"
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	c.port, err = strconv.Atoi(port)
	return err
}

var _ starlark.HasAttrs = (*client)(nil)

func (c *client) String() string        { return "<test.client " + c.base.String() + ">" }
func (c *client) Type() string          { return "test.client" }
func (c *client) Freeze()               {}
func (c *client) Truth() starlark.Bool  { return starlark.True }
func (c *client) Hash() (uint32, error) { return 0, errors.New("unhashable: test.client") }

// verbs are the methods of a client that ask with the method of that name.
var verbs = []string{"get", "head", "post", "put", "patch", "delete", "options"}

func (c *client) AttrNames() []string {
	return clientType.AttrNames()
}

func (c *client) Attr(name string) (starlark.Value, error) {
	switch name {
	case "cookies":
		return c.cookies(), nil
	case "session":
		data, _ := c.remembered()
		return data, nil
	case "flashes":
		_, flashes := c.remembered()
		return starlark.NewList(flashes), nil
	case "request":
		return starlark.NewBuiltin("request", func(t *starlark.Thread, _ *starlark.Builtin,
			args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			if len(args) == 0 {
				return nil, errors.New(`request: write request("GET", "/path")`)
			}
			method, ok := starlark.AsString(args[0])
			if !ok {
				return nil, fmt.Errorf("request: the method is %s, not a string", args[0].Type())
			}
			return c.ask(t, "request", method, args[1:], kwargs)
		}), nil
	case "set_cookie":
		return starlark.NewBuiltin("set_cookie", c.setCookie), nil
	case "websocket":
		return starlark.NewBuiltin("websocket", c.open), nil
	}
	for _, verb := range verbs {
		if verb == name {
			return starlark.NewBuiltin(name, func(t *starlark.Thread, _ *starlark.Builtin,
				args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
				return c.ask(t, name, strings.ToUpper(name), args, kwargs)
			}), nil
		}
	}
	return nil, nil
}

// cookies are what the client would send to the root of the mount, and below it.
func (c *client) cookies() *starlark.Dict {
	return cookieValues(c.jar.cookies(c.base.JoinPath(c.mount, "/")))
}

// setCookie is set_cookie(name, value, path = "/").
func (c *client) setCookie(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	k := http.Cookie{Path: "/"}
	if err := starlark.UnpackArgs(b.Name(), args, kwargs,
		"name", &k.Name, "value", &k.Value, "path?", &k.Path); err != nil {
		return nil, err
	}
	if err := k.Valid(); err != nil {
		return nil, fmt.Errorf("set_cookie: %w", err)
	}
	c.jar.set(c.base.JoinPath(k.Path), http.Header{"Set-Cookie": {k.String()}})
	return starlark.None, nil
}

// handler serves one request.
func (c *client) handler() *server.Handler {
	return &server.Handler{
		App:        c.app,
		Mount:      c.mount,
		Environ:    c.vars,
		ServerName: c.base.Hostname(),
		MaxBody:    c.maxBody,
		// It is what the application does that is tested, not how long that takes.
		Push: &push.Policy{VerifyTimeout: time.Minute},
	}
}
