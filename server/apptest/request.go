package apptest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// A question is what a test asks.
type question struct {
	method, target string
	header         http.Header
	body           func() io.Reader // nil for none; anew each time, for redirects
	length         int64            // of the body, -1 for unknown
	follow         bool
	stream         bool
	expect         expectation
}

// maxRedirects is how many redirects are followed, as browsers and net/http do about it.
const maxRedirects = 10

// ask is request(target, headers, query, body, form, files, json, follow, stream, fails).
func (c *client) ask(t *starlark.Thread, name, method string, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	q := &question{method: method, header: c.header.Clone()}
	var target, headers, query, follow, fails starlark.Value
	var b content
	if err := starlark.UnpackArgs(name, args, kwargs, "target", &target, "headers?", &headers,
		"query?", &query, "body?", &b.body, "form?", &b.form, "files?", &b.files, "json?", &b.json,
		"follow?", &follow, "stream?", &q.stream, "fails?", &fails); err != nil {
		return nil, err
	}
	if q.follow = c.follow && !q.stream; given(follow) {
		if err := starlark.UnpackArg(follow, &q.follow); err != nil {
			return nil, fmt.Errorf("%s: for parameter follow: %w", name, err)
		}
	}
	var ok bool
	if q.target, ok = host.Octets(target); !ok { // a client may send any
		return nil, fmt.Errorf("%s: for parameter target: got %s, want string", name, target.Type())
	}
	if err := c.prepare(t, q, headers, query, fails, &b); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var history []starlark.Value
	for {
		r, err := c.send(t, q)
		if err != nil {
			return nil, err
		}
		r.history = history
		location, ok := r.redirect()
		if !ok || !q.follow {
			return r, nil
		}
		if len(history) == maxRedirects {
			return nil, &requestError{r.x.head(),
				fmt.Sprintf("more than %d redirects", maxRedirects),
				"the last one leads to " + location}
		}
		history = append(history, r)
		if err := q.redirect(r, location); err != nil {
			return nil, err
		}
	}
}

func (c *client) prepare(t *starlark.Thread, q *question, headers, query, fails starlark.Value,
	b *content) error {
	if q.follow && q.stream {
		return errors.New("follow and stream do not go together")
	}
	if err := addFields(q.header, headers); err != nil {
		return fmt.Errorf("headers: %w", err)
	}
	if query != nil && query != starlark.None {
		pairs, err := pairsOf(query)
		if err != nil {
			return fmt.Errorf("query: %w", err)
		}
		separator := "?"
		if strings.Contains(q.target, "?") {
			separator = "&"
		}
		q.target += separator + encode(pairs)
	}
	if err := q.expect.set(fails); err != nil {
		return err
	}
	return b.set(t, c, q)
}

// request makes the request, as the server's own reader would.
func (c *client) request(ctx context.Context, q *question) (*http.Request, error) {
	u, err := url.ParseRequestURI(q.target)
	if err != nil || q.target[0] != '/' && q.target != "*" {
		return nil, fmt.Errorf("the target %s is not a path: write \"/path\", encoded, "+
			"with ?query if there is one", starlark.String(q.target))
	}
	r := &http.Request{
		Method: q.method, URL: u, RequestURI: q.target, Proto: c.proto, Header: q.header.Clone(),
		Host: c.base.Host, RemoteAddr: c.peer, Body: http.NoBody,
	}
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(c.proto)
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	switch {
	case q.body != nil:
		r.Body, r.ContentLength = io.NopCloser(q.body()), q.length
		if q.length >= 0 {
			r.Header.Set("Content-Length", strconv.FormatInt(q.length, 10))
		}
	case q.method == http.MethodPost || q.method == http.MethodPut || q.method == http.MethodPatch:
		r.Header.Set("Content-Length", "0") // RFC 9110, section 8.6
	}
	if cookies := c.jar.header(c.base.ResolveReference(u)); cookies != "" {
		r.Header.Add("Cookie", cookies)
	}
	if c.base.Scheme == "https" {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true,
			CipherSuite: tls.TLS_AES_128_GCM_SHA256, ServerName: c.base.Hostname()}
	}
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.port}
	return r.WithContext(context.WithValue(ctx, http.LocalAddrContextKey, local)), nil
}

// redirect makes q what is asked after the response.
func (q *question) redirect(r *response, location string) error {
	u, err := r.url.Parse(location)
	if err != nil {
		return &requestError{r.x.head(), "a Location that is no URL", location}
	}
	if u.Scheme != r.url.Scheme || u.Host != r.url.Host {
		return &requestError{r.x.head(), "a redirect to another host, which cannot be followed", location}
	}
	// Fetch, section 4.4, step 12, which is what browsers do within RFC 9110, section 15.4: after a
	// 303 all but HEAD use GET, after a 301 or 302 what was posted does; 307 and 308 keep the method.
	var changes bool
	switch r.x.status {
	case http.StatusSeeOther:
		changes = q.method != http.MethodGet && q.method != http.MethodHead
	case http.StatusMovedPermanently, http.StatusFound:
		changes = q.method == http.MethodPost
	}
	if changes {
		q.method, q.body = http.MethodGet, nil
		for _, name := range []string{"Encoding", "Language", "Location", "Type"} {
			q.header.Del("Content-" + name)
		}
	}
	q.target = u.RequestURI()
	return nil
}

// content is the body of a request as a test may give it.
type content struct{ body, form, files, json starlark.Value }

func given(v starlark.Value) bool { return v != nil && v != starlark.None }

func (b *content) set(t *starlark.Thread, c *client, q *question) error {
	if n := len(kept(given(b.body), given(b.form) || given(b.files), given(b.json))); n > 1 {
		return errors.New("body, form (with files) and json are three ways to give a body: choose one")
	}
	switch {
	case given(b.body):
		return b.setBody(q)
	case given(b.files):
		return b.setFiles(q)
	case given(b.form):
		pairs, err := pairsOf(b.form)
		if err != nil {
			return fmt.Errorf("form: %w", err)
		}
		q.bytes("application/x-www-form-urlencoded", encode(pairs))
	case b.json != nil: // None is JSON's null
		text, err := json.Encode(b.json)
		if err != nil {
			return fmt.Errorf("json: %w", err)
		}
		q.bytes("application/json", text)
	}
	return nil
}

func kept(all ...bool) (set []bool) {
	for _, b := range all {
		if b {
			set = append(set, b)
		}
	}
	return set
}

// bytes sets a body of known length, and its type if the test gives no other.
func (q *question) bytes(media, s string) {
	q.body, q.length = func() io.Reader { return strings.NewReader(s) }, int64(len(s))
	if media != "" && q.header.Get("Content-Type") == "" {
		q.header.Set("Content-Type", media)
	}
}

// setBody takes a block, or a list of blocks, of which the length is not told.
func (b *content) setBody(q *question) error {
	if s, ok := host.Octets(b.body); ok {
		q.bytes("", s)
		return nil
	}
	list, ok := b.body.(starlark.Iterable)
	if !ok {
		return fmt.Errorf("body is %s, neither a block nor a list of blocks", b.body.Type())
	}
	var blocks []string
	for v := range starlark.Elements(list) {
		s, ok := host.Octets(v)
		if !ok {
			return fmt.Errorf("body[%d] is %s, neither bytes nor string", len(blocks), v.Type())
		}
		blocks = append(blocks, s)
	}
	q.length = -1
	q.body = func() io.Reader {
		var readers []io.Reader
		for _, s := range blocks {
			readers = append(readers, strings.NewReader(s))
		}
		return io.MultiReader(readers...)
	}
	return nil
}

// setFiles makes a multipart form (RFC 7578) of files, a dict of (filename, content) or (filename,
// content, type) by field, and the fields of form before them.
func (b *content) setFiles(q *question) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if given(b.form) {
		pairs, err := pairsOf(b.form)
		if err != nil {
			return fmt.Errorf("form: %w", err)
		}
		for _, p := range pairs {
			if err := w.WriteField(p[0], p[1]); err != nil {
				return err
			}
		}
	}
	err := eachPair(b.files, func(field string, v starlark.Value) error {
		file, ok := v.(starlark.Tuple)
		if !ok || len(file) < 2 || len(file) > 3 {
			return fmt.Errorf("%q is %s: write (filename, content), or (filename, content, type)",
				field, v.Type())
		}
		parts := [3]string{2: "application/octet-stream"}
		for i, v := range file {
			if parts[i], ok = host.Octets(v); !ok {
				return fmt.Errorf("%q[%d] is %s, neither bytes nor string", field, i, v.Type())
			}
		}
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition(field, parts[0])},
			"Content-Type":        {parts[2]},
		})
		if err == nil {
			_, err = io.WriteString(part, parts[1])
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if err := w.Close(); err != nil {
		return err
	}
	q.bytes(w.FormDataContentType(), body.String())
	return nil
}

// addFields adds header fields: a dict, or a list of (name, value).
func addFields(h http.Header, v starlark.Value) error {
	if !given(v) {
		return nil
	}
	pairs, err := pairsOf(v)
	if err != nil {
		return err
	}
	fresh := make(map[string]bool)
	for _, p := range pairs {
		if !wire.Token(p[0]) || !wire.Value(p[1]) {
			return fmt.Errorf("%s: %s is not a valid field", starlark.String(p[0]), starlark.String(p[1]))
		}
		name := http.CanonicalHeaderKey(p[0])
		if !fresh[name] { // it replaces the client's own
			h.Del(name)
			fresh[name] = true
		}
		h.Add(name, p[1])
	}
	return nil
}
