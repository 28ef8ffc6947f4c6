package http

import (
	"encoding/base64"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func basicAuthMember() host.Member {
	return host.Member{
		Name: "basic_auth",
		Doc: "Returns name and password of HTTP's Basic authentication, which a browser asks its " +
			"user for. They are what the client says: compare them with equal of @crypto.",
		Params: []host.Param{environParam()},
		Result: "a tuple, (name, password); None if the client sent none, or nothing well formed",
		Example: `basic_auth({"HTTP_AUTHORIZATION": "Basic QWRhOnNlY3JldA=="})  # ("Ada", "secret")
name, password = basic_auth({}) or ("", "")
name  # ""`,
		Fn: func(a host.Args) (starlark.Value, error) {
			env, err := unpackEnviron(a)
			if err != nil {
				return nil, err
			}
			encoded, err := credentials(env, "Basic")
			if err != nil {
				return nil, err
			}
			return pairOf(encoded), nil
		},
	}
}

// pairOf reads the credentials of Basic, None for what are none. RFC 7617, section 2.
func pairOf(encoded string) starlark.Value {
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		decoded, err = base64.RawStdEncoding.DecodeString(encoded)
	}
	name, password, ok := strings.Cut(string(decoded), ":")
	if err != nil || !ok || strings.ContainsFunc(string(decoded), control) {
		return starlark.None
	}
	return starlark.Tuple{starlark.String(name), starlark.String(password)}
}

func bearerMember() host.Member {
	return host.Member{
		Name:   "bearer",
		Doc:    "Returns the token that a program authenticates itself with.",
		Params: []host.Param{environParam()},
		Result: "a string; None if the client sent none, or nothing well formed",
		Example: `bearer({"HTTP_AUTHORIZATION": "Bearer abc.def"})  # "abc.def"
bearer({})  # None`,
		Fn: func(a host.Args) (starlark.Value, error) {
			env, err := unpackEnviron(a)
			if err != nil {
				return nil, err
			}
			token, err := credentials(env, "Bearer")
			if err != nil || !b64token(token) {
				return starlark.None, err
			}
			return starlark.String(token), nil
		},
	}
}

// b64token is that of RFC 6750, section 2.1.
func b64token(s string) bool {
	s = strings.TrimRight(s, "=")
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-._~+/", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// credentials returns what the Authorization field has behind the scheme, "" if it has another one.
// RFC 9110, section 11.4: the scheme has any case.
func credentials(env starlark.HasSetKey, scheme string) (string, error) {
	field, err := text(env, "HTTP_AUTHORIZATION")
	if err != nil {
		return "", err
	}
	has, rest, ok := strings.Cut(field, " ")
	if !ok || !strings.EqualFold(has, scheme) {
		return "", nil
	}
	return strings.Trim(rest, " "), nil
}

func clientIPMember() host.Member {
	return host.Member{
		Name: "client_ip",
		Doc: "Returns the IP address of the client, as the server knows it: what a client says in " +
			"X-Forwarded-For counts only where the server takes it from a proxy that it trusts.",
		Params: []host.Param{environParam()},
		Result: "a string, None if it has no address, as on a unix socket",
		Example: `client_ip({"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "10.0.0.1"})` +
			`  # "192.0.2.1"`,
		Fn: func(a host.Args) (starlark.Value, error) {
			env, err := unpackEnviron(a)
			if err != nil {
				return nil, err
			}
			address, err := text(env, "REMOTE_ADDR")
			if err != nil || address == "" {
				return starlark.None, err
			}
			return starlark.String(address), nil
		},
	}
}
