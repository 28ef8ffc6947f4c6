package http

import (
	"net/http"
	"strconv"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func statusMember() host.Member {
	return host.Member{
		Name:   "status",
		Doc:    "Returns the status line of a code, for start_response.",
		Params: []host.Param{{Name: "code", Doc: "from 200 to 599", Type: "int"}},
		Result: "a string: the code and its reason",
		Errors: []host.Failure{
			{Code: string(environ.CodeWebUse), When: "the code is no final status"},
		},
		Example: `status(404)  # "404 Not Found"
status(103)  # error: LARK0403: status: 103 is not between 200 and 599`,
		Pure: true,
		Fn:   status,
	}
}

func status(a host.Args) (starlark.Value, error) {
	var code int
	if err := a.Unpack(&code); err != nil {
		return nil, err
	}
	if code < 200 || code > 599 {
		return nil, environ.Errorf(
			environ.CodeWebUse, "", "status: %d is not between 200 and 599", code,
		)
	}
	reason := http.StatusText(code)
	if reason == "" {
		reason = "Unknown"
	}
	return starlark.String(strconv.Itoa(code) + " " + reason), nil
}
