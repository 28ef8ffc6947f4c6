package worker

import (
	"errors"
	"io"
	"maps"
	"net/http"

	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/hop"
)

// upgrade has a worker answer a request for a WebSocket, over HTTP/2 by an extended CONNECT. RFC
// 8441.
func upgrade(w http.ResponseWriter, r *http.Request, sender *hop.Sender, f *flight, worker take) {
	for tries := 1; ; tries++ {
		conn, err := worker(f)
		if err != nil {
			refuse(w, r, err)
			return
		}
		out := *request(r, nil, &f.facts)
		theirs, ours := io.Pipe()
		out.Method, out.Body, out.ContentLength = http.MethodConnect, theirs, -1
		out.Header = maps.Clone(out.Header)
		out.Header[":protocol"] = []string{"websocket"}
		delete(out.Header, "Sec-Websocket-Key")
		res, fields, err := conn.Forward(&out, sender.Fields(nil, &f.facts), nil)
		header := http.Header{}
		if err == nil {
			f.begins()
			wire.SetFields(header, fields, -1)
		}
		switch {
		case err != nil:
			ours.Close()
		case !hop.Switched(header):
			ours.Close()
			err := relay(w, r, res, fields, nil)
			f.give(err)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			return
		default:
			stream := socket{res.Body, ours}
			f.give(server.Tunnel(w, r, header, stream, func() {
				if tellEnd(conn, f.facts.ID) != nil {
					stream.Close()
				}
			}))
			return
		}
		f.give(err)
		// The application has got nothing of what the client wants to say.
		if !f.repeatable(r, err, tries) {
			fail(w, r, f, nil, err)
			return
		}
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
