package middleware

import (
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// usual are calls of what needs options, as a message has them.
var usual = map[string]string{
	"cors": `cors("*")`, "rate_limit": `rate_limit(60, "1m")`, "basic_auth": "basic_auth(check)",
	"cached": "cached(60)", "before": "before(function)", "after": "after(function)",
}

// optionsFirst has a member that takes its options first say so to who gives it an application, as a
// router does that has it in its list without a call.
func optionsFirst(m *host.Member) {
	call := usual[m.Name]
	fn, ok := m.Fn.(func(host.Args) (starlark.Value, error))
	if !ok || call == "" {
		return
	}
	name, option := m.Name, m.Params[0].Name
	m.Fn = func(a host.Args) (starlark.Value, error) {
		if v := a.At(0); v != nil && isApplication(v) {
			return nil, environ.Errorf(environ.CodeWebUse, "write "+call+"(app), or middleware = ["+call+
				"] of a router", "%s: it takes its options first, and %s is an application", name, option)
		}
		return fn(a)
	}
}

// isApplication reports whether a value is an application, and not what is called otherwise.
func isApplication(v starlark.Value) bool {
	switch v := v.(type) {
	case *layer, *response.Response:
		return true
	case *starlark.Function:
		if v.NumParams() < 2 {
			return false
		}
		first, _ := v.Param(0)
		second, _ := v.Param(1)
		return first == "environ" && second == "start_response"
	}
	return v.Type() == "router" || strings.HasPrefix(v.Type(), "route.") // what its middleware is around
}
