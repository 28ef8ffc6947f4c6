package middleware

import (
	"fmt"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func timingMember() host.Member {
	return host.Member{
		Name: "timing",
		Doc: "Says in Server-Timing how long the application took until its response began, in " +
			"milliseconds, for the developer tools of a browser. What the application says there " +
			"itself stays.",
		Params: []host.Param{
			appParam(),
			{
				Name: "name", Type: "string", Pass: host.ByName, Default: starlark.String("app"),
				Doc: "what the measure is called",
			},
		},
		Result: "a function from application to application, or the application around app",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse), When: "the name has more than letters, digits and -",
		}},
		Example: `def app(environ, start_response):
    start_response("200 OK", [])
    return ["hello"]

said = []
timing(app)({}, lambda status, headers: said.extend(headers))  # ["hello"]
said[0][1].startswith("app;dur=")  # True`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var app starlark.Value
			var name string
			if err := a.Unpack(&app, &name); err != nil {
				return nil, err
			}
			if !wire.Token(name) {
				return nil, environ.Misuse(fmt.Errorf("timing: the name %q has more than letters, digits and -",
					name))
			}
			return made("timing", app, func(q *request) (starlark.Value, error) {
				began := time.Now()
				return q.edit(func(h *environ.Head) error {
					took := float64(time.Since(began)) / float64(time.Millisecond)
					h.Fields = append(h.Fields, environ.Field{
						Name: "Server-Timing", Value: fmt.Sprintf("%s;dur=%.2f", name, took),
					})
					return nil
				})
			})
		},
	}
}
