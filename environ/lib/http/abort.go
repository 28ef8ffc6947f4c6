package http

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func abortMember() host.Member {
	return host.Member{
		Name: "abort",
		Doc: "Ends the request from any depth: the client gets the status, and a small page, a " +
			"JSON problem or a line of text, whichever it accepts, with the message. A router " +
			"has its error function answer. catch() holds it, as an error of the kind abort. " +
			"What has begun to be sent breaks off.",
		Params: []host.Param{
			{
				Name: "status", Type: "int or response",
				Doc: "from 300 to 599; or a response, as redirect(...), that is sent as it is",
			},
			{
				Name: "message", Type: "string or None", Default: starlark.None,
				Doc: "what the client is told, None for what the status says",
			},
			{
				Name: "headers", Type: "list or dict", Default: starlark.NewList(nil),
				Doc: "further header fields, as for text of @response",
			},
		},
		Result: "nothing: it does not return",
		Errors: []host.Failure{
			{When: "always, with the message"},
			{Code: string(environ.CodeWebUse), When: "the status is none of these"},
		},
		Example: `note = {"title": "a"} or abort(404, "there is no such note")
note["title"]  # "a"
abort(404, "there is no such note")  # error: there is no such note
abort(405, headers = {"Allow": "GET"})  # error: 405 Method Not Allowed
abort(200)  # error: LARK0403: abort: status 200 is not between 300 and 599`,
		Value: starlark.NewBuiltin("abort", abort),
	}
}

func abort(
	_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var status starlark.Value
	var message, headers starlark.Value = starlark.None, starlark.NewList(nil)
	err := starlark.UnpackArgs("abort", args, kwargs,
		"status", &status, "message?", &message, "headers?", &headers)
	if err != nil {
		return nil, environ.Misuse(err)
	}
	text, ok := starlark.AsString(message)
	if !ok && message != starlark.None {
		return nil, environ.Errorf(environ.CodeWebUse, "convert it with str()",
			"abort: message is %s, not a string", message.Type())
	}
	fields, err := response.Headers(headers)
	if err != nil {
		return nil, err
	}
	if r, ok := status.(*response.Response); ok {
		return nil, response.Abort(r.With(fields...), host.Cut(text))
	}
	code, err := starlark.AsInt32(status)
	if err != nil {
		return nil, environ.Errorf(environ.CodeWebUse, "write abort(404)",
			"abort: status is %s, not an int", status.Type())
	}
	if code < 300 || code > 599 {
		return nil, environ.Errorf(
			environ.CodeWebUse, "", "abort: status %d is not between 300 and 599", code,
		)
	}
	return nil, response.AbortPage(code, host.Cut(text), fields...)
}
