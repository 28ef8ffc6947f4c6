package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// maxBody is how many bytes of a body are read at once if nothing else is said.
	maxBody = 10 << 20
	// small is how many bytes a body has at most that is read with the head, if its length is known.
	small = 64 << 10
)

// A response is what responseType describes. It belongs to one request of a client, unless its body
// has been read: then it is immutable.
type response struct {
	host.Object
	asked  *request
	status int
	reason string
	header http.Header
	url    *url.URL
	flight *flight // that brings the body; nil once it is here, or given up
	body   string
	err    error // of every further reading, nil if body has all
	seen   *host.Exchange
	stop   func()
}

var _ starlark.HasAttrs = (*response)(nil)

// newResponse returns the response without its body.
func newResponse(res *http.Response, asked *request) *response {
	_, reason, _ := strings.Cut(res.Status, " ")
	if reason == "" {
		reason = http.StatusText(res.StatusCode) // HTTP/2 has none
	}
	return &response{Object: "fetch.response", asked: asked, status: res.StatusCode, reason: reason,
		header: res.Header, url: res.Request.URL}
}

// fetch sends r on the call of t.
func (l *library) fetch(t *starlark.Thread, r *request) (starlark.Value, error) {
	if l.client == nil {
		return l.grant.trial.fetch(t, r)
	}
	f := newFlight(l.client, r)
	got, err := f.fetch(t, r)
	f.observe(t)
	if err != nil {
		f.close()
		return nil, err
	}
	return got, nil
}

// fetch returns the response, and with it the body if that is small.
func (f *flight) fetch(t *starlark.Thread, r *request) (*response, error) {
	var got *response
	if r.stream != nil {
		res, err := f.upload(t, r)
		if err != nil {
			return nil, err
		}
		if err := f.wait(t, func() error { got = f.received(res); return nil }); err != nil {
			return nil, err
		}
	} else if err := f.wait(t, func() error {
		res, done, err := follow(f.ctx, r, f)
		if f.done = done; err == nil {
			got = f.received(res)
		}
		return err
	}); err != nil {
		return nil, err
	}
	if got.flight != nil {
		got.stop = host.CallOf(t).OnEnd(f.close)
	}
	return got, nil
}

// received returns the response of which the head has come. It blocks, for a small body.
func (f *flight) received(res *http.Response) *response {
	got := newResponse(res, f.asked)
	f.body = res.Body
	if n := lengthOf(res); n >= 0 && n <= small {
		if got.body, got.err = f.rest(small, n); got.err != nil {
			got.err = f.reason(got.err)
		}
		w := &f.done[len(f.done)-1]
		w.Took, w.Count, w.Err = time.Since(w.Began), int64(len(got.body)), got.err
		got.note(w)
		f.close()
		return got
	}
	got.flight = f
	got.note(&f.done[len(f.done)-1])
	return got
}

// note has what was seen know the body, now or as soon as it has been read.
func (r *response) note(w *host.Work) {
	r.seen, _ = w.Seen.(*host.Exchange)
	if r.flight == nil && r.err == nil {
		r.seen.Read(r.body)
	}
}

// lengthOf is how many bytes the body has, -1 if that is not known. The length that a response to HEAD
// says is that of a body which does not come.
func lengthOf(res *http.Response) int64 {
	if res.Body == http.NoBody {
		return 0
	}
	return res.ContentLength
}

// over lets go of the body, of which further readings fail with err if that is not nil.
func (r *response) over(err error) {
	if r.flight != nil {
		r.flight.close()
		r.stop()
	}
	r.flight, r.err = nil, err
}

// read returns the body.
func (r *response) read(t *starlark.Thread, most int) (string, error) {
	switch {
	case most < 0 || most > host.MaxSize:
		return "", fmt.Errorf("limit is %d: from 0 to %d", most, host.MaxSize)
	case r.err != nil:
		return "", r.err
	case r.flight == nil:
		if len(r.body) > most {
			return "", failed(oversized, "the body has %d bytes, more than %d", len(r.body), most).Of(r.asked.shown())
		}
		return r.body, nil
	}
	f := r.flight
	err := f.wait(t, func() (err error) {
		r.body, err = f.rest(most, -1)
		return err
	})
	if r.over(err); err == nil {
		r.seen.Read(r.body)
	}
	return r.body, err
}

// Freeze gives up the body of a response that was fetched while a module was loaded, unless it has
// been read: it could not be read for several requests at once.
func (r *response) Freeze() {
	if r.flight != nil {
		r.over(errors.New("this response was fetched while a module was loaded, and its body not read; " +
			"read it there, or fetch it in each request"))
	}
}

func (r *response) String() string { return fmt.Sprintf("<fetch.response %d>", r.status) }

func (r *response) AttrNames() []string { return responseType.AttrNames() }

// Attr returns what the head says, or a method.
func (r *response) Attr(name string) (starlark.Value, error) {
	switch name {
	case "status":
		return starlark.MakeInt(r.status), nil
	case "ok":
		return starlark.Bool(r.status < http.StatusBadRequest), nil
	case "reason":
		return starlark.String(r.reason), nil
	case "headers":
		return newHeaders(r.header), nil
	case "url":
		return starlark.String(r.url.String()), nil
	}
	return responseType.Method(r, name), nil
}
