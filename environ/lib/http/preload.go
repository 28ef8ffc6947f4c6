package http

import (
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func preloadMember() host.Member {
	return host.Member{
		Name: "preload",
		Doc: "Has a client get what a page needs before it reads that: by a push where it takes " +
			"pushes, else by an early hint (103) where it takes hints, else by a Link field of " +
			"the response. Call it before the work that takes long. It never fails for what the " +
			"client is.",
		Params: []host.Param{
			environParam(),
			{
				Name: "target", Type: "string",
				Doc: "the URL of the resource, or its path on this site",
			},
			{
				Name: "as_", Type: "string",
				Doc: "what it is for: style, script, image, font, fetch, document, track, audio, " +
					"video or worker",
			},
		},
		Result: `"push", "hint" or "link"; "" if there is no use for it any more`,
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse), When: "target or as_ is none",
		}},
		Example: `early = lambda fields: None
preload({"wsgi.early_hints": early}, "/a.css", "style")  # "hint"
preload({}, "/a.css", "style")  # ""
preload({}, "/a.css", "a;b")  # error: LARK0403: preload: as_ "a;b" is no destination`,
		Fn: preload,
	}
}

// destinations are those of the Fetch Standard, section 2.2.5, of which a page needs something.
var destinations = []string{
	"audio", "document", "fetch", "font", "image", "script", "style", "track", "video", "worker",
}

func preload(a host.Args) (starlark.Value, error) {
	var env starlark.HasSetKey
	var target, as string
	if err := a.Unpack(&env, &target, &as); err != nil {
		return nil, err
	}
	if !slices.Contains(destinations, as) {
		return nil, environ.Errorf(environ.CodeWebUse,
			"write one of "+strings.Join(destinations, ", "), "preload: as_ %s is no destination", starlark.String(as))
	}
	if target == "" || !wire.Value(target) {
		return nil, environ.Errorf(environ.CodeWebUse, "",
			"preload: target %s is no URL", starlark.String(target))
	}
	p := preloading{thread: a.Thread, env: env}
	p.target = wire.Encode(target)
	p.link = starlark.String("<" + p.target + ">; rel=preload; as=" + as)
	if as == "font" || as == "fetch" {
		p.link += "; crossorigin" // or a browser fetches it again
	}
	how, err := p.do()
	return starlark.String(how), err
}

// A preloading is one call of preload.
type preloading struct {
	thread *starlark.Thread
	env    starlark.HasSetKey
	target string
	link   starlark.String
}

// do does it in the best way there is, and returns which that was. All three are extensions of the
// server's, of which middleware may withhold each.
func (p *preloading) do() (string, error) {
	verdict, err := p.call("http2.push", starlark.String(p.target))
	if err != nil {
		return "", err
	}
	switch status, reason := attr(verdict, "status"), attr(verdict, "reason"); {
	case status == "promised":
		return "push", nil
	case reason == "diary", reason == "self":
		return "", nil // the client has it
	}
	field := starlark.Tuple{starlark.String("Link"), p.link}
	hinted, err := p.call("wsgi.early_hints", starlark.NewList([]starlark.Value{field}))
	if err != nil || hinted != nil {
		return "hint", err
	}
	linked, err := p.call("larkspur.link", p.link)
	if err != nil || linked == nil || !linked.Truth() {
		return "", err
	}
	return "link", nil
}

// call calls a function of the environ, if that has it. The result is nil if not.
func (p *preloading) call(key string, arg starlark.Value) (starlark.Value, error) {
	v, ok, err := p.env.Get(starlark.String(key))
	if err != nil || !ok {
		return nil, err
	}
	return starlark.Call(p.thread, v, starlark.Tuple{arg}, nil)
}

// attr returns an attribute that is a string.
func attr(v starlark.Value, name string) string {
	if h, ok := v.(starlark.HasAttrs); ok {
		if v, err := h.Attr(name); err == nil && v != nil {
			s, _ := starlark.AsString(v)
			return s
		}
	}
	return ""
}
