package h2

import (
	"io"
	"testing"
)

// A handler that has read the whole body finds that the client's side of the stream has ended: else its
// response would be followed by a reset, which asks the client not to send the rest.
func TestEndBody(t *testing.T) {
	for i := range 10_000 {
		c := &conn{srv: new(Server)}
		st := &stream{c: c, id: 1}
		st.req.body = newBody(st, -1)
		done := make(chan bool, 1)
		go func() {
			if _, err := io.Copy(io.Discard, st.req.body); err != nil {
				t.Error(err)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			done <- st.state.remoteDone
		}()
		if err := (&reader{c: c}).endBody(st); err != nil {
			t.Error(err)
		}
		if !<-done {
			t.Fatalf("after %d bodies, one had been read and not ended", i)
		}
	}
}
