package apptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"go.starlark.net/starlark"
)

// A socket is the client's end of a WebSocket.
type socket struct {
	host.Object
	x      *exchange
	conn   *websocket.Conn
	code   int // of the close; 0 while it is open
	reason string
	judged bool
}

// open is websocket(target, headers = None, subprotocols = [], fails = None).
func (c *client) open(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple,
	kwargs []starlark.Tuple) (starlark.Value, error) {
	q := &question{method: http.MethodGet, header: c.header.Clone()}
	var headers, fails starlark.Value
	var subprotocols starlark.Iterable
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "target", &q.target, "headers?", &headers,
		"subprotocols?", &subprotocols, "fails?", &fails); err != nil {
		return nil, err
	}
	if err := c.prepare(t, q, headers, nil, fails, new(content)); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	var o websocket.DialOptions
	if subprotocols != nil {
		for v := range starlark.Elements(subprotocols) {
			s, ok := starlark.AsString(v)
			if !ok {
				return nil, fmt.Errorf("%s: subprotocols has %s, not a string", b.Name(), v.Type())
			}
			o.Subprotocols = append(o.Subprotocols, s)
		}
	}
	w := &socket{Object: "test.websocket"}
	o.HTTPHeader = q.header
	o.HTTPClient = &http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return c.upgrade(host.CallOf(t).Context(), q, r.Header, w)
		}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	conn, _, err := websocket.Dial(context.Background(), c.base.String(), &o)
	if w.x == nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), errors.Unwrap(err))
	}
	if err != nil {
		if err := w.judge(t); err != nil {
			return nil, err
		}
		if q.expect.fails {
			return starlark.None, nil
		}
		return nil, &requestError{w.x.head(), "it became no WebSocket",
			strings.TrimSpace(strings.Join(w.x.blocks, ""))}
	}
	conn.SetReadLimit(-1) // it is the application's own
	w.conn = conn
	return w, nil
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// upgrade asks for a WebSocket as the server's own reader would, with what the library adds to the
// fields of the question.
func (c *client) upgrade(
	ctx context.Context, q *question, fields http.Header, w *socket,
) (*http.Response, error) {
	q.header = fields
	r, err := c.request(ctx, q)
	if err != nil {
		return nil, err
	}
	handler := c.handler()
	handler.Logger = slog.New(tee.New(c.config.Log))
	x := c.test.begin(handler, r)
	x.lint, x.expect, x.line = c.lint, q.expect, &line{x: x}
	w.x = x
	for x.status == 0 && !x.over {
		x.step()
	}
	if x.status != http.StatusSwitchingProtocols {
		x.rest()
	}
	if x.sent != nil {
		c.jar.set(c.base.ResolveReference(r.URL), x.sent)
	}
	res := &http.Response{StatusCode: x.status, ProtoMajor: 1, ProtoMinor: 1, Header: x.sent.Clone(),
		Request: r, Body: io.NopCloser(strings.NewReader(""))}
	if x.status == http.StatusSwitchingProtocols {
		res.Body = far{x.line}
	}
	return res, nil
}

// judge returns the error of an application that has ended, once.
func (w *socket) judge(t *starlark.Thread) error {
	if !w.x.over || w.judged {
		return nil
	}
	w.judged = true
	if err := host.CallOf(t).Context().Err(); err != nil {
		return err
	}
	return w.x.expect.verdict(w.x)
}

// ended runs the application to its end, after that of the WebSocket, for which err was read.
func (w *socket) ended(t *starlark.Thread, err error) error {
	if w.code == 0 {
		w.code = int(websocket.StatusAbnormalClosure)
		var told websocket.CloseError
		if errors.As(err, &told) {
			w.code, w.reason = int(told.Code), told.Reason
		}
	}
	w.x.line.left = true
	w.x.rest()
	return w.judge(t)
}

func (w *socket) recv(t *starlark.Thread) (starlark.Value, error) {
	if w.code != 0 {
		return starlark.None, nil
	}
	kind, data, err := w.conn.Read(context.Background())
	switch {
	case errors.Is(err, errStarved):
		return nil, &requestError{w.x.head(), errStarved.Error(), ""}
	case err != nil:
		return starlark.None, w.ended(t, err)
	case kind == websocket.MessageText:
		return starlark.String(data), nil
	}
	return starlark.Bytes(data), nil
}

func (w *socket) send(_ *starlark.Thread, message starlark.Value) (bool, error) {
	kind, data := websocket.MessageBinary, ""
	switch v := message.(type) {
	case starlark.String:
		kind, data = websocket.MessageText, string(v)
	case starlark.Bytes:
		data = string(v)
	default:
		return false, fmt.Errorf("the message is %s, neither a string nor bytes", v.Type())
	}
	if w.code != 0 {
		return false, nil
	}
	return w.conn.Write(context.Background(), kind, []byte(data)) == nil, nil
}

func (w *socket) close(t *starlark.Thread, code int, reason string) error {
	if w.code != 0 {
		return nil
	}
	w.x.line.closing = true
	err := w.conn.Close(websocket.StatusCode(code), reason)
	if err == nil {
		w.code, w.reason = code, reason
	}
	return w.ended(t, err)
}

// socketType describes a socket.
var socketType = &host.Type{
	Name: "test.websocket",
	Doc:  "The client's end of a WebSocket. The application runs only while the test waits for it.",
	Members: []host.Member{
		{
			Name: "recv",
			Doc: "Runs the application until it has sent a message. None says that the WebSocket is " +
				"closed.",
			Result: "a string, bytes or None",
			Errors: []host.Failure{{When: "the application waits for a message itself, or has failed"}},
			Example: `def test_chat():
    ws = client(app).websocket("/chat")
    eq(ws.recv(), "hello")`,
			Fn: (*socket).recv,
		},
		{
			Name: "send",
			Doc:  "Sends a message, which the application gets when it next runs.",
			Params: []host.Param{
				{Name: "message", Doc: "a string or bytes", Type: "string or bytes"},
			},
			Result: "True, or False if the WebSocket is closed",
			Example: `def test_echo():
    ws = client(app).websocket("/chat")
    ws.send("a")
    eq(ws.recv(), "a")`,
			Fn: (*socket).send,
		},
		{
			Name: "close",
			Doc:  "Closes the WebSocket, and runs the application to its end.",
			Params: []host.Param{
				{Name: "code", Doc: "1000, or from 3000 to 4999", Type: "int", Default: starlark.MakeInt(1000)},
				{Name: "reason", Doc: "at most 123 bytes", Type: "string", Default: starlark.String("")},
			},
			Result: "None",
			Errors: []host.Failure{{When: "the application has failed"}},
			Example: `def test_close():
    ws = client(app).websocket("/chat")
    ws.close(4000, "enough")
    eq(ws.log, "")`,
			Fn: (*socket).close,
		},
		{Name: "close_code", Doc: "The code with which it was closed, None while it is open."},
		{Name: "close_reason", Doc: "The reason that came with the code."},
		{Name: "error", Doc: "None, or what failed: .code, .message, .place, .backtrace."},
		{Name: "headers", Doc: "The fields of the answer to the handshake."},
		{Name: "log", Doc: "What was logged and printed, a line each."},
		{Name: "subprotocol", Doc: "The one that was chosen, or None."},
	},
}

var _ starlark.HasAttrs = (*socket)(nil)

// AttrNames are those of the description.
func (w *socket) AttrNames() []string { return socketType.AttrNames() }

// Attr gives a method or an attribute.
func (w *socket) Attr(name string) (starlark.Value, error) {
	switch name {
	case "close_code":
		if w.code == 0 {
			return starlark.None, nil
		}
		return starlark.MakeInt(w.code), nil
	case "close_reason":
		return starlark.String(w.reason), nil
	case "error":
		return w.x.errorValue(), nil
	case "headers":
		return headers{w.x.sent}, nil
	case "log":
		return starlark.String(strings.Join(append(w.x.journal.lines, ""), "\n")), nil
	case "subprotocol":
		if s := w.conn.Subprotocol(); s != "" {
			return starlark.String(s), nil
		}
		return starlark.None, nil
	}
	if m := socketType.Method(w, name); m != nil {
		return m, nil
	}
	return nil, nil
}
