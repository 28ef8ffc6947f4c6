package h2

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"golang.org/x/net/http2"
)

// Errors that a handler gets from its request's body and its response.
var (
	errGone       = errors.New("h2: the client has gone")
	errEnded      = errors.New("h2: the response has ended")
	errBodyClosed = errors.New("h2: read of a closed request body")
	errDeadline   = fmt.Errorf("h2: %w", os.ErrDeadlineExceeded)
)

// Why a promise cannot be made.
var (
	// The client said so in its SETTINGS, or one side is going away.
	errPushDisabled = fmt.Errorf("h2: the client accepts no promises: %w", http.ErrNotSupported)
	// The client or the server allows no more at once.
	errPushLimit = errors.New("h2: too many promises are open")
	// The page is itself promised, its method is not GET or HEAD, or its response
	// has ended.
	errPushParent = errors.New("h2: the stream cannot carry a promise")
)

// A ResetError is the error of a stream that was reset before it was complete.
// Reads of a body and writes of a response return it, as do requests, and the settled
// function of a promise is called with it.
type ResetError struct {
	Code   http2.ErrCode
	Remote bool // the peer has reset it
}

// Error says by whom, and the code by its name in RFC 9113, section 7.
func (e ResetError) Error() string {
	if e.Remote {
		return fmt.Sprintf("h2: the peer reset the stream: %v", e.Code)
	}
	return fmt.Sprintf("h2: the stream was reset: %v", e.Code)
}

// A connError ends the connection, by a GOAWAY with its code. RFC 9113, section
// 5.4.1. Handlers of streams that were open get it as the reason.
type connError struct {
	code   http2.ErrCode
	reason string // what the client did: debug data of the GOAWAY
}

func (e connError) Error() string { return fmt.Sprintf("h2: %v: %s", e.code, e.reason) }

// A streamError ends one stream, by a RST_STREAM with its code, and the connection
// goes on. RFC 9113, section 5.4.2. It stays in the reader: see resetOn.
type streamError struct {
	id     uint32
	code   http2.ErrCode
	reason string
}

func (e streamError) Error() string {
	return fmt.Sprintf("h2: stream %d: %v: %s", e.id, e.code, e.reason)
}

// protocolError is what most violations are.
func protocolError(reason string) error { return connError{http2.ErrCodeProtocol, reason} }

// frameSizeError is a frame whose length its type does not have. RFC 9113, section
// 4.2: it may be about the whole connection.
func frameSizeError(reason string) error { return connError{http2.ErrCodeFrameSize, reason} }
