package hop

import "net/http"

// switched is the field of a response that agrees to the WebSocket which an extended CONNECT asks for:
// a status that says so is one that any other response may have too.
const switched = "Larkspur-Switched"

// Switch says in the header of a response that it agrees to a WebSocket.
func Switch(h http.Header) { h[switched] = []string{"websocket"} }

// Switched reports whether the response with this header agrees to a WebSocket, and takes out of it
// what says so.
func Switched(h http.Header) bool {
	_, ok := h[switched]
	delete(h, switched)
	return ok
}
