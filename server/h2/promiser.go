package h2

import (
	"net/http"
	"sync"
)

// What follows is what a package that plans promises needs of an http.ResponseWriter, and can ask for without
// importing this one. It may be called concurrently, also after the handler has returned.

// Promises says if the client accepts promises on this response now, and how many more can be made.
func (w *response) Promises() (n int, ok bool) {
	c := w.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	switch w.st.promisable() {
	case nil:
		return c.promisesLeft(), true
	case ErrPushLimit:
		return 0, true
	}
	return 0, false
}

// Promise promises the request r, and answers it with status 200, header and body; see [Stream.Promise]. If
// it returns no error, settled is called with what [Push.Err] is, and perhaps once more: what is small has been sent whole before a
// client can say that it does not want it. It must not block, and not use the connection.
func (w *response) Promise(r *http.Request, header http.Header, body []byte, critical bool, settled func(error)) error {
	_, err := w.st.makePromise(Promise{Method: r.Method, Target: r.RequestURI, Header: r.Header, Critical: critical,
		Answer: &Answer{Header: header, Body: body}}, settled)
	return err
}

// Session is where others keep what they know of the connection. It lives as long as that.
func (w *response) Session() *sync.Map { return &w.st.c.session }

// maxLate is how many promised streams that were sent whole are remembered.
const maxLate = 64

// late are the promised streams that were sent whole and that the client may still reset, by their identifiers.
type late map[uint32]func(error)

// keepLate remembers a promised stream that has ended; c.mu is held.
func (c *conn) keepLate(st *Stream, err error) {
	if err != nil || st.pushed.then == nil {
		return
	}
	if c.late == nil {
		c.late = late{}
	}
	c.late[st.id] = st.pushed.then
	for id := range c.late {
		if len(c.late) > maxLate && id+2*maxLate <= st.id {
			delete(c.late, id)
		}
	}
}

// unwanted says that the client has reset a stream that had been sent whole; c.mu is held.
func (c *conn) unwanted(id uint32, err error) {
	if then := c.late[id]; then != nil {
		delete(c.late, id)
		then(err)
	}
}
