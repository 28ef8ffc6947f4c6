package live

import (
	"net/http"
	"slices"
	"strings"
)

// The fields that hold policies; those of the second are not enforced, but what offends them is
// reported.
var policyFields = []string{"Content-Security-Policy", "Content-Security-Policy-Report-Only"}

// admit extends the policies of a response so that they let the script in and let it connect, and
// nothing more. The origin is that of the request. It reports whether the script needs the nonce,
// and whether it can run at all.
func (h *Hub) admit(header http.Header, origin string) (nonce, runs bool) {
	runs = true
	for _, field := range policyFields {
		values := header[field]
		if len(values) == 0 {
			continue
		}
		extended := make([]string, len(values))
		for i, value := range values {
			text, needs, may := h.extend(value, origin)
			extended[i], nonce, runs = text, nonce || needs, runs && may
		}
		header[field] = extended
	}
	return nonce, runs
}

// extend extends a list of policies, each of which holds: CSP3, section 2.2.2.
func (h *Hub) extend(list, origin string) (extended string, nonce, runs bool) {
	runs = true
	policies := strings.Split(list, ",")
	for i, text := range policies {
		p := parsePolicy(text)
		runs = runs && p.scripts()
		nonce = p.admitScript(origin+ScriptPath, h.nonce) || nonce
		p.admitConnection(origin + EventsPath)
		policies[i] = p.String()
	}
	return strings.Join(policies, ", "), nonce, runs
}

// A policy is a serialized content security policy.
type policy []directive

// A directive is a name, in lower case, and its values.
type directive struct {
	name   string
	values []string
}

func parsePolicy(text string) policy {
	var p policy
	for part := range strings.SplitSeq(text, ";") {
		words := strings.Fields(part)
		if len(words) > 0 {
			p = append(p, directive{strings.ToLower(words[0]), words[1:]})
		}
	}
	return p
}

func (p policy) String() string {
	parts := make([]string, len(p))
	for i, d := range p {
		parts[i] = strings.Join(append([]string{d.name}, d.values...), " ")
	}
	return strings.Join(parts, "; ")
}

// find returns the first of the directives that there is, of those with a name twice the first:
// CSP3, section 2.2.1.
func (p policy) find(names ...string) *directive {
	for _, name := range names {
		if i := slices.IndexFunc(p, func(d directive) bool { return d.name == name }); i >= 0 {
			return &p[i]
		}
	}
	return nil
}

// scripts reports whether the document may run scripts: CSP3, section 6.3.2.
func (p policy) scripts() bool {
	sandbox := p.find("sandbox")
	return sandbox == nil || sandbox.has("allow-scripts")
}

func (d *directive) has(value string) bool {
	return slices.ContainsFunc(d.values, func(v string) bool { return strings.EqualFold(v, value) })
}

// admitScript lets the script at url in, and reports whether it needs the nonce. A nonce would end
// what 'unsafe-inline' allows to the page's own scripts, and a URL means nothing beside
// 'strict-dynamic': CSP3, section 6.7.3.
func (p *policy) admitScript(url, nonce string) bool {
	d := p.find("script-src-elem", "script-src", "default-src")
	switch {
	case d == nil:
		return false
	case d.has("'strict-dynamic'"):
		p.extend(d, "script-src-elem", "'nonce-"+nonce+"'")
		return true
	case !d.has("'self'") && !d.has("*"):
		p.extend(d, "script-src-elem", url)
	}
	return false
}

// admitConnection lets the page connect to url.
func (p *policy) admitConnection(url string) {
	if d := p.find("connect-src", "default-src"); d != nil && !d.has("'self'") && !d.has("*") {
		p.extend(d, "connect-src", url)
	}
}

// extend adds a source to the directive of that name, which is made of d, that holds in its stead,
// if it is another.
func (p *policy) extend(d *directive, name, source string) {
	var sources []string
	for _, v := range d.values {
		if !strings.EqualFold(v, "'none'") { // it says nothing beside another source, but warns
			sources = append(sources, v)
		}
	}
	sources = append(sources, source)
	if d.name == name {
		d.values = sources
	} else {
		*p = append(*p, directive{name, sources})
	}
}
