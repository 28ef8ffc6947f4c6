package apptest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"go.starlark.net/starlark"
)

// A response is what a client got, or is getting if it was asked for as a stream. It belongs to a
// test.
type response struct {
	client  *client
	x       *exchange
	url     *url.URL
	history []starlark.Value // the responses that led here
	events  eventReader
	unread  string // the block of a stream that came with its beginning
	judged  bool   // that it failed, or did not, was told
}

// send asks, and returns the response: whole, or of a stream its beginning.
func (c *client) send(t *starlark.Thread, q *question) (*response, error) {
	r, err := c.request(c.trial.With(host.CallOf(t).Context()), q)
	if err != nil {
		return nil, err
	}
	handler := c.handler()
	x := c.test.begin(handler, r)
	x.lint, x.expect = c.lint, q.expect
	if c.push {
		x.connection = &c.connection
	}
	handler.Logger = slog.New(tee.New(c.config.Log))
	res := &response{client: c, x: x, url: c.base.ResolveReference(r.URL)}
	if q.stream {
		for x.status == 0 && !x.over {
			res.unread, _ = x.step()
		}
	} else {
		x.rest()
	}
	if _, leads := res.redirect(); leads && q.follow {
		x.expect = expectation{} // it is the response at the end of the way that is to fail
	}
	if x.sent != nil {
		c.jar.set(res.url, x.sent)
	}
	return res, res.judge(t)
}

// judge returns the error of a response that has ended, once.
func (r *response) judge(t *starlark.Thread) error {
	if !r.x.over || r.judged {
		return nil
	}
	r.judged = true
	// The end of the test ends its requests, which is no fault of theirs: the test's own error says
	// it all.
	if err := host.CallOf(t).Context().Err(); err != nil {
		return err
	}
	return r.x.expect.verdict(r.x)
}

// redirect returns where the response leads to, if it leads anywhere.
func (r *response) redirect() (location string, ok bool) {
	switch r.x.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		location = r.x.sent.Get("Location")
	}
	return location, location != ""
}

var _ starlark.HasAttrs = (*response)(nil)

func (r *response) String() string        { return "<test.response " + r.x.head() + ">" }
func (r *response) Type() string          { return "test.response" }
func (r *response) Freeze()               {}
func (r *response) Truth() starlark.Bool  { return starlark.True }
func (r *response) Hash() (uint32, error) { return 0, errors.New("unhashable: test.response") }

func (r *response) AttrNames() []string { return responseType.AttrNames() }

// body is all that has been read.
func (r *response) body() string { return strings.Join(r.x.blocks, "") }

func (r *response) Attr(name string) (starlark.Value, error) {
	switch name {
	case "status":
		return starlark.MakeInt(r.x.status), nil
	case "headers":
		return headers{r.x.sent}, nil
	case "text":
		return starlark.String(r.body()), nil
	case "body":
		return starlark.Bytes(r.body()), nil
	case "blocks":
		var all []starlark.Value
		for _, b := range r.x.blocks {
			all = append(all, starlark.Bytes(b))
		}
		return starlark.NewList(all), nil
	case "cookies":
		return r.cookies(), nil
	case "hints":
		var all []starlark.Value
		for _, h := range r.x.hints {
			all = append(all, headers{h})
		}
		return starlark.NewList(all), nil
	case "pushes":
		return r.pushes(), nil
	case "error":
		return r.x.errorValue(), nil
	case "log":
		return starlark.String(strings.Join(append(r.x.journal.lines, ""), "\n")), nil
	case "history":
		return starlark.NewList(append([]starlark.Value(nil), r.history...)), nil
	case "url":
		return starlark.String(r.url.String()), nil
	case "ended":
		return starlark.Bool(r.x.over), nil
	case "json":
		return starlark.NewBuiltin("json", r.json), nil
	case "events":
		return starlark.NewBuiltin("events", r.eventsOf), nil
	case "read":
		return starlark.NewBuiltin("read", r.read), nil
	case "close":
		return starlark.NewBuiltin("close", r.close), nil
	}
	return nil, nil
}

// pushes are the responses that were pushed with it so far.
func (r *response) pushes() *starlark.List {
	var all []starlark.Value
	for _, p := range r.x.promises {
		target, err := url.ParseRequestURI(p.request.RequestURI)
		if err != nil {
			target = p.request.URL
		}
		all = append(all, &response{client: r.client, x: p, url: r.client.base.ResolveReference(target),
			judged: true})
	}
	return starlark.NewList(all)
}

// cookies are those that the response sets.
func (r *response) cookies() *starlark.Dict {
	return cookieValues(setBy(r.x.sent))
}

// json is json(): the value of the body.
func (r *response) json(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 0); err != nil {
		return nil, err
	}
	v, err := json.Decode(r.body())
	if err != nil {
		return nil, &requestError{r.x.head(), "the body is not JSON",
			fmt.Sprintf("json.decode: %v\n%s", err, show(starlark.String(r.body())))}
	}
	return v, nil
}

// read is read(): the next block of a stream, b"" at its end.
func (r *response) read(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 0); err != nil {
		return nil, err
	}
	if block := r.unread; block != "" {
		r.unread = ""
		return starlark.Bytes(block), nil
	}
	for {
		block, ok := r.x.step()
		if !ok {
			return starlark.Bytes(""), r.judge(t)
		}
		if block != "" {
			return starlark.Bytes(block), nil
		}
	}
}

// close is close(): the client goes away.
func (r *response) close(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 0); err != nil {
		return nil, err
	}
	r.judged, r.unread = true, ""
	return starlark.None, r.x.close()
}
