package worker

import (
	"context"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/hop"
)

// endTimeout is how long a worker may take to hear that its client's server ends.
const endTimeout = 5 * time.Second

// tellEnd has a worker told that the server ends which the client of a request is connected to.
func tellEnd(conn *h2.ClientConn, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	res, err := conn.Do(hop.EndOf(ctx, id), nil)
	if err == nil {
		err = res.Body.Close()
	}
	return err
}

// endless has a worker told when the server ends that r came to, if the response with these fields is
// one that has no end of its own. stop must be called when it has ended.
func endless(r *http.Request, fields []wire.Field, conn *h2.ClientConn, id string) (stop func()) {
	var room [1]string
	types := room[:0]
	for _, f := range fields {
		if f.Name == "Content-Type" {
			types = append(types, f.Value)
		}
	}
	if !server.EventSource(r, types) {
		return func() {}
	}
	return server.OnEnding(r, func() {
		_ = tellEnd(conn, id) // the worker is told itself if it ends, and else the stream is cut off
	})
}

// hears returns h, which is told of the ends of the servers that its clients are connected to.
func hears(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := hop.EndedOf(r); ok {
			server.TellEnding(r, id)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.ServeHTTP(w, r)
	})
}
