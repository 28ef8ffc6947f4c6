package apptest

import (
	"encoding/hex"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
	"go.starlark.net/starlark"
)

// A jar keeps cookies as browsers do, with values of any octets: RFC 6265, section 5.2. A
// cookiejar.Jar takes none that has a quote, a backslash, or a letter that is not ASCII: so they
// are in hex there.
type jar struct{ jar *cookiejar.Jar }

func newJar() jar {
	j, _ := cookiejar.New(nil) // it never fails
	return jar{j}
}

// set keeps the cookies of the header of a response to a request for u.
func (j jar) set(u *url.URL, h http.Header) { j.jar.SetCookies(trusted(u), setBy(h)) }

// cookies are those of a request for u.
func (j jar) cookies(u *url.URL) []*http.Cookie { return j.jar.Cookies(trusted(u)) }

// trusted is u as a jar is to see it: Chrome and Firefox keep secure cookies of this machine
// without TLS too (Secure Contexts, section 3.1).
func trusted(u *url.URL) *url.URL {
	if u.Scheme != "http" || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" {
		return u
	}
	own := *u
	own.Scheme = "https"
	return &own
}

// setBy are the cookies that the header of a response sets, with values in hex.
func setBy(h http.Header) (all []*http.Cookie) {
	for _, line := range h["Set-Cookie"] {
		first, attributes, _ := strings.Cut(line, ";")
		name, value, ok := strings.Cut(first, "=")
		if !ok {
			continue
		}
		value = hex.EncodeToString([]byte(wire.Trim(value)))
		if k, err := http.ParseSetCookie(name + "=" + value + ";" + attributes); err == nil {
			all = append(all, k)
		}
	}
	return all
}

// octets is the value of a cookie that setBy has read.
func octets(k *http.Cookie) string {
	b, _ := hex.DecodeString(k.Value)
	return string(b)
}

// header is the field Cookie of a request for u, "" for none.
func (j jar) header(u *url.URL) string {
	var all []string
	for _, k := range j.cookies(u) {
		all = append(all, k.Name+"="+octets(k))
	}
	return strings.Join(all, "; ")
}

// cookieValues are what an application reads of cookies.
func cookieValues(all []*http.Cookie) *starlark.Dict {
	d := new(starlark.Dict)
	for _, k := range all {
		value := wire.UnquoteCookie(octets(k))
		_ = d.SetKey(starlark.String(k.Name), starlark.String(value)) // strings can be hashed
	}
	return d
}
