package http

import (
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func setCookieMember() host.Member {
	return host.Member{
		Name: "set_cookie",
		Doc: "Returns the header that has a browser keep a cookie: by default on the whole " +
			"site, unseen by scripts, and not sent with what other sites post.",
		Params: []host.Param{
			{Name: "name", Doc: "of the cookie", Type: "string"},
			{
				Name: "value",
				Doc:  "what it says; cookies reads it back, whatever it is",
				Type: "string",
			},
			{
				Name:    "max_age",
				Doc:     "seconds until it is forgotten, 0 at once, None when the browser ends",
				Type:    "int or None",
				Default: starlark.None,
			},
			{Name: "path", Doc: "where it is sent", Type: "string", Default: starlark.String("/")},
			{
				Name:    "domain",
				Doc:     "whose subdomains get it too, empty for none",
				Type:    "string",
				Default: starlark.String(""),
			},
			{Name: "secure", Doc: "only over TLS", Type: "bool", Default: starlark.False},
			{Name: "httponly", Doc: "unseen by scripts", Type: "bool", Default: starlark.True},
			{
				Name:    "samesite",
				Doc:     "Lax, Strict or None",
				Type:    "string",
				Default: starlark.String("Lax"),
			},
			{
				Name:    "partitioned",
				Doc:     "one for each site that embeds this one",
				Type:    "bool",
				Default: starlark.False,
			},
		},
		Result: `a tuple, ("Set-Cookie", value)`,
		Errors: []host.Failure{
			{Code: string(environ.CodeWebUse), When: "it is no cookie that a browser takes"},
		},
		Example: `set_cookie("theme", "dark", max_age = 3600)  # ` +
			`("Set-Cookie", "theme=dark; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax")`,
		Pure: true,
		Fn:   setCookie,
	}
}

func setCookie(a host.Args) (starlark.Value, error) {
	var c http.Cookie
	var age starlark.Value
	var sameSite string
	err := a.Unpack(
		&c.Name, &c.Value, &age, &c.Path, &c.Domain, &c.Secure, &c.HttpOnly, &sameSite,
		&c.Partitioned,
	)
	if err != nil {
		return nil, err
	}
	if age != starlark.None {
		n, err := starlark.AsInt32(age)
		if err != nil {
			return nil, environ.Errorf(
				environ.CodeWebUse, "pass seconds", "set_cookie: max_age: %v", err,
			)
		}
		if c.MaxAge = n; n <= 0 {
			c.MaxAge = -1 // net/http's way to say Max-Age=0
		}
	}
	switch strings.ToLower(sameSite) {
	case "lax":
		c.SameSite = http.SameSiteLaxMode
	case "strict":
		c.SameSite = http.SameSiteStrictMode
	case "none":
		c.SameSite = http.SameSiteNoneMode
		if !c.Secure {
			return nil, environ.Errorf(
				environ.CodeWebUse, "pass secure = True",
				"set_cookie: browsers refuse SameSite=None without Secure",
			)
		}
	default:
		return nil, environ.Errorf(
			environ.CodeWebUse, "", "set_cookie: samesite is %q, not Lax, Strict or None", sameSite,
		)
	}
	field, err := response.SetCookie(&c)
	if err != nil {
		return nil, err
	}
	return starlark.Tuple{starlark.String(field.Name), starlark.String(field.Value)}, nil
}
