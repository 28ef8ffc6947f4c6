package middleware

import (
	"net/http"
	"net/url"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func sameOriginMember() host.Member {
	return host.Member{
		Name: "same_origin",
		Doc: "Refuses with 403 what another site has a browser send (CSRF), as CrossOriginProtection " +
			"of Go's net/http does: GET, HEAD and OPTIONS pass, and must change nothing; so does " +
			"what Sec-Fetch-Site says is of the same origin, or typed in; without that field an " +
			"Origin must name the host of the request; who sends neither is no browser of today. No " +
			"tokens are needed in forms.",
		Params: []host.Param{
			appParam(),
			{
				Name: "trusted", Type: "iterable", Pass: host.ByName, Default: starlark.Tuple{},
				Doc: "other origins that may send, as [\"https://admin.example.com\"]",
			},
		},
		Result: "a function from application to application, or the application around app",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse), When: "an origin is not SCHEME://HOST[:PORT]",
		}},
		Example: `def app(environ, start_response):
    start_response("200 OK", [])
    return ["done"]

environ = {"REQUEST_METHOD": "POST", "HTTP_SEC_FETCH_SITE": "cross-site"}
said = []
same_origin(app)(environ, lambda status, headers: said.append(status))  # (b"403 Forbidden\n` +
			`The request comes from another site.\n",)
said  # ["403 Forbidden"]`,
		Fn: sameOrigin,
	}
}

func sameOrigin(a host.Args) (starlark.Value, error) {
	var app starlark.Value
	var trusted starlark.Iterable
	if err := a.Unpack(&app, &trusted); err != nil {
		return nil, err
	}
	origins, err := stringsOf("same_origin", "trusted", trusted)
	if err != nil {
		return nil, err
	}
	protection := http.NewCrossOriginProtection()
	for _, origin := range origins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, environ.Errorf(environ.CodeWebUse, `write "https://example.com"`,
				"same_origin: %v", err)
		}
	}
	return made("same_origin", app, func(q *request) (starlark.Value, error) {
		switch method := q.get(keyMethod); method {
		case "GET", "HEAD", "OPTIONS": // as it decides itself, without a request to be made
		default:
			r := &http.Request{
				Method: method, Host: q.get(keyHost), URL: new(url.URL), Header: http.Header{},
			}
			for name, key := range map[string]starlark.Value{
				"Sec-Fetch-Site": keyFetchSite, "Origin": keyOrigin,
			} {
				if v := q.get(key); v != "" {
					r.Header.Set(name, v)
				}
			}
			if protection.Check(r) != nil {
				return q.answer(response.ErrorPage(q.env, http.StatusForbidden,
					"The request comes from another site."))
			}
		}
		return q.next(q.start)
	})
}
