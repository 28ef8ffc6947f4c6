package environ

import (
	"bufio"
	"net"
	"net/http"

	"go.starlark.net/starlark"
)

// An Upgrader is the value of larkspur.websocket, by which an application that is written in Go
// takes over the connection of its request, to speak another protocol on it. It knows nothing of
// that protocol. It belongs to the goroutine that serves the request.
//
// The request goes on until the application returns: its call has its limits while it runs, and
// none of time while it waits in [host.Call.Wait] for as long as the connection is open; it has 30
// seconds to return once that is closed.
type Upgrader interface {
	starlark.Value

	// Handshake returns the request in the form of RFC 6455, section 4.1, a GET with the fields
	// Upgrade and Sec-WebSocket-Key, also where it came as the extended CONNECT of RFC 8441. It
	// must not be changed.
	Handshake() *http.Request

	// Upgrade sends status 101, with what start_response was given, if it was called, and with
	// header, and returns the connection and what has been read of it. Over HTTP/2 it sends 200,
	// without the fields that only HTTP/1.1 has, and the connection is the stream. Its deadlines
	// can be set; none is. Its Close ends reading and writing at once, and may be called from any
	// goroutine and more than once. It is closed when the application has returned.
	//
	// ending is called, at most once and on another goroutine, if the server is about to end: the
	// application is to say so to its client, and return. It is an error to call Upgrade if a
	// response has been sent, or twice.
	Upgrade(header http.Header, ending func()) (net.Conn, *bufio.ReadWriter, error)
}
