package http

import (
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

func setCookie(_ *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	c := http.Cookie{Path: "/", HttpOnly: true}
	sameSite := "Lax"
	var age starlark.Value = starlark.None
	if err := unpack(name, args, kwargs, "name", &c.Name, "value", &c.Value, "max_age?", &age, "path?", &c.Path, "domain?", &c.Domain,
		"secure?", &c.Secure, "httponly?", &c.HttpOnly, "samesite?", &sameSite, "partitioned?", &c.Partitioned); err != nil {
		return nil, err
	}
	if age != starlark.None {
		n, err := starlark.AsInt32(age)
		if err != nil {
			return nil, environ.Errorf(environ.CodeWebUse, "pass seconds", "set_cookie: max_age: %v", err)
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
			return nil, environ.Errorf(environ.CodeWebUse, "pass secure = True", "set_cookie: browsers refuse SameSite=None without Secure")
		}
	default:
		return nil, environ.Errorf(environ.CodeWebUse, "", "set_cookie: samesite is %q, not Lax, Strict or None", sameSite)
	}
	if err := c.Valid(); err != nil {
		return nil, environ.Errorf(environ.CodeWebUse, "", "set_cookie: %v", err)
	}
	return starlark.Tuple{starlark.String("Set-Cookie"), starlark.String(c.String())}, nil
}

// reconstruct is the algorithm of PEP 3333, "URL Reconstruction".
func reconstruct(_ *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	env, err := only(name, args, kwargs)
	if err != nil {
		return nil, err
	}
	vars := map[string]string{}
	for _, key := range []string{"wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"} {
		if vars[key], err = text(env, key); err != nil {
			return nil, err
		}
	}
	scheme, host := vars["wsgi.url_scheme"], vars["HTTP_HOST"]
	if host == "" {
		host = vars["SERVER_NAME"]
		if strings.Contains(host, ":") && host[0] != '[' {
			host = "[" + host + "]" // RFC 3986, section 3.2.2
		}
		port := vars["SERVER_PORT"]
		if port != "" && !(scheme == "http" && port == "80") && !(scheme == "https" && port == "443") {
			host += ":" + port
		}
	}
	u := scheme + "://" + host + quote(vars["SCRIPT_NAME"]) + quote(vars["PATH_INFO"])
	if q := vars["QUERY_STRING"]; q != "" {
		u += "?" + q
	}
	return starlark.String(u), nil
}

// quote is Python's urllib.parse.quote: all but unreserved octets and the slash are encoded.
func quote(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		if 'a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z' || '0' <= ch && ch <= '9' || strings.IndexByte("-._~/", ch) >= 0 {
			b.WriteByte(ch)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[ch>>4])
		b.WriteByte(hex[ch&15])
	}
	return b.String()
}
