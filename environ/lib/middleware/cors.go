package middleware

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func corsMember() host.Member {
	list := func(name, doc string, value ...string) host.Param {
		all := starlark.Tuple{}
		for _, v := range value {
			all = append(all, starlark.String(v))
		}
		return host.Param{
			Name: name, Doc: doc, Type: "iterable", Pass: host.ByName, Default: all,
		}
	}
	return host.Member{
		Name: "cors",
		Doc: "Lets scripts of other sites read what the application answers (CORS, the Fetch " +
			"standard), and answers the questions (preflights) that browsers ask before. It grants " +
			"what browsers else refuse, and refuses nothing itself: see same_origin for that.",
		Params: []host.Param{
			{
				Name: "origins", Type: "string or iterable",
				Doc: "the origins that may read, as [\"https://app.example.com\"]; \"*\" is all",
			},
			list("methods", "the methods that they may use", "GET", "HEAD", "POST", "PUT", "PATCH",
				"DELETE"),
			list("headers", "the header fields that they may send beside the simple ones; \"*\" is "+
				"all that they ask for"),
			{
				Name: "credentials", Type: "bool", Pass: host.ByName, Default: starlark.False,
				Doc: "whether they may send cookies; not with the origin \"*\"",
			},
			{
				Name: "max_age", Type: "int", Pass: host.ByName, Default: starlark.MakeInt(600),
				Doc: "for how many seconds a browser keeps the answer to a preflight",
			},
			list("expose", "the header fields of responses that they may read beside the simple ones"),
		},
		Result: "a function from application to application",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse),
			When: "an origin is not SCHEME://HOST[:PORT]; credentials are for all origins",
		}},
		Example: `def app(environ, start_response):
    start_response("200 OK", [])
    return ["data"]

environ = {"REQUEST_METHOD": "GET", "HTTP_ORIGIN": "https://a.example"}
said = []
shared = cors(["https://a.example"])(app)
shared(environ, lambda status, headers: said.extend(headers))  # ["data"]
said  # [("Access-Control-Allow-Origin", "https://a.example"), ("Vary", "Origin")]`,
		Fn: newCORS,
	}
}

// A cors is what is granted to whom.
type cors struct {
	any         bool
	origins     []string
	methods     string
	headers     string
	anyHeader   bool
	credentials bool
	maxAge      string
	expose      string
}

func newCORS(a host.Args) (starlark.Value, error) {
	var origins starlark.Value
	var methods, headers, expose starlark.Iterable
	var credentials bool
	var maxAge int
	err := a.Unpack(&origins, &methods, &headers, &credentials, &maxAge, &expose)
	if err != nil {
		return nil, err
	}
	c := &cors{credentials: credentials, maxAge: strconv.Itoa(max(maxAge, 0))}
	var all []string
	if s, ok := starlark.AsString(origins); ok {
		all = []string{s}
	} else if list, ok := origins.(starlark.Iterable); !ok {
		return nil, environ.Misuse(fmt.Errorf("cors: origins is %s, not a list of strings", origins.Type()))
	} else if all, err = stringsOf("cors", "origins", list); err != nil {
		return nil, err
	}
	for _, origin := range all {
		if origin == "*" {
			c.any = true
			continue
		}
		normal, ok := parseOrigin(origin)
		if !ok {
			return nil, environ.Errorf(environ.CodeWebUse, `write "https://example.com"`,
				"cors: %q is no origin, which is a scheme and a host, and a port or none", origin)
		}
		c.origins = append(c.origins, normal)
	}
	if c.any && credentials {
		return nil, environ.Errorf(environ.CodeWebUse, "name the origins",
			`cors: with credentials the origins cannot be "*": any site could act for any user`)
	}
	lists := []struct {
		name string
		from starlark.Iterable
		to   *string
	}{{"methods", methods, &c.methods}, {"headers", headers, &c.headers},
		{"expose", expose, &c.expose}}
	for _, l := range lists {
		names, err := stringsOf("cors", l.name, l.from)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if !wire.Token(name) {
				return nil, environ.Misuse(fmt.Errorf("cors: %s: %q is not a name", l.name, name))
			}
		}
		*l.to = strings.Join(names, ", ")
	}
	c.anyHeader = c.headers == "*"
	return made("cors", nil, c.handle)
}

// parseOrigin returns an origin as a browser writes it, and whether s is one: RFC 6454, section 6.2.
func parseOrigin(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || !wire.Authority(u.Host) ||
		u.Scheme+"://"+u.Host != strings.ToLower(u.Scheme)+s[len(u.Scheme):] {
		return "", false
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else if u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host, true
}

// allowed returns what Access-Control-Allow-Origin says to an origin, "" if it may not read.
func (c *cors) allowed(origin string) string {
	switch {
	case origin == "":
		return ""
	case c.any:
		return "*"
	case slices.Contains(c.origins, origin):
		return origin
	}
	return ""
}

func (c *cors) handle(q *request) (starlark.Value, error) {
	origin := q.get(keyOrigin)
	allowed := c.allowed(origin)
	if origin != "" && q.get(keyMethod) == "OPTIONS" {
		if asked := q.get(keyAskMethod); asked != "" {
			return q.answer(c.preflight(allowed, q.get(keyAskHeaders)))
		}
	}
	return q.edit(func(h *environ.Head) error {
		if allowed != "" {
			h.Set("Access-Control-Allow-Origin", allowed)
			if c.credentials {
				h.Set("Access-Control-Allow-Credentials", "true")
			}
			if c.expose != "" {
				h.Set("Access-Control-Expose-Headers", c.expose)
			}
		}
		if !c.any {
			h.Vary("Origin") // also of what says nothing to this origin: caches keep it
		}
		return nil
	})
}

// preflight answers the question of a browser what a script may send. One that may not is told
// nothing, which is a refusal. Fetch standard, "CORS-preflight fetch".
func (c *cors) preflight(allowed, headers string) *response.Response {
	fields := []environ.Field{{Name: "Vary", Value: "Origin, Access-Control-Request-Method, " +
		"Access-Control-Request-Headers"}}
	if allowed != "" {
		fields = append(fields, environ.Field{Name: "Access-Control-Allow-Origin", Value: allowed},
			environ.Field{Name: "Access-Control-Allow-Methods", Value: c.methods})
		if !c.anyHeader {
			headers = c.headers
		}
		if headers != "" && wire.Value(headers) {
			fields = append(fields,
				environ.Field{Name: "Access-Control-Allow-Headers", Value: headers})
		}
		if c.credentials {
			fields = append(fields,
				environ.Field{Name: "Access-Control-Allow-Credentials", Value: "true"})
		}
		fields = append(fields, environ.Field{Name: "Access-Control-Max-Age", Value: c.maxAge})
	}
	return response.New(http.StatusNoContent, "", "", fields...)
}

// stringsOf returns an option that is a list of strings.
func stringsOf(what, name string, list starlark.Iterable) ([]string, error) {
	var all []string
	for v := range starlark.Elements(list) {
		s, ok := starlark.AsString(v)
		if !ok {
			return nil, environ.Misuse(fmt.Errorf("%s: %s has %s in it, not a string", what, name, v.Type()))
		}
		all = append(all, s)
	}
	return all, nil
}
