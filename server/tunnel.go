package server

import (
	"crypto/sha1"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"time"
)

// Tunnel agrees to the WebSocket that r asks for, with these fields in the response, and passes on
// what comes on either side until one of them ends: the client's connection, and a stream to the
// process that answers. It closes both. When the server ends that r came to it calls ending, which
// has the process say so to the client; nil says so to both, by the status 1001.
func Tunnel(w http.ResponseWriter, r *http.Request, header http.Header, stream io.ReadWriteCloser,
	ending func()) error {
	defer stream.Close()
	h := w.Header()
	maps.Copy(h, header)
	h["Upgrade"], h["Connection"] = []string{websocket}, []string{"Upgrade"}
	h["Sec-Websocket-Accept"] = []string{accepting(r.Header.Get("Sec-Websocket-Key"))}
	w.WriteHeader(http.StatusSwitchingProtocols)
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Time{}) // those of a response
	var toClient, toServer io.Writer = struct{ io.Writer }{c}, stream
	if ending == nil {
		down, up := &frames{to: c}, &frames{to: stream, masked: true}
		toClient, toServer = down, up
		ending = func() {
			go up.end() // each waits for a peer that does not read
			down.end()
		}
	}
	k := &socket{ending: ending, cut: func() { c.Close() }}
	registry := socketsOf(r)
	registry.enter(k)
	defer registry.leave(k)
	done := make(chan error, 2)
	go func() {
		_, err := io.Copy(toServer, rw.Reader)
		done <- err
	}()
	go func() {
		_, err := io.Copy(toClient, stream)
		done <- err
	}()
	err = <-done
	stream.Close()
	c.Close()
	<-done
	return err
}

// accepting is the answer to the key of a client. RFC 6455, section 4.2.2.
func accepting(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
