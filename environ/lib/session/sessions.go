package session

import (
	"net/http"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxVisit is how long a session is good that ends with the browser, which may not end.
const maxVisit = 31 * 24 * time.Hour

// A sessions is an application around another one. It is immutable.
type sessions struct {
	host.Object
	app      starlark.Callable
	keys     []*key
	store    host.Store // nil: what is kept is in the cookie
	now      func() time.Time
	maxAge   time.Duration // 0: until the browser ends
	name     string
	secure   *bool // nil: as the request came
	sameSite http.SameSite
}

var (
	_ starlark.Callable = (*sessions)(nil)
	_ starlark.HasAttrs = (*sessions)(nil)
)

// age is how long a session is good after its last change.
func (a *sessions) age() time.Duration {
	if a.maxAge == 0 {
		return maxVisit
	}
	return a.maxAge
}

// bounds are those of a session.
func (a *sessions) bounds() bounds {
	if a.store != nil {
		return inStore
	}
	return inCookie
}

// around is sessions(app, secret, max_age, name, secure, same_site, store).
func (c *Config) around(l *host.Load, app starlark.Callable, secret, maxAge starlark.Value,
	name string, secure starlark.Value, sameSite string, store starlark.Value) (*sessions, error) {
	a := &sessions{Object: "sessions", app: app, name: name, now: c.Now}
	if a.now == nil {
		a.now = time.Now
	}
	var err error
	if store == starlark.None {
		a.keys, err = keysOf(secret, l.Grant)
	} else if secret != starlark.None {
		err = wrong("leave out secret", "there is a store, whose cookies hold nothing to encrypt")
	} else if a.store, _ = store.(host.Store); a.store == nil {
		err = wrong(`write store = bucket("visitors"), with the bucket of @kv`, "store is %s, not a bucket",
			store.Type())
	}
	if err != nil {
		return nil, err
	}
	if maxAge != starlark.None {
		n, err := starlark.AsInt32(maxAge)
		if err != nil || n < 1 {
			return nil, wrong("pass seconds, at least 1, or None for until the browser ends",
				"max_age is %s", maxAge)
		}
		a.maxAge = time.Duration(n) * time.Second
	}
	switch v := secure.(type) {
	case starlark.NoneType:
	case starlark.Bool:
		only := bool(v)
		a.secure = &only
	default:
		return nil, wrong("", "secure is %s, not True, False or None", v.Type())
	}
	must := a.secure != nil && *a.secure
	switch strings.ToLower(sameSite) {
	case "lax":
		a.sameSite = http.SameSiteLaxMode
	case "strict":
		a.sameSite = http.SameSiteStrictMode
	case "none":
		a.sameSite = http.SameSiteNoneMode
		if !must {
			return nil, wrong("pass secure = True", "browsers refuse SameSite=None without Secure")
		}
	default:
		return nil, wrong("", "same_site is %q, not Lax, Strict or None", sameSite)
	}
	if err := (&http.Cookie{Name: name, Value: "x"}).Valid(); err != nil || len(name) > 100 {
		return nil, wrong("pass letters, digits, - and _", "%q is no name of a cookie", name)
	}
	if prefixed(name) && !must {
		return nil, wrong("pass secure = True",
			"browsers refuse a cookie with the prefix of %q without Secure", name)
	}
	return a, nil
}

// Name is that of a function.
func (a *sessions) Name() string { return "sessions" }

// Wrapped returns the application inside.
func (a *sessions) Wrapped() starlark.Callable { return a.app }

// Freeze freezes the application inside.
func (a *sessions) Freeze() { a.app.Freeze() }

// AttrNames is [starlark.HasAttrs]'s.
func (a *sessions) AttrNames() []string { return []string{"app"} }

// Attr gives the application inside.
func (a *sessions) Attr(name string) (starlark.Value, error) {
	if name == "app" {
		return a.app, nil
	}
	return nil, nil
}

// CallInternal answers with the application inside, which finds a session in the environ.
func (a *sessions) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	env, start, err := environ.Call("sessions", args, kwargs)
	if err != nil {
		return nil, err
	}
	// An application inside may be mounted, which changes the SCRIPT_NAME of the same dict.
	r := &starter{next: start}
	r.session = Session{app: a, thread: t, environ: env, mount: environ.Text(env, mountKey)}
	if err := env.SetKey(sessionKey, &r.session); err != nil {
		return nil, err
	}
	pass := starlark.Tuple{env, r}
	body, err := starlark.Call(t, a.app, pass, nil)
	if err == nil || r.session.begun {
		return body, err
	}
	// What answers for an application that was ended carries the session as well.
	if answer := host.AnswerOf(err); answer != nil {
		return starlark.Call(t, answer, pass, nil)
	}
	return nil, err
}

// The keys of the environ that are asked for in each request: boxing a string costs an allocation.
var (
	sessionKey starlark.Value = starlark.String(Key)
	mountKey   starlark.Value = starlark.String("SCRIPT_NAME")
	schemeKey  starlark.Value = starlark.String("wsgi.url_scheme")
	cookieKey  starlark.Value = starlark.String("HTTP_COOKIE")
	pushedKey  starlark.Value = starlark.String("http2.pushed")
)

// A starter is the start_response that the application inside gets, and the session with it.
type starter struct {
	host.Object
	session Session
	next    starlark.Callable
}

var (
	_ starlark.Callable = (*starter)(nil)
	_ environ.Starter   = (*starter)(nil)
)

func (r *starter) Name() string   { return "start_response" }
func (r *starter) String() string { return "<built-in function start_response>" }
func (r *starter) Type() string   { return "builtin_function_or_method" }

// Start is [environ.Starter]'s.
func (r *starter) Start(status int, fields []environ.Field) error {
	more, err := r.session.fields(fields)
	if err != nil {
		return err
	}
	if err := environ.Start(r.session.thread, r.next, status, append(fields, more...)); err != nil {
		return err
	}
	r.session.begin()
	return nil
}

// CallInternal is start_response(status, headers, exc_info = None). What is wrong with the
// arguments is for the server to say.
func (r *starter) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if r.session.kept == nil { // it was not asked for
		write, err := starlark.Call(t, r.next, args, kwargs)
		r.session.begun = r.session.begun || err == nil
		return write, err
	}
	args, kwargs, err := r.extended(args, kwargs)
	if err != nil {
		return nil, err
	}
	write, err := starlark.Call(t, r.next, args, kwargs)
	if err == nil {
		r.session.begin()
	}
	return write, err
}

// extended returns the arguments with the fields of the session in a new list of headers.
func (r *starter) extended(args starlark.Tuple, kwargs []starlark.Tuple) (
	starlark.Tuple, []starlark.Tuple, error,
) {
	var status, headers, excInfo starlark.Value
	err := starlark.UnpackArgs("start_response", args, kwargs, "status", &status, "headers",
		&headers, "exc_info?", &excInfo)
	list, ok := headers.(*starlark.List)
	if err != nil || !ok {
		return args, kwargs, nil
	}
	var all []starlark.Value
	var fields []environ.Field
	for v := range starlark.Elements(list) {
		all = append(all, v)
		if pair, ok := v.(starlark.Tuple); ok && len(pair) == 2 {
			name, _ := starlark.AsString(pair[0])
			value, _ := starlark.AsString(pair[1])
			fields = append(fields, environ.Field{Name: name, Value: value})
		}
	}
	more, err := r.session.fields(fields)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range more {
		all = append(all, starlark.Tuple{starlark.String(f.Name), starlark.String(f.Value)})
	}
	pass := starlark.Tuple{status, starlark.NewList(all)}
	if excInfo != nil {
		pass = append(pass, excInfo)
	}
	return pass, nil, nil
}
