package worker

import (
	"errors"
	"io"
	"net/http"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/hop"
)

// upgrade has a worker answer a request for a WebSocket, over HTTP/2 by an extended CONNECT. RFC
// 8441.
func upgrade(w http.ResponseWriter, r *http.Request, sender *hop.Sender, facts *hop.Facts,
	f *flight, worker take) {
	conn, give, err := worker(r.Context(), f)
	if err != nil {
		refuse(w, r, err)
		return
	}
	defer give()
	out := request(r, nil, sender, facts)
	theirs, ours := io.Pipe()
	defer ours.Close()
	out.Method, out.Body, out.ContentLength = http.MethodConnect, theirs, -1
	out.Header[":protocol"] = []string{"websocket"}
	delete(out.Header, "Sec-Websocket-Key")
	res, err := conn.Do(out, nil)
	switch {
	case err != nil:
		fail(w, r, nil, err)
	case res.StatusCode != http.StatusOK:
		if relay(w, r, res, nil) != nil {
			panic(http.ErrAbortHandler)
		}
	default:
		_ = server.Tunnel(w, r, res.Header, socket{res.Body, ours}) // both ends know
	}
}

// A socket is a stream that is a WebSocket: what the worker sends is read, what it gets is written.
type socket struct {
	io.ReadCloser
	to *io.PipeWriter
}

// Write is io.Writer's.
func (s socket) Write(p []byte) (int, error) { return s.to.Write(p) }

// Close ends both directions.
func (s socket) Close() error { return errors.Join(s.to.Close(), s.ReadCloser.Close()) }
