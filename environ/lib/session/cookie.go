package session

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
)

// maxCookie is how long a cookie may be, with its name and attributes, so that every browser keeps
// it: RFC 6265, section 6.1.
const maxCookie = 4096

// maxTries is how many cookies of the name are tried.
const maxTries = 8

// A cookie is how one request's session comes and goes.
type cookie struct {
	name   string // with its prefix
	path   string
	secure bool
}

// cookie returns how the session of a request comes and goes, by its scheme and SCRIPT_NAME.
func (a *sessions) cookie(scheme, mount string) cookie {
	c := cookie{name: a.name, path: "/", secure: scheme == "https"}
	if a.secure != nil {
		c.secure = *a.secure
	}
	if mount != "" {
		// RFC 6265, section 5.1.4, compares it with the path as the client sends that. A NUL, which
		// no path has, is escaped as well.
		c.path = strings.ReplaceAll((&url.URL{Path: mount}).EscapedPath(), ";", "%3B")
	}
	if c.secure && c.path == "/" && !prefixed(c.name) {
		c.name = hostPrefix + c.name
	}
	return c
}

// hostPrefix is that of cookies which only their own host can set, over TLS, for all of it: RFC
// 6265bis, section 4.1.3.2. So no other host of the domain can put its own in their place, and the
// one that a page over TLS has is not that of one without.
const hostPrefix = "__Host-"

// prefixed reports whether a name has a prefix that browsers know, in any case.
func prefixed(name string) bool {
	return slices.ContainsFunc([]string{hostPrefix, "__Secure-", "__Http-", "__Host-Http-"},
		func(prefix string) bool {
			return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
		})
}

// line is the Set-Cookie of a text; "" has the browser forget the cookie.
func (a *sessions) line(c cookie, text string) string {
	k := http.Cookie{Name: c.name, Value: text, Path: c.path, HttpOnly: true, Secure: c.secure,
		SameSite: a.sameSite}
	switch {
	case text == "":
		k.MaxAge = -1 // net/http's way to say Max-Age=0
	case a.maxAge > 0 && a.store != nil:
		k.MaxAge = int((a.maxAge + a.maxAge/spare) / time.Second) // it is not sent with each change
	case a.maxAge > 0:
		k.MaxAge = int(a.maxAge / time.Second)
	}
	return k.String()
}

// spare is the part of the age of a session in a store for which its cookie may not have been sent.
const spare = 10

// find returns what the cookies of a request say that is ours and not too old: of several cookies
// of the name the first. RFC 6265, section 5.4: the one with the longest path comes first.
func (a *sessions) find(c cookie, header string) (content string, ok bool) {
	each(c, header, func(text string) bool {
		content, ok = a.unseal(c, text)
		return ok
	})
	return content, ok
}

// named reports whether there is a cookie of the name.
func named(c cookie, header string) (found bool) {
	each(c, header, func(string) bool { found = true; return true })
	return found
}

// each gives the texts of the cookies of the name to f, one after the other, until f returns true.
func each(c cookie, header string, f func(text string) (enough bool)) {
	tries := 0
	for pair := range strings.SplitSeq(header, ";") {
		name, text, _ := strings.Cut(wire.Trim(pair), "=")
		if name != c.name {
			continue
		}
		if tries++; tries > maxTries || f(text) {
			return
		}
	}
}

// unseal is that of the first of the keys that has sealed the text.
func (a *sessions) unseal(c cookie, text string) (content string, ok bool) {
	for _, k := range a.keys {
		if content, at, ok := k.unseal(c, text); ok {
			return content, a.now().Sub(at) < a.age()
		}
	}
	return "", false
}

// seal returns the Set-Cookie that says content.
func (a *sessions) seal(c cookie, content string) (string, error) {
	text, err := a.keys[0].seal(c, content, a.now())
	if err != nil {
		return "", err
	}
	return a.line(c, text), nil
}

// private returns the fields that keep a response from those whom it is not for: a Vary that names
// Cookie and, if it sets the cookie, a Cache-Control that lets no other client have it.
func private(fields []environ.Field, sets bool) (more []environ.Field) {
	if !names(fields, "Vary", "cookie", "*") {
		more = append(more, environ.Field{Name: "Vary", Value: "Cookie"})
	}
	// RFC 9111, section 7.3: a cookie in a response that is kept is a cookie for everybody.
	if sets && !names(fields, "Cache-Control", "private", "no-store") {
		more = append(more, environ.Field{Name: "Cache-Control", Value: "private"})
	}
	return more
}

// names reports whether a field, which is a list, has one of the elements.
func names(fields []environ.Field, name string, any ...string) bool {
	for _, f := range fields {
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		for element := range wire.Elements(f.Value) {
			if slices.Contains(any, strings.ToLower(element)) {
				return true
			}
		}
	}
	return false
}
