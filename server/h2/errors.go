package h2

import (
	"errors"
	"fmt"

	"golang.org/x/net/http2"
)

// Errors that a handler meets at its request and response.
var (
	errGone       = errors.New("h2: the client has gone")
	errEnded      = errors.New("h2: the response has ended")
	errBodyClosed = errors.New("h2: read of a closed request body")
)

// Why a promise cannot be made.
var (
	// The client said so in its SETTINGS, or one side is going away.
	errPushDisabled = errors.New("h2: the client accepts no promises")
	// The client or the server allows no more at once.
	errPushLimit = errors.New("h2: too many promises are open")
	// The page is itself promised, its method is not GET or HEAD, or its response has ended.
	errPushParent = errors.New("h2: the stream cannot carry a promise")
)

// A ResetError says that a stream was reset before it was complete, and by whom.
type ResetError struct {
	Code   http2.ErrCode
	Remote bool // by the client
}

func (e ResetError) Error() string {
	if e.Remote {
		return fmt.Sprintf("h2: the client reset the stream: %v", e.Code)
	}
	return fmt.Sprintf("h2: the stream was reset: %v", e.Code)
}

// A connError ends the connection, by a GOAWAY with its code. RFC 9113, section 5.4.1.
type connError struct {
	code   http2.ErrCode
	reason string // debug data of the GOAWAY; says what the client did
}

func (e connError) Error() string { return fmt.Sprintf("h2: %v: %s", e.code, e.reason) }

// A streamError ends one stream, by a RST_STREAM with its code. RFC 9113, section 5.4.2.
type streamError struct {
	id     uint32
	code   http2.ErrCode
	reason string
}

func (e streamError) Error() string {
	return fmt.Sprintf("h2: stream %d: %v: %s", e.id, e.code, e.reason)
}

// protocolError, and its like below, are what most violations are.
func protocolError(reason string) error { return connError{http2.ErrCodeProtocol, reason} }
func frameSizeError(reason string) error {
	return connError{http2.ErrCodeFrameSize, reason}
}
