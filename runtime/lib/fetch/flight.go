package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A flight is a request on its way: what is waited for, how long still, and what has to be let go of
// in the end. It belongs to the goroutine of the call, but for close.
type flight struct {
	client *client
	asked  *request
	ctx    context.Context
	cancel context.CancelCauseFunc
	length time.Duration // that the request may take
	left   time.Duration // of it
	queued atomic.Bool   // it waits for a slot in the gate
	queue  *queue        // in which it has a slot of the gate, nil if it has none
	feed   *feed         // of the body that is sent, nil if a script does not make it
	body   io.ReadCloser // that is received
	done   []host.Work   // of which nobody has been told yet
	once   sync.Once
	watch  watch // over the wait for it
}

// errSlow ends a flight whose time is over.
var errSlow = errors.New("the time is over")

// errClosed ends one that nobody needs any more.
var errClosed = errors.New("it was closed")

func newFlight(c *client, r *request) *flight {
	f := &flight{client: c, length: c.grant.time(r.timeout), asked: r}
	f.left = f.length
	// It does not end with the context of the call by itself: to listen to that costs a goroutine,
	// and each wait does so anyway.
	f.ctx, f.cancel = context.WithCancelCause(context.Background())
	return f
}

// wait runs do, which blocks, on the call of t.
func (f *flight) wait(t *starlark.Thread, do func() error) error {
	return host.CallOf(t).Wait(func(ctx context.Context) error { return f.within(ctx, do) })
}

// within runs do, which ends with ctx and when no time is left, and says why it failed.
func (f *flight) within(ctx context.Context, do func() error) error {
	f.watch.begin(ctx, f, f.left)
	err := do()
	f.left = f.watch.done()
	if err == nil {
		return nil
	}
	return f.reason(err)
}

// reason is the error that a script gets for one of the transport.
func (f *flight) reason(err error) error {
	cause := context.Cause(f.ctx)
	var known *host.Outage
	var alert *tls.CertificateVerificationError
	switch text := err.Error(); {
	case cause == errSlow && f.queued.Load():
		return failed(timedOut, "others are running, as many as may at once, and none has ended within %v: "+
			"responses are to be read, or closed", f.length).Of(f.asked.shown())
	case cause == errSlow:
		return failed(timedOut, "no answer within %v", f.length).Of(f.asked.shown())
	case cause == errClosed:
		return failed(broken, "the response was closed").Of(f.asked.shown())
	case cause != nil:
		return cause // of the call, whose end this is
	case errors.As(err, &known):
		return known.Of(f.asked.shown())
	case errors.As(err, &alert):
		return failed(unsafe, "%v", err).Of(f.asked.shown())
	case strings.Contains(text, "response headers exceeded"),
		strings.Contains(text, "header list larger"):
		return failed(oversized, "the head of the response is larger than %d bytes", maxHead).Of(f.asked.shown())
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		return failed(broken, "the server broke off").Of(f.asked.shown())
	default:
		return failed(broken, "%s", host.Cut(text)).Of(f.asked.shown())
	}
}

// send sends one request, which the grant has to allow, and returns the head of the response. It
// blocks.
func (f *flight) send(q *http.Request, t target) (*http.Response, error) {
	if err := f.client.allows(t); err != nil {
		return nil, err
	}
	if f.queue == nil {
		f.queued.Store(true)
		queue, err := f.client.gate.enter(f.ctx, t)
		if err != nil {
			return nil, err
		}
		f.queued.Store(false)
		f.queue = queue
	}
	res, err := f.client.transport.RoundTrip(q)
	if err == nil && res.StatusCode == http.StatusSwitchingProtocols {
		// RFC 9110, section 15.2.2: it is for a client that has asked for it.
		_ = res.Body.Close()
		return nil, failed(broken, "the server switched to another protocol, unasked")
	}
	return res, err
}

// maxLeft is how much of the body of a redirect is read so that its connection can be used again.
const maxLeft = 16 << 10

// release lets go of the response of a redirect.
func (f *flight) release(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, maxLeft) // a connection that fails is not used again
	_ = res.Body.Close()
	f.leave()
}

func (f *flight) leave() {
	if f.queue != nil {
		f.client.gate.exit(f.queue)
		f.queue = nil
	}
}

// close lets go of all. It may be called from any goroutine, more than once, but not while another
// method runs.
func (f *flight) close() {
	f.once.Do(func() {
		f.cancel(errClosed)
		if f.body != nil {
			_ = f.body.Close()
		}
		if f.feed != nil {
			_ = f.feed.Close()
		}
		f.leave()
	})
}

// rest reads the body, of length bytes or -1 if that is not known, to its end, or to more than most
// bytes. It blocks.
func (f *flight) rest(most int, length int64) (string, error) {
	if length >= 0 && length <= min(int64(most), small) {
		b := make([]byte, length)
		n, err := io.ReadFull(f.body, b)
		if err == nil {
			// The end has to be seen for the connection to be used again.
			_, err = io.Copy(io.Discard, f.body)
		}
		return string(b[:n]), err
	}
	var b bytes.Buffer
	_, err := b.ReadFrom(io.LimitReader(f.body, int64(most)+1))
	switch {
	case err != nil:
		return "", err
	case b.Len() > most:
		return "", failed(oversized, "the body has more than %d bytes: read it with blocks(), or say "+
			"a larger limit", most)
	}
	return b.String(), nil
}

// observe tells whoever watches the call of t of what has been done.
func (f *flight) observe(t *starlark.Thread) {
	for _, w := range f.done {
		host.Observe(t, w)
	}
	f.done = nil
}
