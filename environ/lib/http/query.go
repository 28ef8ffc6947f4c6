package http

import (
	"encoding/hex"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
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
	return parseQuery("the query", s)
}

// parseQuery parses the application/x-www-form-urlencoded text s of what.
func parseQuery(what, s string) (starlark.Value, error) {
	if strings.Count(s, "&") >= maxKeys {
		return nil, tooMany("%s has more than %d keys", what, maxKeys)
	}
	v := newValues(what + " has no field")
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		v.add(unescape(key), starlark.String(unescape(value)))
	}
	return v, nil
}

// unescape is Python's urllib.parse.unquote_plus, in octets: what is no escape stands for itself,
// as in ?q=100%.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
			continue
		case s[i] == '%' && i+2 < len(s):
			if octet, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b = append(b, octet[0])
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
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
	v := newValues("there is no cookie")
	for pair := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(pair, "=")
		if name, value = strings.Trim(name, blanks), strings.Trim(value, blanks); named(name, value) {
			v.add(name, starlark.String(wire.UnquoteCookie(value)))
		}
	}
	return v, nil
}

const blanks = " \t"

// named reports whether a pair is a cookie as browsers keep and send them, RFC 6265, sections 5.2
// and 5.4: of any octets but controls, which may be a token or not. Blanks in a name are no
// cookie's: another syntax has them there.
func named(name, value string) bool {
	return name != "" && !strings.ContainsAny(name, blanks) &&
		!strings.ContainsFunc(strings.ReplaceAll(value, "\t", " "), control) &&
		!strings.ContainsFunc(name, control)
}

func control(r rune) bool { return r < ' ' || r == 0x7f }
