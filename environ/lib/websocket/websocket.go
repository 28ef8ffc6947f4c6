// Package websocket is the host module @websocket: an application that answers a request by a
// WebSocket (RFC 6455), over HTTP/1.1, and over HTTP/2 by an extended CONNECT (RFC 8441).
// [Module] describes it; [Member] is its one function, for a module that has more.
//
// # The model
//
// What the client asks for is checked by github.com/coder/websocket, which has the framing too. The
// connection comes from the server, by environ["larkspur.websocket"]; the package knows no server.
//
// A script that waits for a message reads from the connection itself, and with the message what
// comes before it: pings, a close. For a script that only sends, a goroutine reads. In both cases a
// message is read when the script asks for one, so a client that sends much to a script that does
// not read costs no memory. A timer asks a silent client whether it is still there.
package websocket

import (
	"fmt"
	"path"
	"time"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// The defaults of the parameters, and their bounds.
const (
	maxSize     = 1 << 20
	maxMaxSize  = 64 << 20
	ping        = 30.0
	maxPatterns = 100
)

// Module describes @websocket.
func Module() *host.Module {
	return &host.Module{
		Name:    "websocket",
		Doc:     "Conversations with a browser over a WebSocket.",
		Members: []host.Member{Member()},
		Types:   []*host.Type{socketType},
	}
}

// Type describes the value that the function of a WebSocket is called with.
func Type() *host.Type { return socketType }

// Member describes websocket(fn, ...).
func Member() host.Member {
	return host.Member{
		Name: "websocket",
		Doc: "Makes an application that answers a request by a WebSocket, over HTTP/1.1 and over " +
			"HTTP/2, and calls fn(ws) for each. ws has recv, send and close, and is iterable: " +
			"`for message in ws`. When fn returns the WebSocket is closed with 1000; when it fails, " +
			"with 1011, and the error is in the log; when the server ends, with 1001. While fn waits " +
			"for a message others run in its place, and it has the steps and the time of a new " +
			"request for each message. A page of another origin is answered 403, a request that " +
			"asks for no WebSocket 426, a malformed one 400. Messages are not compressed.",
		Params: []host.Param{
			{Name: "fn", Doc: "is called with ws", Type: "callable"},
			{
				Name: "origins",
				Doc: "hosts whose pages may connect, beside that of the request itself: " +
					"`example.com`, `*.example.com`, `https://example.com:8443`. `*` is all",
				Type:    "list of strings",
				Default: starlark.NewList(nil), Pass: host.ByName,
			},
			{
				Name:    "subprotocols",
				Doc:     "the first that the client offers too is chosen, and is ws.subprotocol",
				Type:    "list of strings",
				Default: starlark.NewList(nil), Pass: host.ByName,
			},
			{
				Name: "max_size",
				Doc: "how many bytes a message of the client may have, up to 64 MiB; a larger one " +
					"closes the WebSocket with 1009",
				Type:    "int",
				Default: starlark.MakeInt(maxSize), Pass: host.ByName,
			},
			{
				Name: "ping",
				Doc: "after how many seconds without a message the client is asked whether it is " +
					"there, from 1 to 3600. One that has not answered after as many more, at most " +
					"20, is taken for gone",
				Type:    "int or float",
				Default: starlark.Float(ping), Pass: host.ByName,
			},
		},
		Result: "an application",
		Errors: []host.Failure{{When: "an argument is wrong"}},
		Example: `def echo(ws):
    for message in ws:
        ws.send(message)

app = websocket(echo)
websocket(echo, max_size = 0)  # error: max_size is 0`,
		Fn: newApp,
	}
}

func newApp(a host.Args) (starlark.Value, error) {
	p := new(app)
	var origins, subprotocols, seconds starlark.Value
	if err := a.Unpack(&p.fn, &origins, &subprotocols, &p.maxSize, &seconds); err != nil {
		return nil, err
	}
	var err error
	if p.origins, err = strings(origins, "origins"); err != nil {
		return nil, err
	}
	for _, pattern := range p.origins {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return nil, fmt.Errorf("origins: %q is no host: write \"example.com\"", pattern)
		}
	}
	if p.subprotocols, err = strings(subprotocols, "subprotocols"); err != nil {
		return nil, err
	}
	for _, name := range p.subprotocols {
		if !wire.Token(name) { // RFC 6455, section 4.1, item 10
			return nil, fmt.Errorf("subprotocols: %q is no token", name)
		}
	}
	if p.maxSize < 1 || p.maxSize > maxMaxSize {
		return nil, fmt.Errorf("max_size is %d: write a number of bytes from 1 to %d", p.maxSize,
			maxMaxSize)
	}
	s, ok := starlark.AsFloat(seconds)
	if !ok || !(s >= 1 && s <= 3600) {
		return nil, fmt.Errorf("ping is %v: write a number of seconds from 1 to 3600", seconds)
	}
	p.ping = time.Duration(s * float64(time.Second))
	return p, nil
}

// strings returns the elements of a list of strings.
func strings(list starlark.Value, name string) (all []string, err error) {
	elements, ok := list.(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("%s is %s: write a list of strings", name, list.Type())
	}
	for v := range starlark.Elements(elements) {
		s, ok := starlark.AsString(v)
		if !ok || !utf8.ValidString(s) {
			return nil, fmt.Errorf("%s has %s: write a list of strings", name, v.Type())
		}
		if all = append(all, s); len(all) > maxPatterns {
			return nil, fmt.Errorf("%s has more than %d elements", name, maxPatterns)
		}
	}
	return all, nil
}
