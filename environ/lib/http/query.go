package http

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func queryMember() host.Member {
	return host.Member{
		Name:   "query",
		Doc:    "Returns the values of the query of the URL.",
		Params: []host.Param{environParam()},
		Result: "http.values",
		Errors: failures(),
		Example: `environ = {"QUERY_STRING": "q=green+tea&page=2"}
query(environ)["q"]  # "green tea"
query(environ).get("size", "all")  # "all"`,
		Fn: query,
	}
}

func cookiesMember() host.Member {
	return host.Member{
		Name:   "cookies",
		Doc:    "Returns the cookies of the request. What is no cookie is left out.",
		Params: []host.Param{environParam()},
		Result: "http.values",
		Errors: failures(),
		Example: `environ = {"HTTP_COOKIE": "session=abc; theme=dark"}
cookies(environ)["theme"]  # "dark"`,
		Fn: cookies,
	}
}

func query(a host.Args) (starlark.Value, error) {
	env, err := unpackEnviron(a)
	if err != nil {
		return nil, err
	}
	s, err := text(env, "QUERY_STRING")
	if err != nil {
		return nil, err
	}
	v, err := parseQuery("the query", s)
	if err != nil {
		return nil, err
	}
	return v, nil
}

// parseQuery parses the application/x-www-form-urlencoded text s of what.
func parseQuery(what, s string) (*values, error) {
	if strings.Count(s, "&") >= maxKeys {
		return nil, tooMany("%s has more than %d keys", what, maxKeys)
	}
	v := newValues()
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(key)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, malformed("%s is malformed: %v", what, err)
		}
		v.add(key, starlark.String(value))
	}
	return v, nil
}

func cookies(a host.Args) (starlark.Value, error) {
	env, err := unpackEnviron(a)
	if err != nil {
		return nil, err
	}
	s, err := text(env, "HTTP_COOKIE")
	if err != nil {
		return nil, err
	}
	if strings.Count(s, ";") >= maxKeys {
		return nil, tooMany("there are more than %d cookies", maxKeys)
	}
	v := newValues()
	// What is no cookie is left out: another application of the host may have set it.
	r := http.Request{Header: http.Header{"Cookie": {s}}}
	for _, c := range r.Cookies() {
		v.add(c.Name, starlark.String(c.Value))
	}
	return v, nil
}
