package grant

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"

	"github.com/larkspur-web/larkspur/environ/lib/stats"
)

// A Dial makes a connection for a process that has no network, or refuses it: kind is the grant that it
// is for, the rest as for net.Dialer.DialContext.
type Dial func(ctx context.Context, kind, network, address string) (net.Conn, error)

// Dial connects to what the Set grants, and to nothing else. It is for whoever makes the connections of
// an application in another process, whose Set is Connected to it.
func (s *Set) Dial(ctx context.Context, kind, network, address string) (net.Conn, error) {
	switch kind {
	case "fetch":
		return s.Fetch.Dial(ctx, network, address)
	case "sql":
		return s.SQL.Dial(ctx, network, address)
	case "mail":
		return s.Mail.Dial(ctx, network, address)
	case "state":
		return s.State.Dial(ctx, network, address)
	case stats.Name:
		return s.Stats.Dial(ctx, network, address)
	}
	return nil, fmt.Errorf("grant: there is no kind %q that makes connections", kind)
}

// Connect has another process make all connections of the Set, by its own Dial: this one needs neither
// network nor sockets. It is called before an application has the Set, and before this process is
// confined: the certificates of the system are read, which later it may not be able to.
func (s *Set) Connect(dial Dial) {
	of := func(kind string) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			return dial(ctx, kind, network, address)
		}
	}
	if s.network() {
		_, _ = x509.SystemCertPool() // it is kept; what is missing is said by who needs it
	}
	s.Fetch.Connect, s.SQL.Connect = of("fetch"), of("sql")
	s.Mail.Connect, s.State.Connect, s.Stats.Connect = of("mail"), of("state"), of(stats.Name)
}
