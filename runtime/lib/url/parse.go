package url

import (
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// The schemes whose URLs are made as RFC 3986 says, as Python lists them; "" is none.
var (
	hierarchical = strings.Split(",file,ftp,gopher,http,https,imap,mms,nntp,prospero,rtsp,rtspu,"+
		"sftp,shttp,svn,svn+ssh,wais,ws,wss", ",")
	withNetloc = append(strings.Split("git,git+ssh,nfs,rsync,snews,telnet", ","), hierarchical...)
	withParams = strings.Split(",ftp,hdl,http,https,mms,prospero,rtsp,rtspu,sftp,shttp,sip,sips,"+
		"tel", ",")
)

// parse is total but for brackets, RFC 3986, appendix B, with what browsers ignore ignored: the
// WHATWG takes controls and spaces from the ends, and line breaks and tabs from everywhere.
func parse(url, scheme string, fragments bool) (*parts, error) {
	if err := bounded("url", url); err != nil {
		return nil, err
	}
	const controls = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f" +
		"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "
	breaks := strings.NewReplacer("\t", "", "\r", "", "\n", "")
	p := newParts(breaks.Replace(strings.Trim(scheme, controls)), "", "", "", "", "")
	rest := breaks.Replace(strings.TrimLeft(url, controls))
	if before, behind, ok := strings.Cut(rest, ":"); ok && isScheme(before) {
		p.scheme, rest = strings.ToLower(before), behind
	}
	if behind, ok := strings.CutPrefix(rest, "//"); ok {
		end := strings.IndexAny(behind, "/?#")
		if end < 0 {
			end = len(behind)
		}
		p.netloc, rest = behind[:end], behind[end:]
		if err := bracketed(p.netloc); err != nil {
			return nil, err
		}
	}
	if fragments {
		rest, p.fragment, _ = strings.Cut(rest, "#")
	}
	rest, p.query, _ = strings.Cut(rest, "?")
	p.path = rest
	if slices.Contains(withParams, p.scheme) {
		last := strings.LastIndex(rest, "/") + 1
		if i := strings.Index(rest[last:], ";"); i >= 0 {
			p.path, p.params = rest[:last+i], rest[last+i+1:]
		}
	}
	return p, nil
}

// isScheme is RFC 3986, section 3.1.
func isScheme(s string) bool {
	for i := range len(s) {
		letter := 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z'
		other := '0' <= s[i] && s[i] <= '9' || strings.IndexByte("+-.", s[i]) >= 0
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return s != ""
}

// url is RFC 3986, section 5.3. A path that begins with // gets a netloc before it, even an empty
// one: it would be read as the netloc.
func (p *parts) url() string {
	rest := p.path
	if p.params != "" {
		rest += ";" + p.params
	}
	switch {
	case p.netloc != "":
		if rest != "" && rest[0] != '/' {
			rest = "/" + rest
		}
		rest = "//" + p.netloc + rest
	case strings.HasPrefix(rest, "//"),
		p.scheme != "" && slices.Contains(withNetloc, p.scheme) && (rest == "" || rest[0] == '/'):
		rest = "//" + rest
	}
	if p.scheme != "" {
		rest = p.scheme + ":" + rest
	}
	if p.query != "" {
		rest += "?" + p.query
	}
	if p.fragment != "" {
		rest += "#" + p.fragment
	}
	return rest
}

func joinMember() host.Member {
	return host.Member{
		Name: "join",
		Doc:  "Returns the URL that a link means where it stands: Python's urljoin.",
		Params: []host.Param{
			{Name: "base", Doc: "the URL of what the link stands in"},
			{Name: "url", Doc: "the link, which may be a URL or a part of one"},
			{
				Name:    "allow_fragments",
				Doc:     "whether # begins a fragment, or is a part of the rest",
				Default: starlark.True,
			},
		},
		Result: "a string",
		Errors: []host.Failure{{When: "parse fails for one of both"}},
		Example: `join("https://example.com/a/b?q=1", "c")  # "https://example.com/a/c"
join("https://example.com/a/b", "../d#e")  # "https://example.com/d#e"
join("https://example.com/a/b", "//other.example/")  # "https://other.example/"`,
		Pure: true,
		Fn:   join,
	}
}

// join is RFC 3986, section 5.2.2, as far as Python follows it.
func join(base, url string, fragments bool) (string, error) {
	if base == "" || url == "" {
		return base + url, nil
	}
	b, err := parse(base, "", fragments)
	if err != nil {
		return "", err
	}
	r, err := parse(url, b.scheme, fragments)
	if err != nil {
		return "", err
	}
	if r.scheme != b.scheme || !slices.Contains(hierarchical, r.scheme) {
		return url, nil
	}
	if slices.Contains(withNetloc, r.scheme) {
		if r.netloc != "" {
			return r.url(), nil
		}
		r.netloc = b.netloc
	}
	if r.path == "" && r.params == "" {
		r.path, r.params = b.path, b.params
		if r.query == "" {
			r.query = b.query
		}
		return r.url(), nil
	}
	r.path = merge(b.path, r.path)
	return r.url(), nil
}

// merge is RFC 3986, sections 5.2.3 and 5.2.4, and drops empty segments of the base.
func merge(base, path string) string {
	segments := strings.Split(path, "/")
	if path == "" || path[0] != '/' {
		before := strings.Split(base, "/")
		if n := len(before) - 1; before[n] != "" {
			before = before[:n]
		}
		segments = append(before, segments...)
		if n := len(segments) - 1; n > 0 {
			inner := slices.DeleteFunc(segments[1:n:n], func(s string) bool { return s == "" })
			segments = append(append(segments[:1:1], inner...), segments[n])
		}
	}
	var kept []string
	for _, s := range segments {
		switch s {
		case ".":
		case "..":
			if n := len(kept) - 1; n >= 0 {
				kept = kept[:n]
			}
		default:
			kept = append(kept, s)
		}
	}
	if last := segments[len(segments)-1]; last == "." || last == ".." {
		kept = append(kept, "")
	}
	if path := strings.Join(kept, "/"); path != "" {
		return path
	}
	return "/"
}
