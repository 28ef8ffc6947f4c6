package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// maxRedirects is how many are followed.
const maxRedirects = 10

// shown is what is said of a request, in messages and to who observes: the URL without its query,
// in which secrets are sent.
func shown(method string, u *url.URL) string {
	return method + " " + u.Scheme + "://" + u.Host + u.EscapedPath()
}

// A sender is who sends the requests.
type sender interface {
	// send sends one and returns the head of its response.
	send(q *http.Request, t target) (*http.Response, error)
	// release lets go of the response of a redirect.
	release(res *http.Response)
}

// A route is how a request goes on from one redirect to the next.
type route struct {
	ctx    context.Context
	r      *request
	method string
	url    *url.URL
	target target
	empty  bool // the body is not sent any more
	astray bool // it has left the origin that what is secret in its head was meant for
}

// follow sends r, and goes where its response redirects to. It returns the response, whose Request
// has the URL, or a failure, and what was done on the way: the last of it is what the response is of.
func follow(ctx context.Context, r *request, by sender) (*http.Response, []host.Work, error) {
	u, t, err := parseURL(r.url)
	if err != nil {
		return nil, nil, err
	}
	to := &route{ctx: ctx, r: r, method: r.method, url: u, target: t}
	var done []host.Work
	for n := 0; ; n++ {
		q := to.request()
		w := host.Work{Kind: "fetch", Text: shown(q.Method, q.URL), Began: time.Now(), Unit: "bytes"}
		res, err := by.send(q, to.target)
		w.Took, w.Err, w.Seen = time.Since(w.Began), err, seen(q, res, err)
		done = append(done, w)
		if err != nil {
			return nil, done, redirected(n, err)
		}
		res.Request = q
		location := locationOf(res)
		if !r.follow || location == "" {
			return res, done, nil
		}
		by.release(res)
		if n == maxRedirects {
			return nil, done, failed(misled, "it was redirected more than %d times", maxRedirects)
		}
		if err := to.turn(res.StatusCode, location); err != nil {
			return nil, done, redirected(n+1, err)
		}
	}
}

// seen is what a test has to know of a request.
func seen(q *http.Request, res *http.Response, err error) *host.Exchange {
	e := &host.Exchange{Method: q.Method, URL: q.URL}
	var known *host.Outage
	switch {
	case err == nil:
		e.Status, e.Type, e.Location = res.StatusCode, res.Header.Get("Content-Type"), res.Header.Get("Location")
		if locationOf(res) == "" {
			e.Unread()
		}
	case errors.As(err, &known):
		e.Failure = known.Kind()
	}
	return e
}

// redirected says of a failure that it is that of a redirect.
func redirected(n int, err error) error {
	var f *host.Outage
	if n > 0 && errors.As(err, &f) {
		return f.Of("redirected")
	}
	return err
}

// locationOf is where a response redirects to, "" if it does not.
func locationOf(res *http.Response) string {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return res.Header.Get("Location")
	}
	return ""
}

// turn goes on to where a response redirects to.
func (to *route) turn(status int, location string) error {
	next, err := to.url.Parse(location)
	if err != nil {
		return failed(misled, "the Location of the response is no URL")
	}
	u, t, err := parseURL(next.String())
	if err != nil {
		return err
	}
	if u.Scheme != to.url.Scheme || u.Host != to.url.Host {
		to.astray = true
	}
	to.url, to.target = u, t
	switch {
	case status == http.StatusSeeOther && to.method != http.MethodHead,
		// RFC 9110, sections 15.4.2 and 15.4.3: "a user agent MAY change the request method from POST
		// to GET", and all do.
		to.method == http.MethodPost && status < http.StatusSeeOther:
		to.method, to.empty = http.MethodGet, true
	case !to.empty && to.r.stream != nil:
		return failed(misled, "to where the body would have to be sent again, and it is made as it is "+
			"sent: pass it as bytes")
	}
	return nil
}

// userAgent is what we call ourselves, RFC 9110, section 10.1.5. Nobody changes it.
var userAgent = []string{"Larkspur"}

// request is what is sent next.
func (to *route) request() *http.Request {
	q := (&http.Request{
		Method: to.method, URL: to.url, Host: to.url.Host, Header: to.r.headers.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(to.ctx)
	if q.Header == nil {
		q.Header = make(http.Header)
	}
	if _, ok := q.Header["User-Agent"]; !ok {
		q.Header["User-Agent"] = userAgent
	}
	if to.astray {
		for _, name := range []string{"Authorization", "Cookie"} {
			q.Header.Del(name)
		}
	}
	if to.empty {
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language"} {
			q.Header.Del(name)
		}
		return q
	}
	if text := to.r.text; text != "" {
		q.ContentLength = int64(len(text))
		q.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		q.Body, _ = q.GetBody() // which cannot fail
	}
	return q
}
