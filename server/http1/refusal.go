package http1

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
)

// refusal stands in no head: whatever line it comes into, net/http refuses that for its NUL.
const refusal = "\x00\r\n\r\n"

// refuse ends what passes; the answer has the status.
func (c *conn) refuse(status int) int {
	c.over, c.instead, c.status = true, refusal, status
	return 0
}

// tooLong is the status for a line that is. RFC 9110, section 15.5.15; RFC 6585, section 5.
func (c *conn) tooLong(line []byte) int {
	switch {
	case c.head.began:
		return http.StatusRequestHeaderFieldsTooLarge
	case bytes.IndexByte(line, ' ') >= 0:
		return http.StatusRequestURITooLong
	}
	return http.StatusBadRequest // it is the method
}

// linger is how long a client that was refused may go on to send: if it were cut off, a reset could
// overtake the answer.
const linger = 500 * time.Millisecond

// answer writes the answer to what was refused, and ends the server's side of the connection.
func (c *conn) answer(status int) error {
	text := strconv.Itoa(status) + " " + http.StatusText(status)
	_, err := io.WriteString(c.Conn, "HTTP/1.1 "+text+"\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"+
		"Content-Length: "+strconv.Itoa(len(text)+1)+"\r\n"+
		"Date: "+time.Now().UTC().Format(http.TimeFormat)+"\r\nConnection: close\r\n\r\n"+text+"\n")
	if err != nil || c.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(linger)) != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, c.Conn) // until the client has closed it too, or the time is over
	return nil
}
