package push

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
)

func first(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// directive returns the value of a Cache-Control directive. RFC 9111, section 5.2.
func directive(h http.Header, name string) (value string, ok bool) {
	for _, field := range h["Cache-Control"] {
		for d := range strings.SplitSeq(field, ",") {
			d, value, _ := strings.Cut(d, "=")
			if strings.EqualFold(textproto.TrimString(d), name) {
				return strings.Trim(textproto.TrimString(value), `"`), true
			}
		}
	}
	return "", false
}

// storable reports whether a response with this header is cacheable and not personalised.
func storable(h http.Header) bool {
	_, never := directive(h, "no-store")
	return !never && len(h["Set-Cookie"]) == 0
}

// freshUntil returns until when the client uses a response with the header h without asking again,
// zero if at no time.
func freshUntil(h http.Header, now time.Time) time.Time {
	if d := freshness(h, now); d > 0 {
		return now.Add(d)
	}
	return time.Time{}
}

// freshness returns how long a response is fresh by what its header says, 0 if it says nothing.
// RFC 9111, section 4.2.1; the client is a private cache.
func freshness(h http.Header, now time.Time) time.Duration {
	if _, ok := directive(h, "no-cache"); ok {
		return 0
	}
	if value, ok := directive(h, "max-age"); ok {
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return 0
		}
		var age uint64
		if a := first(h, "Age"); a != "" {
			age, _ = strconv.ParseUint(a, 10, 31)
		}
		return max(0, time.Duration(n)-time.Duration(age)) * time.Second
	}
	if e := first(h, "Expires"); e != "" {
		if t, err := http.ParseTime(e); err == nil {
			return max(0, t.Sub(now))
		}
	}
	return 0
}

// varies returns a field on which a response with the header h depends and that the promised
// request neither has nor has got from the page: the client's own request might have chosen another
// response.
func varies(h, request http.Header) (name string, ok bool) {
	for _, field := range h["Vary"] {
		for name := range wire.Elements(field) {
			name = textproto.CanonicalMIMEHeaderKey(name)
			if slices.Contains(copied[:], name) {
				continue
			}
			if _, ok := request[name]; !ok {
				return name, true
			}
		}
	}
	return "", false
}

// identifies reports whether a field of a request says who asks, or from where. The others of the
// set are conditions, on which no answer with status 200 depends, and one that speaks of pushes.
func identifies(name string) bool {
	return wire.Personal.Has(name) && !conditions(name) && name != "Accept-Push-Policy"
}

// conditions reports whether a field of a request is a condition. RFC 9110, sections 13.1 and 14.2.
func conditions(name string) bool {
	return strings.HasPrefix(name, "If-") || name == "Range"
}

// depends returns what an answer depends on, of the fields that have been read for it and that the
// promised request has not: the client's own request might be answered otherwise. all says that
// every field may have been read. always reports that it is so whatever the page's request has.
//
// Who asks may become known with the page itself, which sets a cookie or asks for a password: so a
// field that says who asks counts even where the page's request has none. A Vary that names it does
// not help: the promise would be kept for requests without it only, and is refused by varies. Of
// what else is read the page's request tells what the client sends; so it does where all is read,
// since otherwise nothing would be pushed by who copies what there is to read.
func (p *page) depends(read []string, all bool, request http.Header) (
	name string, always, ok bool,
) {
	for _, name := range read {
		switch {
		case request[name] != nil || conditions(name):
		case identifies(name):
			return name, true, true
		case p.sends(name):
			return name, false, true
		}
	}
	if !all {
		return "", false, false
	}
	if p.sends("Cookie") {
		return "Cookie", false, true
	}
	for _, name := range slices.Sorted(maps.Keys(p.request.Header)) {
		if request[name] == nil && selects(name) && !conditions(name) {
			return name, false, true
		}
	}
	return "", false, false
}

// sends reports whether the client sends a field of a request, as far as the page tells: its
// request has it, or its response makes it a field of the next ones.
func (p *page) sends(name string) bool {
	return p.request.Header[name] != nil ||
		name == "Cookie" && len(p.writer.Header()["Set-Cookie"]) > 0
}

// Unvaried returns a field that says who asks, has been read for the answer with the header h to
// the request r, and is not named by its Vary, although a cache may give the answer to others:
// it is a resource of a page, or says that it may be kept. It is "" if there is none. It panics if r
// is nil.
func Unvaried(r *http.Request, h http.Header, read []string) (name string) {
	if r == nil {
		panic("push: Unvaried: nil *http.Request")
	}
	_, private := directive(h, "private")
	if r.Method != http.MethodGet || private || !storable(h) ||
		unshared(h) && usedAs(r, pageTarget(r)) == "" {
		return ""
	}
	return unvaried(h, read)
}

// unvaried returns a field that says who asks, has been read, and is not named by the Vary of h.
func unvaried(h http.Header, read []string) (name string) {
	varied := make(http.Header)
	for _, field := range h["Vary"] {
		for name := range wire.Elements(field) {
			varied.Set(name, "")
		}
	}
	for _, name := range read {
		if identifies(name) && varied[name] == nil && varied["*"] == nil {
			return name
		}
	}
	return ""
}
