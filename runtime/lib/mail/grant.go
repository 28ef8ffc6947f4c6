package mail

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A Grant says which server takes the mails of a program. The zero value grants none. It must not be
// copied or changed once a program has it, and is then safe for concurrent use.
type Grant struct {
	// URL is that of the server:
	//
	//	smtp://user:password@host:587?from=Notes <notes@example.com>   STARTTLS, and nothing without
	//	smtp://host:25?tls=none                                        without TLS
	//	smtps://user:password@host:465                                 TLS from the beginning
	//
	// The ports stand there as they are if none is said. from is the sender of mails that name none.
	// A password is sent without TLS to this machine only, but for SCRAM and CRAM-MD5, which do not
	// show it.
	URL string
	// Advice says how a server is granted, in the words of whoever runs the program. Empty says
	// grant mail=smtp://USER:PASSWORD@HOST.
	Advice string
	// Timeout is how long a mail may take in all. Zero means 30 seconds.
	Timeout time.Duration
	// Size is how many bytes a mail may have, as it is sent. Zero means 25 MiB.
	Size int
	// Recipients is how many a mail may have. Zero means 100.
	Recipients int
	// PerCall is how many mails one call of a script may send. Zero means 20.
	PerCall int
	// AtOnce is how many mails may be on their way at once; more wait. Zero means 4.
	AtOnce int
	// Outbox, if not nil, keeps the last mails, for whoever develops the program. They are sent, too,
	// unless URL is empty.
	Outbox *Outbox
	// Connect connects to the server's HOST:PORT, as Dial of a Grant in another process does. Nil means
	// that this process does. It may be called from any number of goroutines.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
	// Roots are the certificates that are trusted. Nil means those of the system.
	Roots *x509.CertPool

	once   sync.Once
	server *server
	err    error
	trial  *trial // not nil if it is a trial's
}

var _ host.Tester = (*Grant)(nil)

// Check returns what is wrong with URL, nil if nothing is. No password is in the error.
func (g *Grant) Check() error {
	_, err := g.account()
	return err
}

// Dial connects to the server of URL, which address names as HOST:PORT, and to no other. It is for
// whoever makes the connections of a program in another process, and says nothing.
func (g *Grant) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	a, err := g.account()
	if err != nil {
		return nil, err
	}
	if network != "tcp" || a.host == "" || address != net.JoinHostPort(a.host, strconv.Itoa(a.port)) {
		return nil, failed(refused, "%s is not the server of mail that is granted", host.Cut(address))
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// An account is what a URL says.
type account struct {
	host           string // "" if no server is granted
	port           int
	direct         bool // TLS from the beginning
	plain          bool // no TLS at all
	user, password string
	from           *mail.Address // nil if it is not said
}

// account reads the URL.
func (g *Grant) account() (*account, error) {
	if g.URL == "" {
		return new(account), nil
	}
	// The errors of package url have the URL in them, and that has the password.
	u, err := url.Parse(g.URL)
	if err != nil {
		return nil, fmt.Errorf("mail: grant URL: it cannot be read; characters of the user and the " +
			"password have to be escaped, as %%40 for @")
	}
	a := &account{host: u.Hostname(), direct: u.Scheme == "smtps", port: 587}
	switch {
	case u.Scheme != "smtp" && !a.direct:
		return nil, fmt.Errorf("mail: grant URL: the scheme is %q, not smtp or smtps", u.Scheme)
	case a.host == "" || u.Opaque != "":
		return nil, fmt.Errorf("mail: grant URL: there is no host in it")
	case u.Path != "" && u.Path != "/", u.Fragment != "":
		return nil, fmt.Errorf("mail: grant URL: nothing stands behind the host but ?from= and tls=")
	}
	if a.direct {
		a.port = 465
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("mail: grant URL: %q is no port", port)
		}
		a.port = int(n)
	}
	a.user = u.User.Username()
	a.password, _ = u.User.Password()
	if (a.user == "") != (a.password == "") {
		return nil, fmt.Errorf("mail: grant URL: there is a user without a password, or the other way round")
	}
	return a, a.options(u)
}

// options reads what is behind the question mark.
func (a *account) options(u *url.URL) error {
	// A + is no blank here: it is frequent in addresses.
	query, err := url.ParseQuery(strings.ReplaceAll(u.RawQuery, "+", "%2B"))
	if err != nil {
		return fmt.Errorf("mail: grant URL: what is behind the ? cannot be read")
	}
	for name, values := range query {
		value := values[len(values)-1]
		switch {
		case name == "from":
			if a.from, err = parseAddress(value); err != nil {
				return fmt.Errorf("mail: grant URL: from: %w", err)
			}
		case name == "tls" && value == "none" && !a.direct:
			a.plain = true
		case name == "tls" && value == "starttls" && !a.direct:
		case name == "tls":
			return fmt.Errorf("mail: grant URL: tls is starttls or none, and neither for smtps")
		default:
			return fmt.Errorf("mail: grant URL: there is no %q: from and tls", name)
		}
	}
	return nil
}

// open returns the server, which is one for all programs.
func (g *Grant) open() (*server, error) {
	g.once.Do(func() {
		var a *account
		if a, g.err = g.account(); g.err == nil {
			g.server = &server{account: a, grant: g, calls: make(map[host.Call]int),
				slots: make(chan struct{}, cmp.Or(g.AtOnce, 4))}
		}
	})
	return g.server, g.err
}

func (g *Grant) timeout() time.Duration { return cmp.Or(g.Timeout, 30*time.Second) }
func (g *Grant) size() int              { return cmp.Or(g.Size, 25<<20) }
func (g *Grant) recipients() int        { return cmp.Or(g.Recipients, 100) }
func (g *Grant) perCall() int           { return cmp.Or(g.PerCall, 20) }

// advice says how a server is granted.
func (g *Grant) advice() string {
	return cmp.Or(g.Advice, "grant mail=smtp://USER:PASSWORD@HOST")
}
