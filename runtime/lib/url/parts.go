package url

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// parts are what partsType describes: Python's ParseResult. They are immutable.
type parts struct {
	host.Object
	scheme, netloc, path, params, query, fragment string
}

var (
	_ starlark.Indexable  = (*parts)(nil)
	_ starlark.Sequence   = (*parts)(nil)
	_ starlark.HasAttrs   = (*parts)(nil)
	_ starlark.Comparable = (*parts)(nil)
)

// fields are the names of the parts, in their order.
var fields = []string{"scheme", "netloc", "path", "params", "query", "fragment"}

func (p *parts) tuple() starlark.Tuple {
	all := make(starlark.Tuple, 0, len(fields))
	for _, s := range []string{p.scheme, p.netloc, p.path, p.params, p.query, p.fragment} {
		all = append(all, starlark.String(s))
	}
	return all
}

func (p *parts) String() string {
	texts := make([]string, len(fields))
	for i, v := range p.tuple() {
		texts[i] = fields[i] + " = " + v.String()
	}
	return "url.parts(" + strings.Join(texts, ", ") + ")"
}

// Hash is that of the tuple.
func (p *parts) Hash() (uint32, error)      { return p.tuple().Hash() }
func (p *parts) Len() int                   { return len(fields) }
func (p *parts) Index(i int) starlark.Value { return p.tuple()[i] }
func (p *parts) Iterate() starlark.Iterator { return p.tuple().Iterate() }
func (p *parts) AttrNames() []string        { return partsType.AttrNames() }

// CompareSameType compares as tuples.
func (p *parts) CompareSameType(op syntax.Token, y starlark.Value, depth int) (bool, error) {
	return starlark.CompareDepth(op, p.tuple(), y.(*parts).tuple(), depth)
}

// Attr returns a part, or what is in the netloc.
func (p *parts) Attr(name string) (starlark.Value, error) {
	if i := slices.Index(fields, name); i >= 0 {
		return p.tuple()[i], nil
	}
	userinfo, address, has := cutLast(p.netloc, "@")
	if !has {
		userinfo, address = "", p.netloc
	}
	username, password, secret := strings.Cut(userinfo, ":")
	hostname, port := endpoint(address)
	switch name {
	case "username":
		return maybe(username, has), nil
	case "password":
		return maybe(password, secret), nil
	case "hostname":
		hostname, zone, scoped := strings.Cut(hostname, "%")
		hostname = strings.ToLower(hostname)
		if scoped {
			hostname += "%" + zone
		}
		return maybe(hostname, hostname != ""), nil
	case "port":
		if port == "" {
			return starlark.None, nil
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("the port %s is no number from 0 to 65535",
				host.Show(starlark.String(port)))
		}
		return starlark.MakeUint64(n), nil
	}
	return partsType.Method(p, name), nil
}

func maybe(s string, there bool) starlark.Value {
	if !there {
		return starlark.None
	}
	return starlark.String(s)
}

func cutLast(s, sep string) (before, behind string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// endpoint takes host and port apart, the host of IPv6 without its brackets.
func endpoint(address string) (hostname, port string) {
	if _, inside, ok := strings.Cut(address, "["); ok {
		hostname, behind, _ := strings.Cut(inside, "]")
		_, port, _ := strings.Cut(behind, ":")
		return hostname, port
	}
	hostname, port, _ = strings.Cut(address, ":")
	return hostname, port
}

var partsType = &host.Type{
	Name: "url.parts",
	Doc: "A URL in parts: a tuple of six, each of which has a name too. A part that is not " +
		"there is empty.",
	Members: []host.Member{
		{Name: "scheme", Doc: "As in https, in small letters."},
		{Name: "netloc", Doc: "As in user:secret@example.com:8080."},
		{Name: "path", Doc: "With its /, and its escapes."},
		{Name: "params", Doc: "What is behind ; in the last segment of the path."},
		{Name: "query", Doc: "What is behind the ?."},
		{Name: "fragment", Doc: "What is behind the #."},
		{Name: "username", Doc: "Of the netloc, None if there is none."},
		{Name: "password", Doc: "Of the netloc, None if there is none."},
		{
			Name: "hostname",
			Doc:  "Of the netloc, in small letters and without brackets, None if there is none.",
		},
		{
			Name: "port",
			Doc: "Of the netloc, an int, None if there is none; an error if it is no number from " +
				"0 to 65535.",
		},
		{
			Name: "geturl", Doc: "Puts the parts together again.", Result: "a string",
			Example: `parse("HTTP://example.com?").geturl()  # "http://example.com"`,
			Fn:      func(p *parts) string { return p.url() },
		},
	},
}

func parseMember() host.Member {
	return host.Member{
		Name: "parse",
		Doc:  "Takes a URL apart: Python's urlparse. Little is checked; escapes stay as they are.",
		Params: []host.Param{
			{Name: "url", Doc: "the URL"},
			{
				Name: "scheme", Doc: "the scheme of a URL that has none",
				Default: starlark.String(""),
			},
			{
				Name:    "allow_fragments",
				Doc:     "whether # begins a fragment, or is a part of the rest",
				Default: starlark.True,
			},
		},
		Result: "url.parts",
		Errors: []host.Failure{{When: "brackets of its host are not around an IPv6 address"}},
		Example: `u = parse("https://me@example.com:8080/a/b?q=1#top")
u.hostname  # "example.com"
u.port  # 8080
u[2]  # "/a/b"
dict(parse_qsl(u.query))  # {"q": "1"}`,
		Pure: true,
		Fn:   parse,
	}
}

func unparseMember() host.Member {
	return host.Member{
		Name: "unparse",
		Doc:  "Puts the parts of a URL together: Python's urlunparse.",
		Params: []host.Param{
			{Name: "parts", Doc: "url.parts, or six strings in their order", Type: "iterable"},
		},
		Result:  "a string",
		Errors:  []host.Failure{{When: "they are not six strings"}},
		Example: `unparse(("https", "example.com", "/a", "", "q=1", ""))  # "https://example.com/a?q=1"`,
		Pure:    true,
		Fn: func(v starlark.Iterable) (string, error) {
			var s []string
			if err := host.Unpack(v, &s); err != nil {
				return "", fmt.Errorf("for parameter parts: %w", err)
			}
			if len(s) != len(fields) {
				return "", fmt.Errorf("for parameter parts: there are %d, not six: %s", len(s),
					strings.Join(fields, ", "))
			}
			return newParts(s[0], s[1], s[2], s[3], s[4], s[5]).url(), nil
		},
	}
}

func newParts(scheme, netloc, path, params, query, fragment string) *parts {
	return &parts{"url.parts", scheme, netloc, path, params, query, fragment}
}

var errBrackets = errors.New("the brackets of its host are not around an IPv6 address")

// bracketed checks a netloc as Python does: RFC 3986, section 3.2.2, allows brackets around IPv6
// addresses and what comes after them.
func bracketed(netloc string) error {
	open, shut := strings.Contains(netloc, "["), strings.Contains(netloc, "]")
	if !open && !shut {
		return nil
	}
	if !open || !shut {
		return errBrackets
	}
	_, inside, _ := strings.Cut(netloc, "[")
	inside, _, _ = strings.Cut(inside, "]")
	if future, ok := strings.CutPrefix(inside, "v"); ok {
		version, address, dot := strings.Cut(future, ".")
		if other := strings.Trim(version, "0123456789abcdefABCDEF"); !dot || version == "" ||
			other != "" || address == "" {
			return errBrackets
		}
		return nil
	}
	if ip, err := netip.ParseAddr(inside); err != nil || !ip.Is6() {
		return errBrackets
	}
	return nil
}
