package response

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func textMember() host.Member {
	return host.Member{
		Name: "text",
		Doc:  "A response of plain text, sent as UTF-8.",
		Params: []host.Param{
			{Name: "body", Doc: "the text", Type: "string"},
			{Name: "status", Doc: "the status", Default: starlark.MakeInt(200)},
		},
		Result:  "a response",
		Example: `text("hi").status  # 200`,
		Fn: func(body string, status int) *Response {
			return New(status, "text/plain; charset=utf-8", starlark.Bytes(body))
		},
	}
}
