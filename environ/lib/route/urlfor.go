package route

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/starlark"
)

func urlForMember() host.Member {
	return host.Member{
		Name: "url_for",
		Doc: "Returns the path of a route, below SCRIPT_NAME as the router was called, percent-" +
			"encoded. It looks for the name in the router that answers the request, then in routers " +
			"that are mounted there, then in those around it. Parameters that the pattern does not " +
			"name become the query: a list several of a name, None nothing. That of a mount is its " +
			"root, or with path = \"a.css\" what is below.",
		Params: []host.Param{
			{Name: "environ", Doc: "the environ of a request that a router answers", Type: "dict"},
			{Name: "name", Doc: "what name = of the route says", Type: "string"},
			{
				Name: "params", Type: "string, int, float, bool, list or None", Pass: host.RestByName,
				Doc: "the parameters of the pattern, and of a query",
			},
		},
		Result: "a string",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse),
			When: "there is no such name; a parameter of the pattern is missing or does not match; " +
				"no router answers the request",
		}},
		Example: `def note(environ, id):
    url = url_for(environ, "note", id = id + 1, view = "full")
    return lambda environ, start_response: [url]

app = router([get("/notes/{id:int}", note, name = "note")])
environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/app", "PATH_INFO": "/notes/7"}
app(environ, lambda status, headers: None)  # ["/app/notes/8?view=full"]`,
		Value: starlark.NewBuiltin("url_for", urlFor),
	}
}

// urlFor is url_for(environ, name, **params).
func urlFor(
	_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if len(args) != 2 {
		return nil, environ.Errorf(environ.CodeWebUse,
			`write url_for(environ, "note", id = 7)`,
			"url_for: got %d arguments by position, want environ and the name", len(args))
	}
	env, isEnv := args[0].(starlark.Mapping)
	name, isName := starlark.AsString(args[1])
	switch {
	case !isEnv:
		return nil, environ.Misuse(fmt.Errorf("url_for: environ is %s, not a dict", describe(args[0])))
	case !isName:
		return nil, environ.Misuse(fmt.Errorf("url_for: the name is %s, not a string", describe(args[1])))
	}
	params := make(map[string]starlark.Value, len(kwargs))
	var order []string
	for _, kv := range kwargs {
		key := string(kv[0].(starlark.String))
		params[key] = kv[1]
		order = append(order, key)
	}
	u, err := URL(env, name, params, order)
	if err != nil {
		return nil, environ.Misuse(fmt.Errorf("url_for: %w", err))
	}
	return starlark.String(u), nil
}

// URL returns what url_for(environ, name, **params) does. The order is that in which parameters
// become a query.
func URL(
	env starlark.Mapping, name string, params map[string]starlark.Value, order []string,
) (string, error) {
	m := matchOf(env)
	if m == nil {
		return "", fmt.Errorf("no router answers this request: it is for handlers, and what they " +
			"call, with their environ")
	}
	script, found := "", (*entry)(nil)
	var known []string
	for ; m != nil && found == nil; m = m.outer {
		script, found = m.router.named(name, m.script)
		known = m.router.known(known)
	}
	if found == nil {
		return "", unknown(name, known)
	}
	var used []string
	path, err := found.path(params, &used)
	if err != nil {
		return "", fmt.Errorf("%s at %s: %w", found, found.place, err)
	}
	query, err := queryOf(params, order, used)
	if err != nil {
		return "", err
	}
	return quotePath(script) + path + query, nil
}

// path returns the path of the entry with the parameters: of a mount that of what path names in it, or
// of its root.
func (e *entry) path(params map[string]starlark.Value, used *[]string) (string, error) {
	path, err := e.pattern.fill(params, used)
	if err != nil || e.mount == nil {
		return path, err
	}
	path = strings.TrimSuffix(path, "/") + "/"
	inside, given := params[below]
	if !given || slices.Contains(e.pattern.names, below) {
		return path, nil
	}
	text, ok := textOf(inside)
	if !ok {
		return "", fmt.Errorf("the parameter path is %s, not a string", describe(inside))
	}
	for part := range strings.SplitSeq(text, "/") {
		if part == "." || part == ".." { // RFC 3986, section 5.2.4: a client takes them away
			return "", fmt.Errorf("the parameter path is %s, which has %s in it", host.Show(inside), part)
		}
	}
	*used = append(*used, below)
	return path + strings.TrimPrefix(quotePath("/"+strings.TrimLeft(text, "/")), "/"), nil
}

// below is the parameter of url_for that says what is meant in a mount.
const below = "path"

// named returns the entry of a name, of the router itself or of one that is mounted in it, and the
// SCRIPT_NAME of that router. A mount whose prefix has parameters is passed over: nothing says what
// they are.
func (r *Router) named(name, script string) (string, *entry) {
	if e := r.names[name]; e != nil {
		return script, e
	}
	for _, e := range r.entries {
		if e.inner != nil && len(e.pattern.names) == 0 {
			if at, found := e.inner.named(name, script+e.pattern.text); found != nil {
				return at, found
			}
		}
	}
	return "", nil
}

// known appends the names of the router, and of those mounted in it.
func (r *Router) known(names []string) []string {
	for _, e := range r.entries {
		if e.name != "" {
			names = append(names, e.name)
		}
		if e.inner != nil {
			names = e.inner.known(names)
		}
	}
	return names
}

// unknown is the error of a name that no route has.
func unknown(name string, known []string) error {
	if near := spell.Nearest(name, known, 4); near != "" {
		return fmt.Errorf("no route is called %q; did you mean %q?", name, near)
	}
	if len(known) == 0 {
		return fmt.Errorf(`no route is called %q, or has a name at all: write get("/...", handler, `+
			`name = %q)`, name, name)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	more := ""
	if len(known) > 20 {
		known, more = known[:20], ", ..."
	}
	return fmt.Errorf("no route is called %q; there are %s%s", name, strings.Join(known, ", "), more)
}

// fill returns the path of the pattern with the parameters, as it stands in a URL, and appends to
// used those that it has taken.
func (p *pattern) fill(params map[string]starlark.Value, used *[]string) (string, error) {
	var b strings.Builder
	for _, s := range p.segments {
		b.WriteByte('/')
		var text strings.Builder
		for _, part := range s.parts {
			if part.name == "" {
				text.WriteString(part.text)
				continue
			}
			v, ok := params[part.name]
			if !ok {
				return "", fmt.Errorf("the parameter %s is missing", part.name)
			}
			t, ok := textOf(v)
			if !ok {
				return "", fmt.Errorf("the parameter %s is %s, not a string or a number", part.name,
					describe(v))
			}
			text.WriteString(t)
			*used = append(*used, part.name)
		}
		whole := text.String()
		if err := s.check(whole, params); err != nil {
			return "", err
		}
		if s.only != nil && s.only.kind == kindPath {
			b.WriteString(strings.TrimPrefix(quotePath("/"+whole), "/"))
		} else {
			b.WriteString(url.PathEscape(whole))
		}
	}
	return b.String(), nil
}

// check reports whether text, which the parameters were filled in, comes back as them.
func (s *segment) check(text string, params map[string]starlark.Value) error {
	if s.rank == nil {
		return nil
	}
	path := s.only != nil && s.only.kind == kindPath
	ok := path && kindPath.matches(text)
	if !path && !strings.Contains(text, "/") {
		var values []string
		values, ok = s.match(text, nil)
		for _, p := range s.parts {
			if ok && p.name != "" { // of several, one may end where another was meant to
				t, _ := textOf(params[p.name])
				ok, values = values[0] == t, values[1:]
			}
		}
	}
	// A client takes dot segments away before it asks: RFC 3986, section 5.2.4.
	for part := range strings.SplitSeq(text, "/") {
		ok = ok && part != "." && part != ".."
	}
	if ok {
		return nil
	}
	for _, p := range s.parts {
		if p.name != "" {
			is := kinds[p.kind].is
			return fmt.Errorf("the parameter %s is %s, which is not %s", p.name,
				host.Show(params[p.name]), is)
		}
	}
	return nil
}

// textOf writes a parameter.
func textOf(v starlark.Value) (string, bool) {
	switch v := v.(type) {
	case starlark.String:
		return string(v), true
	case starlark.Int, starlark.Float:
		return v.String(), true
	case starlark.Bool:
		return strings.ToLower(v.String()), true
	}
	return "", false
}

// queryOf writes the parameters that the pattern has no use for.
func queryOf(params map[string]starlark.Value, order, used []string) (string, error) {
	var b strings.Builder
	for _, name := range order {
		if slices.Contains(used, name) || params[name] == starlark.None {
			continue
		}
		all := []starlark.Value{params[name]}
		if list, ok := params[name].(starlark.Iterable); ok {
			all = slices.Collect(starlark.Elements(list))
		}
		for _, v := range all {
			t, ok := textOf(v)
			if !ok {
				return "", fmt.Errorf("the parameter %s is %s, not a string or a number", name,
					describe(v))
			}
			b.WriteByte("?&"[min(b.Len(), 1)])
			b.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(t))
		}
	}
	return b.String(), nil
}
