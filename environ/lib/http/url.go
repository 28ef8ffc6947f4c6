package http

import (
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func urlMember() host.Member {
	return host.Member{
		Name:   "url",
		Doc:    "Returns the URL of the request, as PEP 3333 reconstructs it.",
		Params: []host.Param{environParam()},
		Result: "a string",
		Example: `url({
    "wsgi.url_scheme": "https",
    "HTTP_HOST": "example.com",
    "SCRIPT_NAME": "/shop",
    "PATH_INFO": "/green tea",
    "QUERY_STRING": "page=2",
})  # "https://example.com/shop/green%20tea?page=2"`,
		Fn: reconstruct,
	}
}

// reconstruct is the algorithm of PEP 3333, "URL Reconstruction".
func reconstruct(a host.Args) (starlark.Value, error) {
	env, err := unpackEnviron(a)
	if err != nil {
		return nil, err
	}
	vars := map[string]string{}
	for _, key := range []string{
		"wsgi.url_scheme", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT",
		"SCRIPT_NAME", "PATH_INFO", "QUERY_STRING",
	} {
		s, err := text(env, key)
		if err != nil {
			return nil, err
		}
		vars[key] = s
	}
	scheme, host := vars["wsgi.url_scheme"], vars["HTTP_HOST"]
	if host == "" {
		host = vars["SERVER_NAME"]
		if strings.Contains(host, ":") && host[0] != '[' {
			host = "[" + host + "]" // RFC 3986, section 3.2.2
		}
		port := vars["SERVER_PORT"]
		if port != "" && !(scheme == "http" && port == "80") &&
			!(scheme == "https" && port == "443") {
			host += ":" + port
		}
	}
	u := scheme + "://" + host + quote(vars["SCRIPT_NAME"]) + quote(vars["PATH_INFO"])
	if q := vars["QUERY_STRING"]; q != "" {
		u += "?" + q
	}
	return starlark.String(u), nil
}

// quote is what Python's wsgiref makes of a path: urllib.parse.quote(s, safe = "/;=,"). Unreserved
// octets are kept too (RFC 3986, section 2.3).
func quote(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		if 'a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z' || '0' <= ch && ch <= '9' ||
			strings.IndexByte("-._~/;=,", ch) >= 0 {
			b.WriteByte(ch)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[ch>>4])
		b.WriteByte(hex[ch&15])
	}
	return b.String()
}
