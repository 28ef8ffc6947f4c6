package response

import (
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

func problemMember() host.Member {
	return host.Member{
		Name: "problem",
		Doc: "A response that tells a program what went wrong: problem details of RFC 9457, as " +
			"application/problem+json. Headers are added by its with_headers.",
		Params: []host.Param{
			{Name: "status", Doc: "the status, from 400 to 599", Type: "int"},
			{
				Name: "title", Type: "string or None", Default: starlark.None,
				Doc: "what kind of problem it is, None for what the status says",
			},
			{
				Name: "detail", Type: "string or None", Default: starlark.None,
				Doc: "what went wrong this time; None is not sent",
			},
			{
				Name: "members", Type: "any", Pass: host.RestByName,
				Doc: "further members, as type (a URI for the kind), instance (a URI for this " +
					"time), or your own",
			},
		},
		Result: "a response",
		Errors: []host.Failure{
			{Code: string(environ.CodeWebUse), When: "the status is none of an error"},
			{When: "a member has no JSON"},
		},
		Example: `problem(404, detail = "no such note", id = 7).text  # ` +
			`"{\"title\":\"Not Found\",\"status\":404,\"detail\":\"no such note\",\"id\":7}"`,
		Value: starlark.NewBuiltin("problem", problem),
	}
}

func problem(
	_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var known, more []starlark.Tuple
	for _, kv := range kwargs {
		switch kv[0] {
		case starlark.String("status"), starlark.String("title"), starlark.String("detail"):
			known = append(known, kv)
		default:
			more = append(more, kv)
		}
	}
	var status int
	var title, detail starlark.Value = starlark.None, starlark.None
	err := starlark.UnpackArgs("problem", args, known,
		"status", &status, "title?", &title, "detail?", &detail)
	if err != nil {
		return nil, environ.Misuse(err)
	}
	if status < 400 || status > 599 {
		return nil, environ.Errorf(
			environ.CodeWebUse, "", "problem: status %d is not between 400 and 599", status,
		)
	}
	if title == starlark.None && http.StatusText(status) != "" {
		title = starlark.String(http.StatusText(status))
	}
	// In the order of RFC 9457, section 3.1, which the keys of a dict would not have.
	members := []starlark.Tuple{
		{starlark.String("title"), title},
		{starlark.String("status"), starlark.MakeInt(status)},
		{starlark.String("detail"), detail},
	}
	var text strings.Builder
	for _, kv := range append(members, more...) {
		_, isText := kv[1].(starlark.String)
		switch kv[0] {
		case starlark.String("title"), starlark.String("detail"):
			if kv[1] == starlark.None {
				continue
			}
			fallthrough
		case starlark.String("type"), starlark.String("instance"):
			if !isText {
				return nil, environ.Errorf(environ.CodeWebUse, "",
					"problem: %s is %s, not a string", string(kv[0].(starlark.String)), kv[1].Type())
			}
		}
		key, err := json.Encode(kv[0])
		if err != nil {
			return nil, err
		}
		value, err := json.Encode(kv[1])
		if err != nil {
			return nil, environ.Errorf(environ.CodeWebUse, "", "problem: %s: %v", key, err)
		}
		text.WriteString("," + key + ":" + value)
	}
	return New(status, "application/problem+json", starlark.Bytes("{"+text.String()[1:]+"}")), nil
}
