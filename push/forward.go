package push

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// This file is both sides of the border between a front, which decides, and a backend in another
// process, which asks: a 103 goes from one to the other, before the response. A hint is a Link as
// in any 103. An explicit call is a Link with the parameter push, and says in push-method and
// push-fields what a Link has no place for. environ/SPEC.md has the form.

// forward sends an explicit call to the front. p.mu is held.
func (p *Plan) forward(c *candidate) Verdict {
	promises, hints := p.handler.Forward(p.request)
	switch {
	case !promises && !hints:
		return c.skipped(refusal{Disabled, ""})
	case p.phase != early:
		return c.skipped(refusal{Disabled, "the response has begun, and a 103 goes before it"})
	}
	element, ok := c.element()
	if !ok {
		return c.skipped(refusal{Invalid, ""})
	}
	sendInterim(p.writer.ResponseWriter, http.Header{"Link": {element}})
	v := c.skipped(refusal{})
	v.Status, v.Method = Forwarded, c.method
	return v
}

// element is the Link that says an explicit call. It is false if none can.
func (c *candidate) element() (element string, ok bool) {
	target := strings.Trim(c.link.Target, " \t")
	if strings.ContainsAny(target, "<>") || !wire.Value(target) || c.method != "" && !wire.Token(c.method) {
		return "", false
	}
	var b strings.Builder
	b.WriteString("<" + target + ">; rel=preload; push")
	if c.link.As != "" && wire.Token(c.link.As) {
		b.WriteString("; as=" + c.link.As)
	}
	if c.link.Critical {
		b.WriteString("; critical")
	}
	if c.method != "" && c.method != http.MethodGet {
		b.WriteString("; push-method=" + c.method)
	}
	if len(c.header) > 0 {
		b.WriteString(`; push-fields="` + url.Values(c.header).Encode() + `"`)
	}
	return b.String(), b.Len() <= maxLinkBytes
}

// candidate is the explicit call that a Link of a backend says.
func (l *Link) candidate() *candidate {
	c := &candidate{source: FromCall, method: l.method,
		link: Link{Target: l.Target, Rel: "preload", As: l.As, Critical: l.Critical}}
	if l.fields != "" {
		fields, err := url.ParseQuery(l.fields)
		if err != nil {
			fields = url.Values{"": nil} // no field has such a name, so the call is refused
		}
		c.header = http.Header(fields)
	}
	return c
}
