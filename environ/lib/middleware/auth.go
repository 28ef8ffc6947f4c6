package middleware

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func basicAuthMember() host.Member {
	return host.Member{
		Name: "basic_auth",
		Doc: "Asks for a user and a password, which a browser sends with each request from then on: " +
			"use it over https only. The application has the user as environ[\"REMOTE_USER\"].",
		Params: []host.Param{
			{
				Name: "check", Type: "callable",
				Doc: "is called with user and password, and returns whether they are right: compare " +
					"by verify_password of @crypto",
			},
			{
				Name: "realm", Type: "string", Default: starlark.String("Restricted"),
				Doc: "what the browser says is asked for",
			},
		},
		Result: "a function from application to application",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse), When: "check does not take two arguments",
		}},
		Example: `def app(environ, start_response):
    start_response("200 OK", [])
    return ["hello ", environ["REMOTE_USER"]]

closed = basic_auth(lambda user, password: (user, password) == ("Ada", "lovelace"))(app)
environ = {"HTTP_AUTHORIZATION": "Basic QWRhOmxvdmVsYWNl"}
closed(environ, lambda status, headers: None)  # ["hello ", "Ada"]`,
		Fn: basicAuth,
	}
}

func basicAuth(a host.Args) (starlark.Value, error) {
	var check starlark.Callable
	var realm string
	if err := a.Unpack(&check, &realm); err != nil {
		return nil, err
	}
	if err := takes("basic_auth", check, 2, "(user, password)"); err != nil {
		return nil, err
	}
	if !wire.Value(realm) {
		return nil, environ.Misuse(fmt.Errorf("basic_auth: the realm has a control character"))
	}
	// RFC 7617, section 2.1: the client is told in which encoding.
	challenge := environ.Field{
		Name: "WWW-Authenticate",
		Value: `Basic realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(realm) +
			`", charset="UTF-8"`,
	}
	return made("basic_auth", nil, func(q *request) (starlark.Value, error) {
		user, password, ok := credentials(q.get(keyAuth))
		if ok {
			args := starlark.Tuple{starlark.String(user), starlark.String(password)}
			v, err := starlark.Call(q.thread, check, args, nil)
			if err != nil {
				return nil, err
			}
			ok = bool(v.Truth())
		}
		if !ok {
			page := response.ErrorPage(q.env, http.StatusUnauthorized, "")
			return q.answer(page.With(challenge))
		}
		if err := q.env.SetKey(keyUser, starlark.String(user)); err != nil {
			return nil, err
		}
		if err := q.env.SetKey(keyAuthType, starlark.String("Basic")); err != nil {
			return nil, err
		}
		return q.edit(func(h *environ.Head) error {
			h.Vary("Authorization")
			return nil
		})
	}, check)
}

// credentials reads the Authorization field: RFC 7617, section 2. It is total; a user has no colon
// and neither has a control character.
func credentials(field string) (user, password string, ok bool) {
	scheme, encoded, _ := strings.Cut(field, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	plain, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " "))
	if err != nil {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(plain), ":")
	return user, password, ok && wire.Value(string(plain))
}
