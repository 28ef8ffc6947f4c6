package host

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"
)

// An Exchange is what a [Work] has Seen that asked another server.
type Exchange struct {
	Method string
	URL    *url.URL // whole, with what is secret in its query; it is not to be changed
	Status int      // 0 if there was no answer
	// Type and Location are those fields of the answer, "" for one that it has not.
	Type, Location string
	// Failure is the kind of the failure, if there was no answer and it is one that a test can have
	// happen.
	Failure string

	mu   sync.Mutex
	body string
	size int // of the whole body; -1 if it was not read, or not at once
}

// maxSeen is how many bytes of a body are kept.
const maxSeen = 16 << 10

// Read notes the body of the answer, of which the beginning is kept. It may be called once what was
// done has been observed.
func (e *Exchange) Read(body string) {
	kept := body
	if len(body) > maxSeen {
		kept = strings.Clone(body[:maxSeen])
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.body, e.size = kept, len(body)
}

// Unread notes that the body is not known.
func (e *Exchange) Unread() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.size = -1
}

// Body returns the beginning of the body of the answer, and how many bytes it has in all; -1 if that
// is not known.
func (e *Exchange) Body() (beginning string, size int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.body, e.size
}

// exchange is an Exchange as JSON has it.
type exchange struct {
	Method, URL, Type, Location, Failure, Body string
	Status, Size                               int
}

// MarshalJSON is json.Marshaler's.
func (e *Exchange) MarshalJSON() ([]byte, error) {
	body, size := e.Body()
	return json.Marshal(exchange{e.Method, e.URL.String(), e.Type, e.Location, e.Failure, body, e.Status, size})
}

// UnmarshalJSON is json.Unmarshaler's.
func (e *Exchange) UnmarshalJSON(p []byte) error {
	var x exchange
	err := json.Unmarshal(p, &x)
	if err == nil {
		e.URL, err = url.Parse(x.URL)
	}
	e.Method, e.Type, e.Location, e.Failure = x.Method, x.Type, x.Location, x.Failure
	e.Status, e.body, e.size = x.Status, x.Body, x.Size
	return err
}

// A Letter is what a [Work] has Seen that sent a mail.
type Letter struct {
	To      []string
	Subject string
	// Granted is the sender, if it was the one that was granted; "" if the program said its own.
	Granted string
	// Failure is the kind of the failure, if the mail was not taken and it is one that a test can
	// have happen.
	Failure string
}
