package h2

import (
	"net/http"
	"time"
)

// DefaultMaxHeaderFields is how many fields a header may have where nothing else is said.
const DefaultMaxHeaderFields = 512

// limits are the values that a connection goes by: those of a Server and an
// http.Server, with the defaults put in, which their documentation names. They are
// made once for both, when the first connection comes, and do not change.
type limits struct {
	streams      int    // open at once, and handlers that run for them
	handlers     int    // that run at once, of all connections
	promises     int    // open at once; negative: none
	headerBytes  int    // of a header list, as RFC 9113, section 10.5.1, counts them
	headerFields int    // of a header list
	headerMemory int    // of all connections: see memory.go
	frameSize    int    // of the client's frames
	streamWindow int32  // for what the client sends on a stream
	connWindow   int32  // for what it sends
	decoderTable uint32 // the largest that the client may use
	encoderTable uint32 // the largest that this server uses
	budget       int    // see budget

	// None of these is zero; one that does not apply is negative.
	headerTimeout   time.Duration
	readTimeout     time.Duration
	writeTimeout    time.Duration
	idleTimeout     time.Duration
	byteTimeout     time.Duration
	pingAfter       time.Duration
	pingTimeout     time.Duration
	settingsTimeout time.Duration
	stallTimeout    time.Duration

	extendedConnect bool
	anyCipher       bool
	countError      func(string)
}

// limits puts together what s and hs say: a field of s goes before hs.HTTP2, and
// that before the default. What a peer could not be told, or HTTP/2 has no room
// for, is moved into the range that there is.
func (s *Server) limits(hs *http.Server) *limits {
	var hc http.HTTP2Config
	if hs.HTTP2 != nil {
		hc = *hs.HTTP2
	}
	// RFC 9113, section 6.9.2: the window of a connection is never below its
	// default.
	connWindow := first(hc.MaxReceiveBufferPerConnection, 1<<20)
	decoderTable := first(hc.MaxDecoderHeaderTableSize, defaultTableSize)
	encoderTable := first(hc.MaxEncoderHeaderTableSize, defaultTableSize)
	return &limits{
		streams:      first(s.MaxStreams, hc.MaxConcurrentStreams, 250),
		handlers:     first(s.MaxHandlers, 2048),
		promises:     first(s.MaxPromises, 32),
		headerBytes:  first(hs.MaxHeaderBytes, 64<<10),
		headerFields: first(s.MaxHeaderFields, DefaultMaxHeaderFields),
		headerMemory: first(s.MaxHeaderMemory, 16<<20),
		frameSize:    within(minFrameSize, first(hc.MaxReadFrameSize, minFrameSize), maxFrameSize),
		streamWindow: int32(within(1, first(hc.MaxReceiveBufferPerStream, 512<<10), maxWindow)),
		connWindow:   int32(within(defaultWindow, connWindow, maxWindow)),
		decoderTable: uint32(within(0, decoderTable, maxTableSize)),
		encoderTable: uint32(within(0, encoderTable, maxTableSize)),
		budget:       first(s.ControlBudget, 4000),

		headerTimeout:   first(hs.ReadHeaderTimeout, hs.ReadTimeout, 10*time.Second),
		readTimeout:     first(hs.ReadTimeout, -1),
		writeTimeout:    first(hs.WriteTimeout, -1),
		idleTimeout:     first(hs.IdleTimeout, hs.ReadTimeout, 2*time.Minute),
		byteTimeout:     first(hc.WriteByteTimeout, 15*time.Second),
		pingAfter:       first(hc.SendPingTimeout, -1),
		pingTimeout:     first(hc.PingTimeout, 15*time.Second),
		stallTimeout:    first(s.StallTimeout, time.Minute),
		settingsTimeout: first(s.SettingsTimeout, 10*time.Second),

		extendedConnect: s.ExtendedConnect,
		anyCipher:       hc.PermitProhibitedCipherSuites,
		countError:      hc.CountError,
	}
}

// maxTableSize is the largest table of HPACK that a connection is given memory for.
const maxTableSize = 4 << 20

// first is the first of vs that is not zero.
func first[T comparable](vs ...T) T {
	var zero T
	for _, v := range vs {
		if v != zero {
			return v
		}
	}
	return zero
}

// within is v, or the bound that it is beyond.
func within(low, v, high int) int { return max(low, min(v, high)) }
