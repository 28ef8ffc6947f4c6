package mail

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	gomail "github.com/wneessen/go-mail"
	"go.starlark.net/starlark"
)

// A server is who takes the mails of a grant. It is safe for concurrent use.
type server struct {
	account *account
	grant   *Grant
	slots   chan struct{}

	mu    sync.Mutex
	calls map[host.Call]int // how many mails each call has sent
}

// send sends m on the call of t.
func (s *server) send(t *starlark.Thread, m *Mail) error {
	if !s.some() {
		return failed(refused, "no server is granted; %s", s.grant.advice())
	}
	if err := s.count(host.CallOf(t)); err != nil {
		return err
	}
	msg, err := m.message()
	if err != nil {
		return err
	}
	n := len(m.to) + len(m.cc) + len(m.bcc)
	w := host.Work{Kind: "mail", Text: "mail to the outbox", Began: time.Now(), Count: int64(n),
		Unit: "recipients"}
	outbox := s.grant.Outbox
	switch {
	case s.account.host != "":
		w.Text = "mail by " + net.JoinHostPort(s.account.host, strconv.Itoa(s.account.port))
		err = host.CallOf(t).Wait(func(ctx context.Context) error { return s.deliver(ctx, msg) })
	default:
		err = measure(msg, s.grant.size())
	}
	switch {
	case err != nil:
	case s.grant.trial != nil:
		err = s.grant.trial.take(m)
	case outbox != nil:
		outbox.Add(m, s.account.host != "")
	}
	w.Took, w.Err, w.Seen = time.Since(w.Began), err, s.seen(m, err)
	host.Observe(t, w)
	return err
}

// seen is what a test has to know of a mail.
func (s *server) seen(m *Mail, err error) *host.Letter {
	l := &host.Letter{To: m.To, Subject: m.Subject}
	if m.sender == s.from() { // the very one
		l.Granted = m.Sender
	}
	if kind := host.KindOf(err); err != nil && slices.Contains(failures, kind) {
		l.Failure = kind
	}
	return l
}

// some reports whether there is anything that takes mails.
func (s *server) some() bool {
	return s.account.host != "" || s.grant.trial != nil || s.grant.Outbox != nil
}

// from is the sender of mails that name none, nil if there is none.
func (s *server) from() *mail.Address {
	if s.grant.trial != nil {
		return s.grant.trial.from()
	}
	return s.account.from
}

// count counts the mails of a call. One that never ends has no bound.
func (s *server) count(c host.Call) error {
	if c.Context().Done() == nil {
		return nil
	}
	s.mu.Lock()
	n, known := s.calls[c]
	if n < s.grant.perCall() {
		s.calls[c] = n + 1
	}
	s.mu.Unlock()
	switch {
	case n >= s.grant.perCall():
		return failed(excessive, "one call sends up to %d mails", s.grant.perCall())
	case !known:
		c.OnEnd(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.calls, c)
		})
	}
	return nil
}

// deliver gives a message to the server. It blocks.
func (s *server) deliver(ctx context.Context, msg *gomail.Msg) error {
	limited, cancel := context.WithTimeoutCause(ctx, s.grant.timeout(), errSlow)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-limited.Done():
		return s.reason(limited, broken, context.Cause(limited))
	}
	if err := measure(msg, s.grant.size()); err != nil {
		return err
	}
	l := &line{server: s, ctx: limited}
	defer l.close()
	client, err := gomail.NewClient(s.account.host, l.options()...)
	if err != nil {
		return s.reason(limited, broken, err)
	}
	conn, err := client.DialToSMTPClientWithContext(limited)
	if err != nil {
		return s.reason(limited, l.stage(), err)
	}
	if err := client.SendWithSMTPClient(conn, msg); err != nil && !msg.IsDelivered() {
		return s.reason(limited, "", err)
	}
	_ = client.CloseWithSMTPClient(conn) // the server has the mail, however it says good-bye
	return nil
}

// errSlow ends a delivery whose time is over.
var errSlow = errors.New("the time is over")

// reason is the error that a script gets. kind is that of the step which failed, "" for the mail
// itself.
func (s *server) reason(ctx context.Context, kind string, err error) error {
	var known *host.Outage
	var send *gomail.SendError
	switch cause := context.Cause(ctx); {
	case cause == errSlow:
		return failed(timedOut, "the server has not taken the mail within %v", s.grant.timeout())
	case cause != nil:
		return cause // of the call, whose end this is
	case errors.As(err, &known):
		return known
	case insecure(err):
		kind = unsafe
	case kind != "":
	case errors.As(err, &send) && send.ErrorCode() >= 400:
		kind = rejected
	default:
		kind = broken
	}
	return failed(kind, "%s", host.Cut(s.discreet(err.Error())))
}

// insecure reports whether an error is that of a connection which could not be secured.
func insecure(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) ||
		strings.Contains(err.Error(), "does not support STARTTLS")
}

// discreet is a text without the password, in whatever way a server repeats it.
func (s *server) discreet(text string) string {
	a := s.account
	if a.password == "" {
		return text
	}
	for _, secret := range []string{a.password, a.user + "\x00" + a.password, "\x00" + a.user + "\x00" + a.password} {
		text = strings.ReplaceAll(text, base64.StdEncoding.EncodeToString([]byte(secret)), "***")
	}
	return strings.ReplaceAll(text, a.password, "***")
}

// A meter counts what is written to it, up to a bound.
type meter struct{ left int }

var errLarge = errors.New("it is too large")

func (m *meter) Write(p []byte) (int, error) {
	if m.left -= len(p); m.left < 0 {
		return 0, errLarge
	}
	return len(p), nil
}

// measure returns an error if a message has more than most bytes as it is sent.
func measure(msg *gomail.Msg, most int) error {
	m := &meter{most}
	if _, err := msg.WriteTo(m); err != nil {
		if m.left < 0 {
			return failed(excessive, "the mail has more than %d bytes as it is sent", most)
		}
		return fmt.Errorf("mail: write message: %w", err)
	}
	return nil
}

// A line is the connection of one delivery. The library listens to no context once it has connected,
// and leaves a connection open that failed: both are done here.
type line struct {
	server *server
	ctx    context.Context

	mu   sync.Mutex
	conn net.Conn
	stop func() bool
	kind string // of what fails now
}

// stage is the kind of the failure of the step that was begun last.
func (l *line) stage() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kind == "" {
		return unreached
	}
	return l.kind
}

func (l *line) enter(kind string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kind = kind
}

// dial connects, and for smtps secures what it has connected.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connect := l.server.grant.Connect
	if connect == nil {
		connect = new(net.Dialer).DialContext
	}
	conn, err := connect(ctx, network, address)
	if err != nil {
		return nil, failed(unreached, "no connection to %s: %v", address, err)
	}
	l.mu.Lock()
	l.conn, l.kind = conn, broken
	l.stop = context.AfterFunc(l.ctx, func() { _ = conn.Close() })
	l.mu.Unlock()
	bounded := &bounded{Conn: conn, left: maxHeard}
	if !l.server.account.direct {
		return bounded, nil
	}
	secure := tls.Client(bounded, l.config())
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, failed(unsafe, "no secure connection to %s: %v", address, err)
	}
	return secure, nil
}

// config is how a connection is secured.
func (l *line) config() *tls.Config {
	return &tls.Config{ServerName: l.server.account.host, RootCAs: l.server.grant.Roots}
}

// options are those of the library for this delivery.
func (l *line) options() []gomail.Option {
	a := l.server.account
	policy := gomail.TLSMandatory
	if a.plain || a.direct {
		policy = gomail.NoTLS // or already
	}
	options := []gomail.Option{
		// That of the library comes later than ours, which says what it was.
		gomail.WithPort(a.port), gomail.WithTimeout(l.server.grant.timeout() + time.Minute),
		gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(l.config()),
		gomail.WithDialContextFunc(l.dial), gomail.WithoutNoop(),
	}
	if a.user != "" {
		options = append(options, gomail.WithSMTPAuthCustom(&login{line: l}))
	}
	return options
}

// close lets go of the connection.
func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
}

// maxHeard is how many bytes a server may say: the library reads lines of any length.
const maxHeard = 1 << 20

// A bounded is a connection of which so much can be read.
type bounded struct {
	net.Conn
	left int // the reader's
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
