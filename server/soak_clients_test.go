//go:build linux

package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// A soakClient asks over one protocol, and keeps its connections between requests.
type soakClient struct {
	name string
	url  string
	http *http.Client
}

// soakClients returns a client for each protocol.
func soakClients(h *soakHouse) []*soakClient {
	client := func(name, url string, set func(*http.Protocols)) *soakClient {
		p := new(http.Protocols)
		set(p)
		return &soakClient{name, url, &http.Client{
			Transport: &http.Transport{Protocols: p, DisableCompression: true,
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       soakPatience,
		}}
	}
	return []*soakClient{
		client("HTTP/1.1", h.url, func(p *http.Protocols) { p.SetHTTP1(true) }),
		client("HTTP/2", h.url, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }),
		client("HTTP/2 over TLS", h.tls, func(p *http.Protocols) { p.SetHTTP2(true) }),
	}
}

// A lostError says that a request was not answered, or broke off: which may be while a worker is
// being killed.
type lostError struct {
	err  error
	safe bool // the request may be made again
}

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// A soakAnswer is what a client has got.
type soakAnswer struct {
	status int
	header http.Header
	text   string
}

// ask asks for a path or a URL. fields are names and values. An answer that is 502 or 503 is none.
func (c *soakClient) ask(method, path, body string, fields ...string) (a soakAnswer, err error) {
	if strings.HasPrefix(path, "/") {
		path = c.url + path
	}
	r, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	wrap := func(err error) error {
		safe := method != "POST" && a.status == http.StatusBadGateway
		return &lostError{fmt.Errorf("%s %s over %s: %w", method, path, c.name, err), safe}
	}
	res, err := c.http.Do(r)
	if err != nil {
		return a, wrap(err)
	}
	defer res.Body.Close()
	p, err := io.ReadAll(res.Body)
	a = soakAnswer{res.StatusCode, res.Header, string(p)}
	switch {
	case err != nil:
		return a, wrap(fmt.Errorf("after %d bytes of a response with %d: %w", len(p), a.status, err))
	case a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable:
		return a, wrap(fmt.Errorf("got %d: %.300s", a.status, a.text))
	}
	return a, nil
}

// expect is ask for an answer with a status that has part in it.
func (c *soakClient) expect(status int, part, method, path, body string, fields ...string) (soakAnswer, error) {
	a, err := c.ask(method, path, body, fields...)
	if err == nil && (a.status != status || !strings.Contains(a.text, part)) {
		err = fmt.Errorf("%s %s over %s: got %d, want %d with %q in:\n%.1000s", method, path, c.name,
			a.status, status, part, a.text)
	}
	return a, err
}

// count counts in a database.
func count(s *soak, c *soakClient) error {
	n := s.counter(strings.NewReplacer(" ", "-", "/", "").Replace(c.name))
	known := n.known.Load()
	a, err := c.expect(200, "", "POST", "/soak/count/"+n.name, "")
	var lost *lostError
	switch {
	case errors.As(err, &lost):
		n.unknown.Add(1)
		return err
	case err != nil:
		return err
	}
	n.known.Add(1)
	if got, err := strconv.ParseInt(a.text, 10, 64); err != nil || got <= known {
		return fmt.Errorf("the counter %s is %q after it was %d", n.name, a.text, known)
	}
	return nil
}

// upload keeps a file, and gets it back.
func upload(s *soak, c *soakClient) error {
	content := strings.Repeat(strconv.FormatUint(rand.Uint64(), 36), 2000)
	a, err := c.expect(201, "/upload/f/", "PUT", "/upload/soak.txt", content, "Content-Type", "text/plain")
	if err != nil {
		return err
	}
	link := strings.TrimSpace(a.text)
	kept := soakFile{link, content}
	if err := kept.check(c); err != nil {
		return err
	}
	if rand.IntN(2) == 0 {
		s.keep(kept)
		return nil
	}
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	if _, err := c.expect(303, "", "POST", link+"/remove", "", "Cookie", cookie); err != nil {
		return err
	}
	_, err = c.expect(404, "", "GET", link+"/download", "")
	return err
}

// A soakFile is what was uploaded, and is to be there at the end.
type soakFile struct{ link, content string }

func (f soakFile) check(c *soakClient) error {
	a, err := c.expect(200, "", "GET", f.link+"/download", "")
	if err == nil && a.text != f.content {
		return fmt.Errorf("%s has %d bytes that are not the %d that were sent", f.link, len(a.text), len(f.content))
	}
	return err
}

// share uploads two files by a form.
func share(_ *soak, c *soakClient) error {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for _, name := range []string{"a.txt", "b.txt"} {
		part, err := w.CreateFormFile("files", name)
		if err == nil {
			_, err = io.WriteString(part, strings.Repeat(name, 10_000))
		}
		if err != nil {
			return err
		}
	}
	w.Close()
	_, err := c.expect(303, "", "POST", "/upload/", form.String(), "Content-Type", w.FormDataContentType())
	return err
}

// link makes a short link, for whose title another server is asked, and follows it.
func link(s *soak, c *soakClient) error {
	to := s.house.titles.URL + "/" + strconv.FormatUint(rand.Uint64(), 36)
	a, err := c.expect(201, "/links/", "POST", "/links/", "url="+to, "Content-Type", urlencoded, "Accept", "text/plain")
	if err != nil {
		return err
	}
	made := strings.TrimSpace(a.text)
	if a, err = c.expect(302, "", "GET", made, ""); err != nil {
		return err
	}
	if got := a.header.Get("Location"); got != to {
		return fmt.Errorf("%s leads to %q, want %q", made, got, to)
	}
	return nil
}

// edition asks for what has not changed.
func edition(_ *soak, c *soakClient) error {
	a, err := c.expect(200, "title", "GET", "/api/books/1", "")
	if err != nil {
		return err
	}
	_, err = c.expect(304, "", "GET", "/api/books/1", "", "If-None-Match", a.header.Get("ETag"))
	return err
}

// talk has a conversation. A worker that another one takes the place of says that it goes away.
func talk(s *soak, c *soakClient) error {
	return withSocket(s, c, func(ctx context.Context, ws *websocket.Conn) error {
		broken := func(err error) error {
			if s.house.pool != nil && websocket.CloseStatus(err) == websocket.StatusGoingAway {
				return nil
			}
			return &lostError{err: err}
		}
		for i := range 5 {
			want := strings.Repeat("lark", 1+i*1000)
			if err := ws.Write(ctx, websocket.MessageText, []byte(want)); err != nil {
				return broken(err)
			}
			_, got, err := ws.Read(ctx)
			if err != nil {
				return broken(err)
			}
			if string(got) != want {
				return fmt.Errorf("got %d bytes that are not the %d that were said", len(got), len(want))
			}
		}
		if err := ws.Close(websocket.StatusNormalClosure, ""); err != nil {
			return broken(err)
		}
		return nil
	})
}

// withSocket opens a WebSocket for f, and cuts it when that returns.
func withSocket(s *soak, c *soakClient, f func(context.Context, *websocket.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), soakPatience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, s.house.url+"/soak/talk", &websocket.DialOptions{HTTPClient: s.clients[0].http})
	if err != nil {
		return &lostError{err: fmt.Errorf("open a WebSocket: %w", err)}
	}
	ws.SetReadLimit(1 << 20)
	defer ws.CloseNow()
	return f(ctx, ws)
}

// listen takes a stream of events to its end.
func listen(_ *soak, c *soakClient) error {
	_, err := c.expect(200, "id: 4", "GET", "/soak/events?count=5", "")
	return err
}

// begin asks for events, and returns once the first has come: what end then gets is the rest of them.
func begin(c *soakClient) (end func() error, err error) {
	r, err := http.NewRequest("GET", c.url+"/soak/events?count=10&pause=0.05", nil)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(res.Body)
	if _, err := lines.ReadString('\n'); err != nil {
		return nil, err
	}
	return func() error {
		defer res.Body.Close()
		rest, err := io.ReadAll(lines)
		if err == nil && !strings.Contains(string(rest), "id: 9") {
			err = errors.New("the last event has not come")
		}
		return err
	}, nil
}

// getUnix asks for the version at a socket.
func getUnix(path string) (string, error) {
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr, Timeout: time.Minute}).Get("http://localhost/soak/version")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	p, err := io.ReadAll(res.Body)
	return string(p), err
}
