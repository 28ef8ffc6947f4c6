package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// An engine is a connection to JetStream, of the server in this process or of others, and the streams
// that were asked for. It is safe for concurrent use.
type engine struct {
	grant *Grant
	house *house // nil for a URL
	nc    *nats.Conn
	js    jetstream.JetStream

	mu      sync.Mutex
	lost    time.Time          // when the connection was lost; zero while there is one
	back    chan struct{}      // closed when there is one again
	link    context.Context    // that of the connection, which ends when it is lost
	unlink  context.CancelFunc // ends it
	streams map[string]*opened
	feeds   map[feedKey]*feed
	// followers is how many use the feeds.
	followers int
	follows   map[host.Call]int // of each call
	tallies   map[string]*tally // by subject
	silent    time.Time         // since when a cluster has not answered; zero if it has
	began     time.Time
	untend    context.CancelFunc // ends looking after it
}

const (
	// patience is how long what is asked for waits for a connection that was just lost: another
	// process may take the server over, another node of a cluster may answer.
	patience = 2 * time.Second
	// again is how long the client waits before it tries to connect again.
	again = 100 * time.Millisecond
)

// newEngine connects.
func newEngine(g *Grant) (*engine, error) {
	e := &engine{
		grant: g, streams: make(map[string]*opened), feeds: make(map[feedKey]*feed),
		follows: make(map[host.Call]int), tallies: make(map[string]*tally),
		back: make(chan struct{}), began: time.Now(), untend: func() {},
	}
	e.link, e.unlink = context.WithCancel(context.Background())
	url, options := g.URL, []nats.Option{
		nats.Name("larkspur"), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
		nats.ReconnectWait(again), nats.ReconnectJitter(again, again), nats.Timeout(5 * time.Second),
		nats.DisconnectErrHandler(e.disconnected), nats.ReconnectHandler(e.reconnected),
		nats.ConnectHandler(e.reconnected),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			var lost *net.OpError
			if !errors.As(err, &lost) { // of a lost connection disconnected is told
				g.logger().Warn("state: the server says", slog.Any("error", err))
			}
		}),
	}
	if url == "" {
		dir, err := filepath.Abs(g.Dir) // the process may change its directory
		if err != nil {
			return nil, fmt.Errorf("state: find directory: %w", err)
		}
		e.house = &house{grant: g, dir: dir}
		url, options = "nats://127.0.0.1:4222", append(options, nats.SetCustomDialer(e.house)) // which nobody dials
	} else {
		options = append(options, nats.RetryOnFailedConnect(true))
		if g.Connect != nil {
			options = append(options, nats.SetCustomDialer(dialer{g}), nats.SkipHostLookup())
		}
	}
	if g.Credentials != "" {
		options = append(options, nats.UserCredentials(g.Credentials))
	}
	if g.CA != "" {
		options = append(options, nats.RootCAs(g.CA))
	}
	var err error
	if e.nc, err = nats.Connect(url, options...); err == nil {
		e.js, err = jetstream.New(e.nc)
	}
	if err != nil {
		e.close()
		return nil, e.unconnected(err)
	}
	if e.house != nil {
		e.house.onDial(func() { e.disconnected(e.nc, errEnded) })
	}
	if g.Cluster.Name != "" && !g.Guest {
		var tends context.Context
		tends, e.untend = context.WithCancel(context.Background())
		go e.tend(tends)
	}
	if !e.nc.IsConnected() {
		e.disconnected(e.nc, e.nc.LastError())
	}
	return e, nil
}

// unconnected is the error of a connection that could not be made.
func (e *engine) unconnected(err error) error {
	if e.house != nil {
		return failed(KindUnavailable, "cannot keep anything in %s: %v", e.house.dir, err).because(err)
	}
	return failed(KindUnavailable, "cannot connect to the servers of NATS: %v", err).because(err)
}

// disconnected notes that the connection is lost.
func (e *engine) disconnected(_ *nats.Conn, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.lost.IsZero() {
		return
	}
	e.lost, e.back = time.Now(), make(chan struct{})
	e.unlink()
	switch {
	case err == nil: // it was closed
	case e.house != nil: // whose server was that of a process which has ended: another one goes on with it
		e.grant.logger().Info("state: the process that kept it has ended", slog.Any("error", err))
	default:
		e.grant.logger().Warn("state: the connection is lost", slog.Any("error", err))
	}
}

// reconnected notes that there is a connection.
func (e *engine) reconnected(*nats.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lost.IsZero() {
		return
	}
	e.grant.logger().Info("state: connected again", slog.Duration("after", time.Since(e.lost).Round(time.Millisecond)))
	e.lost = time.Time{}
	e.link, e.unlink = context.WithCancel(context.Background())
	close(e.back)
}

// connected waits for a connection that was lost just now, and returns its context, or an error if
// there is none.
func (e *engine) connected(ctx context.Context) (link context.Context, err error) {
	for {
		e.mu.Lock()
		lost, back, link := e.lost, e.back, e.link
		e.mu.Unlock()
		switch {
		case !lost.IsZero():
			err = until(ctx, back, lost.Add(patience))
		case e.nc.IsConnected():
			return link, nil
		default: // it is lost, which disconnected is told in a moment, on a busy machine later
			err = until(ctx, link.Done(), time.Now().Add(patience))
		}
		if err != nil {
			return nil, err
		}
	}
}

// until waits for something, at most until a time.
func until(ctx context.Context, what <-chan struct{}, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-what:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errAway
	}
}

// errEnded says why another connection is made.
var errEnded = errors.New("its connection has ended")

var (
	errAway   = failed(KindUnavailable, "what keeps it cannot be reached now")
	errQuorum = failed(KindUnavailable, "too few nodes of the cluster can be reached from this one: it takes more "+
		"than half of them")
	errLost = failed(KindUnavailable, "the connection to what keeps it was lost meanwhile")
)

// ask has f ask the server something while there is a connection: an answer that is lost with it is not
// waited for. again has it be asked again then.
func (e *engine) ask(
	ctx context.Context, again bool, f func(ctx context.Context, e *engine) (int64, error),
) (n int64, err error) {
	for {
		link, err := e.connected(ctx)
		if err != nil {
			return 0, err
		}
		asks, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(link, cancel)
		if again {
			err = e.persist(asks, func(ctx context.Context) error { n, err = f(ctx, e); return err })
		} else {
			n, err = f(asks, e)
		}
		stop()
		cancel()
		if again && (errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrDisconnected)) {
			_ = until(ctx, link.Done(), time.Now().Add(patience))
		}
		if err == nil || link.Err() == nil || ctx.Err() != nil {
			return n, err
		}
		var known *Error
		switch {
		case again:
		case errors.As(err, &known):
			return n, err
		default:
			return n, errLost
		}
	}
}

// close ends the connection, and the server.
func (e *engine) close() error {
	if e == nil {
		return nil
	}
	e.untend()
	if e.nc != nil {
		e.nc.Close()
	}
	if e.house != nil {
		e.house.close()
	}
	return nil
}

// explained says what an error of the client means.
func explained(err error) error {
	var api *jetstream.APIError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return failed(KindTimeout, "what keeps it has not answered for %v", maxWait).because(err)
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed),
		errors.Is(err, nats.ErrDisconnected), errors.Is(err, nats.ErrNoResponders),
		errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrConnectionReconnecting),
		errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return failed(KindUnavailable, "%s", errAway.Message).because(err)
	case errors.Is(err, nats.ErrMaxPayload):
		return failed(KindSize, "the value is too large for the server").because(err)
	case errors.As(err, &api):
		return ofServer(api)
	}
	return failed(KindUnavailable, "what keeps it has failed: %v", err).because(err)
}

// Codes of JetStream's errors: server/errors.json of nats-server.
const (
	codeInsufficient    = 10023 // resources
	codeStorage         = 10047 // exceeds what the account or the machine has
	codeMaximumBytes    = 10122
	codeStoreFailed     = 10077
	codeWrongLast       = 10071
	codeWrongLastSame   = 10164
	codeNoMessage       = 10037
	codeMessageTooLarge = 10054
	codeNoPeers         = 10005 // fewer servers than a stream is to have replicas
	codeReplicas        = 10074 // more replicas than one, and no cluster
	codeNotAvailable    = 10008 // the cluster has no leader
	codeNotLeader       = 10009
	codeInProcess       = 10158 // the same message was sent before, and is not acknowledged yet
	codeOffline         = 10118 // the stream's servers
)

// isCode reports whether err is one of JetStream with one of the codes.
func isCode(err error, codes ...jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode)
}

// ofServer says what an error of JetStream means.
func ofServer(api *jetstream.APIError) error {
	switch api.ErrorCode {
	case codeInsufficient, codeStorage, codeMaximumBytes, codeStoreFailed:
		return failed(KindFull, "there is no room for more: %s", api.Description).because(api)
	case codeWrongLast, codeWrongLastSame:
		return failed(KindConflict, "another one changed it meanwhile").because(api)
	case codeNotAvailable, codeNotLeader, codeOffline, codeNoPeers:
		return failed(KindUnavailable, "%s", errQuorum.Message).because(api)
	case codeMessageTooLarge:
		return failed(KindSize, "the value is too large for the server").because(api)
	}
	return failed(KindUnavailable, "what keeps it has failed: %s", api.Description).because(api)
}
