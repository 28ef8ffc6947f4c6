// Package pushtest is an HTTP/2 client that takes promises, for tests of what a server pushes.
//
// Go's own client sends SETTINGS_ENABLE_PUSH=0, and browsers do so too. This one is for looking: it
// says what it is told to say, keeps what it gets, and judges.
//
//	c, err := pushtest.Dial(ctx, server.URL, nil)
//	...
//	defer c.Close()
//	page := c.Get("/page")
//	if err := page.WaitAll(); err != nil { ... }
//	for _, p := range page.Promises {
//		fmt.Println(p.Request.Target, p.Status, len(p.Body))
//	}
//
// The model has four parts.
//
//   - A [Client] is one connection. [Settings] say what it tells the server about itself, and
//     [Client.Change] says something else later.
//   - An [Exchange] is a request and what became of it: interim responses, promises, the final
//     response, a reset. A promised request is an Exchange like one that was asked for; its Page
//     tells them apart.
//   - A [Frame] is a line of the log. [Client.Frames] is the order of things, and [Client.Until]
//     waits for one, so that a test needs no sleep.
//   - A [Violation] is something that a server must not do. The client goes on as far as RFC 9113
//     lets a client go on, so that a test sees what comes of it.
//
// Everything has a bound. The context given to Dial ends the connection, each wait ends after
// [Settings].Timeout, and bodies, frames and header blocks are kept up to limits. No goroutine
// outlives [Client.Close]. It is not a client for the open web: there are no redirects, cookies,
// pools or retries.
package pushtest

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"time"

	"golang.org/x/net/http2"
)

// Settings are what a client tells the server, and how it behaves. The zero value takes promises
// and has the values that RFC 9113 begins with.
//
// Where zero leaves a parameter out of the SETTINGS frame, a negative number sends a zero.
type Settings struct {
	NoPush               bool // send SETTINGS_ENABLE_PUSH=0
	MaxConcurrentStreams int  // how many promised streams may be open; zero: no limit
	InitialWindowSize    int  // of each stream; zero: 65,535
	HeaderTableSize      int  // of HPACK; zero: 4,096
	MaxFrameSize         int  // zero: 16,384
	MaxHeaderListSize    int  // zero: none is told

	// ConnectionWindow is the window of the connection; zero is 65,535, and less cannot be.
	ConnectionWindow int

	// Hold keeps the client from giving window back, so that a server gets what the windows
	// hold and what [Client.Update] adds.
	Hold bool

	// OnPromise looks at a promise as it comes. The promised stream is reset with the code that it
	// returns; NO_ERROR takes the promise. It may read Request and Page of its argument, and must
	// not wait for anything of this client. Nil takes every promise; [Refuse] takes none.
	OnPromise func(promise *Exchange) http2.ErrCode

	// TLS is the configuration for https. Nil trusts what the system trusts. The client adds the
	// name of the server, if there is none, and its protocols.
	TLS *tls.Config

	// DialContext makes the connection, below TLS; nil uses net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// Timeout bounds Dial, each wait for an exchange or a frame, and each write. Zero is 30
	// seconds.
	Timeout time.Duration

	// MaxBody is how many bytes of bodies a connection keeps; what is more is counted in
	// [Exchange].Size and forgotten. Zero is 64 MiB.
	MaxBody int

	// MaxFrames is how many frames the log keeps. Zero is 100,000.
	MaxFrames int
}

// Bounds of what a server can make a client keep.
const (
	maxPromises   = 10_000   // on a connection
	maxBlock      = 1 << 20  // bytes of a header block, before and after HPACK
	maxLog        = 64 << 20 // bytes of fields and debug data in the log
	maxViolations = 1000
	maxOut        = 16 << 20 // bytes waiting for a server that does not read
	maxWaiting    = 1000     // exchanges that may wait for the server's limit of streams
)

// Refuse refuses every promise: it is for OnPromise of [Settings].
func Refuse(*Exchange) http2.ErrCode { return http2.ErrCodeRefusedStream }

// withDefaults returns s with its zero bounds filled in; s may be nil.
func (s *Settings) withDefaults() Settings {
	var d Settings
	if s != nil {
		d = *s
	}
	if d.Timeout <= 0 {
		d.Timeout = 30 * time.Second
	}
	if d.MaxBody <= 0 {
		d.MaxBody = 64 << 20
	}
	if d.MaxFrames <= 0 {
		d.MaxFrames = 100_000
	}
	return d
}

// frame is the SETTINGS frame that s asks for.
func (s *Settings) frame() []http2.Setting {
	var all []http2.Setting
	push := uint32(1)
	if s.NoPush {
		push = 0
	}
	// Said even where it is the default: a reader of the log looks for it.
	all = append(all, http2.Setting{ID: http2.SettingEnablePush, Val: push})
	for _, p := range []struct {
		id    http2.SettingID
		value int
	}{
		{http2.SettingMaxConcurrentStreams, s.MaxConcurrentStreams},
		{http2.SettingInitialWindowSize, s.InitialWindowSize},
		{http2.SettingHeaderTableSize, s.HeaderTableSize},
		{http2.SettingMaxFrameSize, s.MaxFrameSize},
		{http2.SettingMaxHeaderListSize, s.MaxHeaderListSize},
	} {
		if p.value != 0 {
			n := min(max(int64(p.value), 0), math.MaxUint32) // an int may have 32 bits
			all = append(all, http2.Setting{ID: p.id, Val: uint32(n)})
		}
	}
	return all
}
