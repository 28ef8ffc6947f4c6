package state

import (
	"context"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// connecting is how long a connection may take.
const connecting = 5 * time.Second

// Dial connects to what keeps the state, and to nothing else: with nothing to say to the server of Dir,
// which is started if need be, or to the HOST:PORT of one of URL, or of one that those have named. It
// is for whoever makes the connections of a program in another process, and says nothing.
func (g *Grant) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	e, err := g.open(ctx)
	if err != nil {
		return nil, err
	}
	if e.house != nil && network == "" && address == "" {
		return e.house.Dial("", "")
	}
	named := func(server string) bool {
		u, err := url.Parse(server)
		return err == nil && u.Host == address
	}
	if e.house == nil && network == "tcp" && slices.ContainsFunc(e.nc.Servers(), named) {
		return (&net.Dialer{Timeout: connecting}).DialContext(ctx, network, address)
	}
	return nil, failed(KindUnavailable, "%s is no server of the state that is granted", host.Cut(address))
}

// A dialer is that of the client of NATS where another process makes the connections.
type dialer struct{ grant *Grant }

// Dial is nats.CustomDialer's.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), connecting)
	defer cancel()
	return d.grant.Connect(ctx, network, address)
}
