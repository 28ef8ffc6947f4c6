package h2

import (
	"testing"
	"time"
)

// A handler that has written a piece of its body keeps its turn for the time of a write: what is less
// urgent does not fill the output behind it.
func TestFillOutputStops(t *testing.T) {
	c := &conn{srv: new(Server), lim: &limits{}, epoch: time.Now()}
	c.client.frameSize, c.flow.out.n = minFrameSize, 1<<20
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, p := range map[uint32]priority{
		1: {explicit: true, urgency: 5}, 3: {explicit: true, urgency: 0},
	} {
		st := ready(id, 1000, p)
		st.c = c
		if st.flow.out.n = 1 << 20; id == 1 {
			st.out.data = make([]byte, 1<<20)
		}
		c.ready.push(st)
	}
	c.fillOutput()
	if n := len(c.out.buf); n != frameHeaderLen+1000 {
		t.Errorf("%d bytes are in the output, want the 1000 of the urgent stream", n)
	}
	c.fillOutput() // it had nothing more
	if n := len(c.out.buf); n < outputSize/2 {
		t.Errorf("%d bytes are in the output, want it full", n)
	}
}
