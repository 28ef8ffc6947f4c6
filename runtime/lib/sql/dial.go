package sql

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// Dial connects to an address of a server of Databases, and to no other: the path of a socket, HOST:PORT
// as the URL has it, or an address of that host, at which a statement is cancelled. It is for whoever
// makes the connections of a program in another process, and says nothing.
func (g *Grant) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	for _, where := range g.Databases {
		if !isPostgres(where) {
			continue
		}
		config, err := pgx.ParseConfig(where)
		if err != nil {
			return nil, fmt.Errorf("sql: read URL of PostgreSQL: %w", err) // without the password
		}
		servers := []*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port}}
		for _, server := range append(servers, config.Fallbacks...) {
			kind, at := pgconn.NetworkAddress(server.Host, server.Port)
			if kind == network && (at == address || leads(ctx, at, address)) {
				return new(net.Dialer).DialContext(ctx, network, address)
			}
		}
	}
	return nil, &Error{Message: host.Cut(address) + " is no server of a database that is granted",
		kind: KindDenied}
}

func isPostgres(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// leads reports whether a server, HOST:PORT, has an address, IP:PORT.
func leads(ctx context.Context, server, address string) bool {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return false
	}
	name, port, err := net.SplitHostPort(server)
	if err != nil || port != fmt.Sprint(to.Port()) {
		return false
	}
	found, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", name) // it leads nowhere else
	for _, a := range found {
		if a.Unmap() == to.Addr().Unmap() {
			return true
		}
	}
	return false
}
