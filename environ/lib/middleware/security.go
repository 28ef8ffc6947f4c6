package middleware

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// defaultPolicy is the Content-Security-Policy where none is given.
const defaultPolicy = "default-src 'self'; script-src 'self' 'nonce-{nonce}'; " +
	"style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
	"form-action 'self'; frame-ancestors 'none'"

func securityMember() host.Member {
	return host.Member{
		Name: "security_headers",
		Doc: "Adds the header fields that make browsers careful, unless the application has set " +
			"them: Content-Security-Policy (own files; scripts and styles in the page only with " +
			"the nonce; no frames around it), X-Content-Type-Options: nosniff, Referrer-Policy: " +
			"strict-origin-when-cross-origin, Cross-Origin-Opener-Policy: same-origin, and over " +
			"https Strict-Transport-Security. The nonce, 128 random bits for each request, is " +
			"environ[\"larkspur.nonce\"]; templates have it as nonce. What is no HTML and has not " +
			"asked for it goes without.",
		Params: []host.Param{
			appParam(),
			{
				Name: "csp", Type: "string or None", Pass: host.ByName,
				Default: starlark.String(defaultPolicy),
				Doc:     "the policy, in which {nonce} stands for the nonce; None sends none",
			},
			{
				Name: "hsts", Type: "int", Pass: host.ByName, Default: starlark.MakeInt(31536000),
				Doc: "for how many seconds browsers come back by https only; 0 does not say so",
			},
			{
				Name: "headers", Type: "dict", Pass: host.ByName, Default: emptyDict(),
				Doc: "further fields, and others in the place of those above; None leaves one out",
			},
		},
		Result: "a function from application to application, or the application around app",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse), When: "a field is malformed",
		}},
		Example: `def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["hello"]

safe = security_headers(app, csp = "default-src 'self'", headers = {"Referrer-Policy": "no-referrer"})
said = []
safe({"wsgi.url_scheme": "http"}, lambda status, headers: said.extend(headers))  # ["hello"]
dict(said)["Content-Security-Policy"]  # "default-src 'self'"
dict(said)["Referrer-Policy"]  # "no-referrer"`,
		Fn: newSecurity,
	}
}

func emptyDict() starlark.Value {
	d := starlark.NewDict(0)
	d.Freeze()
	return d
}

// A security is what is added.
type security struct {
	policy string
	bare   string // the policy without the nonce, for what is no HTML
	hsts   string
	fields []environ.Field
}

func newSecurity(a host.Args) (starlark.Value, error) {
	var app, csp starlark.Value
	var hsts int
	var headers starlark.IterableMapping
	if err := a.Unpack(&app, &csp, &hsts, &headers); err != nil {
		return nil, err
	}
	s := &security{}
	if csp != starlark.None {
		var ok bool
		if s.policy, ok = starlark.AsString(csp); !ok || !wire.Value(s.policy) {
			return nil, environ.Misuse(fmt.Errorf("security_headers: csp is %s, not the text of a policy on "+
				"one line", csp.Type()))
		}
	}
	s.bare = strings.ReplaceAll(s.policy, " 'nonce-{nonce}'", "")
	if hsts > 0 {
		s.hsts = "max-age=" + strconv.Itoa(hsts)
	}
	h := environ.Head{Fields: []environ.Field{
		{Name: "X-Content-Type-Options", Value: "nosniff"},
		{Name: "Referrer-Policy", Value: "strict-origin-when-cross-origin"},
		{Name: "Cross-Origin-Opener-Policy", Value: "same-origin"},
	}}
	for i, item := range headers.Items() {
		name, isName := starlark.AsString(item[0])
		value, isValue := starlark.AsString(item[1])
		switch {
		case isName && item[1] == starlark.None:
			h.Drop(name)
			if strings.EqualFold(name, "Content-Security-Policy") {
				s.policy, s.bare = "", ""
			}
			if strings.EqualFold(name, "Strict-Transport-Security") {
				s.hsts = ""
			}
			continue
		case !isName || !isValue:
			return nil, environ.Misuse(fmt.Errorf("security_headers: headers has %s for %s, not a string or "+
				"None", item[1].Type(), item[0]))
		}
		field := environ.Field{Name: name, Value: value}
		if err := environ.CheckField(field, "headers", i); err != nil {
			return nil, err
		}
		h.Set(name, value)
	}
	s.fields = h.Fields
	return made("security_headers", app, s.handle)
}

func (s *security) handle(q *request) (starlark.Value, error) {
	n := new(nonce)
	if err := environ.SetLater(q.env, keyNonce, n); err != nil {
		return nil, err
	}
	secure := s.hsts != "" && q.get(keyScheme) == "https"
	return q.edit(func(h *environ.Head) error {
		for _, f := range s.fields {
			h.Default(f.Name, f.Value)
		}
		if secure { // RFC 6797, section 7.2: not over http
			h.Default("Strict-Transport-Security", s.hsts)
		}
		if s.policy != "" && !h.Has("Content-Security-Policy") {
			policy := s.policy
			if n.value == "" && !strings.Contains(h.Get("Content-Type"), "html") {
				policy = s.bare
			}
			if strings.Contains(policy, "{nonce}") {
				policy = strings.ReplaceAll(policy, "{nonce}", n.text())
			}
			h.Set("Content-Security-Policy", policy)
		}
		return nil
	})
}

// A nonce is made when it is first asked for: by the application, or by its response.
type nonce struct {
	host.Object
	value string
}

var _ environ.Later = (*nonce)(nil)

// text returns the nonce. Content Security Policy 3, section 7.1: at least 128 bits.
func (n *nonce) text() string {
	if n.value == "" {
		var b [16]byte
		rand.Read(b[:])
		n.value = base64.RawURLEncoding.EncodeToString(b[:])
	}
	return n.value
}

// Later is [environ.Later]'s.
func (n *nonce) Later() starlark.Value { return starlark.String(n.text()) }
