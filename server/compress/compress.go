// Package compress compresses what handlers answer, for the clients that want it: zstd, br or gzip.
//
//	front := &server.Front{Mounts: []server.Mount{
//		{Handler: gateway, Filter: new(compress.Filter).Begin},
//	}}
//
// # What is compressed
//
// Types that become smaller by it, of a kilobyte or more, or of a length that is not known: what a handler
// flushes is on the wire at once, so that streams and event streams stay what they are. Not what has a
// coding, is a range, or says no-transform.
//
// # Secrets
//
// Who can have a victim's browser ask for a page that holds a secret, and repeats something of the request,
// can find the secret out by the length of the answers (BREACH). So what may hold one is not compressed,
// unless that is asked for ([Filter.Secrets]): a response to a request with Cookie or Authorization, and one
// that sets a cookie. Style sheets, scripts, fonts and images are, and what says `Cache-Control: public`,
// which is for everybody.
//
// # Validators
//
// What is compressed is another representation, RFC 9110, section 8.8.3.3: its ETag "x" becomes "x--gzip",
// and If-Match and If-None-Match are given to the handler as it knows them. Vary says that Accept-Encoding
// decides. Ranges are of what is not compressed: If-Range with such an ETag gets all of it.
package compress

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// A Filter compresses responses. The zero value works. It must not be changed or copied once it is in
// use, and is safe for concurrent use.
type Filter struct {
	// Codings are those that may be used, of zstd, br and gzip, the best first. Nil means all of them, in
	// this order.
	Codings []string
	// MinSize is how many bytes a response must have whose length is known. Zero means 1,024.
	MinSize int64
	// Secrets compresses what may hold secrets, too: see the package comment.
	Secrets bool
	// Streams is how many responses of a length that is not known may be compressed at once: each takes up to
	// a megabyte for as long as it lasts. One more is not compressed. Zero means 256.
	Streams int64

	streams atomic.Int64
}

// maxStreams is how many streams are compressed at once if nothing else is said.
const maxStreams = 256

// codings are those that there are, the best first.
var codings = []string{"zstd", "br", "gzip"}

func (f *Filter) codings() []string {
	if f.Codings == nil {
		return codings
	}
	return f.Codings
}

// Parse reads how is compressed: off, which is a nil Filter; on; the Codings, with commas between them; and
// secrets beside one of them, which compresses what may hold some. Empty is off.
func Parse(how string) (*Filter, error) {
	f := new(Filter)
	off, words := false, 0
	for word := range strings.SplitSeq(how, ",") {
		switch word = strings.TrimSpace(word); {
		case word == "off" || word == "" && how == "":
			off = true
		case word == "on":
		case word == "secrets":
			f.Secrets = true
			continue
		case slices.Contains(codings, word) && !slices.Contains(f.Codings, word):
			f.Codings = append(f.Codings, word)
		default:
			return nil, fmt.Errorf("%q: write on, off or some of zstd,br,gzip, and perhaps secrets beside it", how)
		}
		words++
	}
	switch {
	case off && (words > 1 || f.Secrets):
		return nil, fmt.Errorf("%q: it is off, or something else", how)
	case off:
		return nil, nil
	case words == 0:
		f.Codings = nil // secrets alone
	}
	return f, nil
}

// Begin returns what a handler is to write to in place of w, and which request it is to answer. end has to
// be called once it has returned, or has panicked: then the response is not whole.
func (f *Filter) Begin(
	w http.ResponseWriter, r *http.Request,
) (to http.ResponseWriter, of *http.Request, end func(whole bool)) {
	if r.Header["Upgrade"] != nil || r.Method == http.MethodConnect {
		return w, r, func(bool) {} // it becomes another protocol
	}
	c := &writer{ResponseWriter: w, filter: f, head: r.Method == http.MethodHead,
		private: r.Header["Cookie"] != nil || r.Header["Authorization"] != nil,
		coding:  wire.Coding(strings.Join(r.Header["Accept-Encoding"], ","), f.codings()...)}
	r, c.asked = known(r)
	return c, r, c.end
}

// A Handler compresses what Next answers. Next is required; it must not be changed or copied once it is in
// use.
type Handler struct {
	Next http.Handler
	Filter
}

// ServeHTTP has Next answer.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w, r, end := h.Begin(w, r)
	whole := false
	defer func() { end(whole) }()
	h.Next.ServeHTTP(w, r)
	whole = true
}

// mark stands between an ETag and the coding.
const mark = "--"

// known returns r with the ETags of its conditions as the handler gave them, and the one that had a mark,
// "" if none had.
func known(r *http.Request) (*http.Request, string) {
	asked := ""
	other := r
	for _, name := range []string{"If-Match", "If-None-Match"} {
		for i, field := range r.Header[name] {
			plain := field
			for _, c := range codings {
				if short := strings.ReplaceAll(plain, mark+c+`"`, `"`); short != plain {
					plain, asked = short, cmp.Or(asked, c)
				}
			}
			if plain == field {
				continue
			}
			if other == r {
				copied := *r
				copied.Header = r.Header.Clone()
				other = &copied
			}
			other.Header[name][i] = plain
		}
	}
	return other, asked
}

// marked is an ETag with the coding.
func marked(tag, coding string) string {
	if body, ok := strings.CutSuffix(tag, `"`); ok && strings.Contains(body, `"`) {
		return body + mark + coding + `"`
	}
	return tag
}
