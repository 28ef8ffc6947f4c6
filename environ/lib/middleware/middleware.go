// Package middleware is the host module @middleware: what stands around an application. [Module]
// describes it.
//
// # The model
//
// Middleware is a function from application to application. Each member takes its options and
// returns such a function; one that needs no options may be given the application at once. What is
// made so is a [layer]: an application that works around any other that follows PEP 3333. It calls
// that with the same environ, and with a start_response that is [environ.Interposed], through which
// exc_info and write() pass; it returns the body that it was given, so that blocks are sent as they
// are made and close is called once, by the server. Where a body is replaced its close is called
// here.
//
// Only what is there is looked at: a list or a tuple of blocks. A body that is made as it is sent
// passes untouched, whatever the middleware is.
//
// State of a layer (the counts of rate_limit, what cached keeps) belongs to the function that was
// made with the options, is bounded, and lives as long as the generation of the program does.
package middleware

import (
	"fmt"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @middleware.
func Module() *host.Module {
	members := []host.Member{
		sameOriginMember(), corsMember(), etagsMember(), securityMember(), overrideMember(),
		rateMember(), timingMember(), basicAuthMember(), cachedMember(), beforeMember(),
		afterMember(),
	}
	for i := range members {
		optionsFirst(&members[i])
	}
	return &host.Module{
		Name: "middleware",
		Doc: "What stands around an application: each makes a function from application to " +
			"application, for a call or for the middleware of a router. The first of a list is the " +
			"outermost.",
		Members: members,
		Whole:   true,
		Misuse:  environ.Misuse,
	}
}

// A request is one call of a layer.
type request struct {
	thread *starlark.Thread
	env    starlark.HasSetKey
	start  starlark.Callable
	app    starlark.Callable
}

// A handle is what a layer does with a request.
type handle func(q *request) (starlark.Value, error)

// next calls the application with a start_response.
func (q *request) next(start starlark.Callable) (starlark.Value, error) {
	return starlark.Call(q.thread, q.app, starlark.Tuple{q.env, start}, nil)
}

// edit calls the application with a start_response whose head is edited.
func (q *request) edit(edit func(*environ.Head) error) (starlark.Value, error) {
	return q.next(environ.Interpose(q.thread, q.start, edit))
}

// answer has another application answer.
func (q *request) answer(app starlark.Callable) (starlark.Value, error) {
	return starlark.Call(q.thread, app, starlark.Tuple{q.env, q.start}, nil)
}

// get returns a variable of the environ, "" if it is absent or no string.
func (q *request) get(key starlark.Value) string { return environ.Text(q.env, key) }

// The keys of the environ, as values: boxing a string costs an allocation.
var (
	keyMethod     starlark.Value = starlark.String("REQUEST_METHOD")
	keyScript     starlark.Value = starlark.String("SCRIPT_NAME")
	keyPath       starlark.Value = starlark.String("PATH_INFO")
	keyQuery      starlark.Value = starlark.String("QUERY_STRING")
	keyHost       starlark.Value = starlark.String("HTTP_HOST")
	keyScheme     starlark.Value = starlark.String("wsgi.url_scheme")
	keyOrigin     starlark.Value = starlark.String("HTTP_ORIGIN")
	keyFetchSite  starlark.Value = starlark.String("HTTP_SEC_FETCH_SITE")
	keyAskMethod  starlark.Value = starlark.String("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
	keyAskHeaders starlark.Value = starlark.String("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
	keyNoneMatch  starlark.Value = starlark.String("HTTP_IF_NONE_MATCH")
	keyNonce      starlark.Value = starlark.String("larkspur.nonce")
	keyInput      starlark.Value = starlark.String("wsgi.input")
	keyType       starlark.Value = starlark.String("CONTENT_TYPE")
	keyOverride   starlark.Value = starlark.String("HTTP_X_HTTP_METHOD_OVERRIDE")
	keyRemote     starlark.Value = starlark.String("REMOTE_ADDR")
	keyAuth       starlark.Value = starlark.String("HTTP_AUTHORIZATION")
	keyUser       starlark.Value = starlark.String("REMOTE_USER")
	keyPushed     starlark.Value = starlark.String("http2.pushed")
	keyAuthType   starlark.Value = starlark.String("AUTH_TYPE")
)

// A maker is middleware: what makes a layer of an application.
type maker struct {
	host.Object
	name   string
	handle handle
	parts  []starlark.Value // functions that handle calls
}

var _ starlark.Callable = (*maker)(nil)

// Name is that of the member that made it.
func (m *maker) Name() string { return m.name }

func (m *maker) String() string { return "<middleware " + m.name + ">" }

// Freeze freezes the functions that were given.
func (m *maker) Freeze() {
	for _, v := range m.parts {
		v.Freeze()
	}
}

// CallInternal makes a layer: m(app).
func (m *maker) CallInternal(
	_ *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if len(args) == 2 && len(kwargs) == 0 {
		return nil, environ.Errorf(environ.CodeWebUse,
			fmt.Sprintf("write app = %s(...)(app)", m.name),
			"%s: this is middleware, not yet an application: it is to be called with one", m.name)
	}
	var app starlark.Callable
	if err := starlark.UnpackArgs(m.name, args, kwargs, "app", &app); err != nil {
		return nil, environ.Misuse(err)
	}
	return m.around(app)
}

// around makes a layer.
func (m *maker) around(app starlark.Callable) (starlark.Value, error) {
	if fn, ok := app.(*starlark.Function); ok {
		n := fn.NumParams() - fn.NumKwonlyParams()
		if n < 2 && !fn.HasVarargs() {
			return nil, environ.Misuse(fmt.Errorf("%s: %s is no application, which takes (environ, "+
				"start_response)", m.name, fn.Name()))
		}
	}
	return &layer{"application", m, app}, nil
}

// made returns middleware, or a layer if there is an application already.
func made(
	name string, app starlark.Value, h handle, parts ...starlark.Value,
) (starlark.Value, error) {
	m := &maker{"middleware", name, h, parts}
	switch app := app.(type) {
	case nil, starlark.NoneType:
		return m, nil
	case starlark.Callable:
		return m.around(app)
	}
	return nil, environ.Misuse(fmt.Errorf("%s: app is %s, not an application", name, app.Type()))
}

// A layer is an application with middleware around it.
type layer struct {
	host.Object
	maker *maker
	app   starlark.Callable
}

var (
	_ starlark.Callable = (*layer)(nil)
	_ host.Wrapper      = (*layer)(nil)
)

// Name is that of the middleware.
func (l *layer) Name() string { return l.maker.name }

func (l *layer) String() string { return "<" + l.maker.name + " around " + l.app.Name() + ">" }

// Wrapped returns the application.
func (l *layer) Wrapped() starlark.Callable { return l.app }

// Freeze freezes the application and the functions that were given.
func (l *layer) Freeze() {
	l.app.Freeze()
	l.maker.Freeze()
}

// CallInternal answers: l(environ, start_response).
func (l *layer) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	env, start, err := environ.Call(l.maker.name, args, kwargs)
	if err != nil {
		return nil, err
	}
	return l.maker.handle(&request{thread: t, env: env, start: start, app: l.app})
}

// appParam is the parameter of middleware that needs no options.
func appParam() host.Param {
	return host.Param{
		Name: "app", Type: "callable or None", Default: starlark.None,
		Doc: "the application, to be wrapped at once; None returns the function that wraps one",
	}
}

// closeBody calls the close of a body that is not returned to the server. PEP 3333, "Specification
// Details": it must be called.
func closeBody(t *starlark.Thread, body starlark.Value) error {
	b, ok := body.(starlark.HasAttrs)
	if !ok {
		return nil
	}
	c, err := b.Attr("close")
	if err != nil || c == nil {
		return nil
	}
	_, err = starlark.Call(t, c, nil, nil)
	return err
}

// blocksOf returns the bytes of a body that is there, up to a limit, and whether it is such a one.
func blocksOf(body starlark.Value, limit int) (blocks []string, size int, ok bool) {
	var all starlark.Indexable
	switch body := body.(type) {
	case *starlark.List:
		all = body
	case starlark.Tuple:
		all = body
	default:
		return nil, 0, false
	}
	for i := range all.Len() {
		s, ok := host.Octets(all.Index(i))
		if size += len(s); !ok || size > limit {
			return nil, 0, false
		}
		blocks = append(blocks, s)
	}
	return blocks, size, true
}
