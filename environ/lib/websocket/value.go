package websocket

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

var (
	_ starlark.Iterable = (*socket)(nil)
	_ starlark.HasAttrs = (*socket)(nil)
)

// socketType describes ws.
var socketType = &host.Type{
	Name: "websocket",
	Doc:  "A WebSocket, as fn gets it. It belongs to that call of fn.",
	Members: []host.Member{
		{
			Name: "recv",
			Doc: "Waits for the next message. One of text is a string, one of binary data bytes. " +
				"None says that the WebSocket is closed, by whomever.",
			Result: "a string, bytes or None",
			Errors: []host.Failure{{When: "fn has returned, or recv waits already"}},
			Example: `def first(ws):
    message = ws.recv()
    if message != None:
        ws.send("you said " + message)`,
			Fn: (*socket).recv,
		},
		{
			Name: "send",
			Doc: "Sends a message: a string as text, bytes as binary data. It returns when the " +
				"message has been handed to the connection. A client that does not take it within " +
				"a minute is taken for gone.",
			Params: []host.Param{{Name: "message", Doc: "a string or bytes", Type: "string or bytes"}},
			Result: "True, or False if the WebSocket is closed",
			Errors: []host.Failure{
				{When: "message is neither a string nor bytes, or is a string that is not UTF-8"},
				{When: "fn has returned"},
			},
			Example: `def count(ws):
    n = 0
    while ws.send("%d" % n):
        n += 1
        ws.recv()`,
			Fn: (*socket).sendMember,
		},
		{
			Name: "close",
			Doc: "Closes the WebSocket, and waits at most five seconds for the client to do so. " +
				"It may be called more than once: the first counts.",
			Params: []host.Param{
				{Name: "code", Doc: "1000 for a usual end, 1001, 1003, 1007 to 1014, or 3000 to 4999, which " +
					"are for applications", Type: "int", Default: starlark.MakeInt(1000)},
				{Name: "reason", Doc: "what the client may log, at most 123 bytes", Type: "string",
					Default: starlark.String("")},
			},
			Result: "None",
			Errors: []host.Failure{{When: "the code cannot be sent, or the reason is too long"}},
			Example: `def refuse(ws):
    ws.close(4003, "sign in first")`,
			Fn: (*socket).closeMember,
		},
		{Name: "subprotocol", Doc: "The subprotocol that was chosen, or None."},
		{Name: "closed", Doc: "True once the WebSocket is closed, or about to be."},
		{Name: "close_code", Doc: "The code with which the WebSocket was closed, None while it is " +
			"open: 1005 if the client gave none, 1006 if the connection was lost."},
		{Name: "close_reason", Doc: "The reason that came with the code."},
	},
}

// AttrNames are those of the description.
func (w *socket) AttrNames() []string { return socketType.AttrNames() }

// Attr gives a method or an attribute.
func (w *socket) Attr(name string) (starlark.Value, error) {
	switch name {
	case "subprotocol":
		if s := w.conn.Subprotocol(); s != "" {
			return starlark.String(s), nil
		}
		return starlark.None, nil
	case "closed":
		return starlark.Bool(w.shut.Load()), nil
	case "close_code", "close_reason":
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case name == "close_reason":
			return starlark.String(w.reason), nil
		case w.code == 0:
			return starlark.None, nil
		}
		return starlark.MakeInt(w.code), nil
	}
	if m := socketType.Method(w, name); m != nil {
		return m, nil
	}
	return nil, nil
}

func (w *socket) recv(t *starlark.Thread) (starlark.Value, error) {
	v, err := w.next(t)
	if v == nil && err == nil {
		v = starlark.None
	}
	return v, err
}

func (w *socket) sendMember(t *starlark.Thread, message starlark.Value) (bool, error) {
	return w.send(t, message)
}

func (w *socket) closeMember(t *starlark.Thread, code int, reason string) error {
	switch {
	case w.ended.Load():
		return errEnded
	case !sendable(code):
		return fmt.Errorf("code %d cannot be sent: write 1000, or one from 3000 to 4999", code)
	case len(reason) > 123: // RFC 6455, section 5.5
		return fmt.Errorf("the reason has %d bytes, more than 123", len(reason))
	case !utf8.ValidString(reason):
		return fmt.Errorf("the reason is not UTF-8")
	}
	return host.CallOf(t).Wait(func(context.Context) error {
		w.close(websocket.StatusCode(code), reason)
		return nil
	})
}

// sendable reports whether a close may have the code. RFC 6455, section 7.4.
func sendable(code int) bool {
	switch code {
	case 1000, 1001, 1003:
		return true
	}
	return code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
}

// Iterate gives the messages until the WebSocket is closed.
func (w *socket) Iterate() starlark.Iterator { return &iterator{w: w} }

// An iterator gives the messages of a socket. It tells a failure to the call, for a for loop cannot
// fail.
type iterator struct {
	w   *socket
	err error
}

var _ host.Poller = (*iterator)(nil)

func (i *iterator) Next(p *starlark.Value) bool {
	v, err := i.w.next(i.w.thread)
	if err != nil {
		host.CallOf(i.w.thread).Fail(err)
		i.err = err
	}
	if v == nil {
		return false
	}
	*p = v
	return true
}

// Polls is [host.Poller]'s.
func (i *iterator) Polls() bool { return !i.w.stepped }

// Poll is [host.Poller]'s.
func (i *iterator) Poll(p *starlark.Value) (ok bool, later <-chan struct{}) {
	i.w.reader.start(i.w)
	b := i.w.reader.behind()
	if b == nil || i.w.ended.Load() {
		return i.Next(p), nil
	}
	i.w.unread = 0
	v, later := b.poll()
	if v == nil {
		return false, later
	}
	progress(host.CallOf(i.w.thread))
	*p = v
	return true, nil
}

func (i *iterator) Done()      {}
func (i *iterator) Err() error { return i.err }
