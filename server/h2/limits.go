package h2

import (
	"net/http"
	"time"
)

// limits are the values that a connection goes by: those of a Server and an http.Server, with the
// defaults put in. They do not change.
type limits struct {
	streams      int
	handlers     int
	promises     int
	headerBytes  int
	headerFields int
	frameSize    int
	streamWindow int32
	connWindow   int32
	decoderTable uint32
	encoderTable uint32
	budget       int

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

// limits puts together what s and hs say: a field of s goes before hs.HTTP2, and that before the
// default.
func (s *Server) limits(hs *http.Server) *limits {
	var hc http.HTTP2Config
	if hs.HTTP2 != nil {
		hc = *hs.HTTP2
	}
	l := &limits{
		streams:      first(s.MaxStreams, hc.MaxConcurrentStreams, 250),
		handlers:     first(s.MaxHandlers, 2048),
		promises:     first(s.MaxPromises, 32),
		headerBytes:  first(hs.MaxHeaderBytes, 64<<10),
		headerFields: first(s.MaxHeaderFields, 512),
		frameSize:    within(minFrameSize, first(hc.MaxReadFrameSize, minFrameSize), maxFrameSize),
		streamWindow: int32(within(1, first(hc.MaxReceiveBufferPerStream, 512<<10), maxWindow)),
		connWindow:   int32(within(defaultWindow, first(hc.MaxReceiveBufferPerConnection, 1<<20), maxWindow)),
		decoderTable: uint32(within(0, first(hc.MaxDecoderHeaderTableSize, defaultTableSize), 4<<20)),
		encoderTable: uint32(within(0, first(hc.MaxEncoderHeaderTableSize, defaultTableSize), 4<<20)),
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
	return l
}

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

func within(low, v, high int) int { return max(low, min(v, high)) }
