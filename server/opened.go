package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
)

// Opened are sockets that listen already: another process has opened them, or this one, before it
// gave up the right to. [Opened.Listen] takes from them what it is asked for. A nil *Opened has none.
// It is safe for concurrent use.
type Opened struct {
	mu      sync.Mutex
	sockets []openedSocket
}

type openedSocket struct {
	where string // what it was opened for; "" for any URL of its address
	net.Listener
}

// Add adds a socket: for the URL where, as [Listener.Where] has it, or if that is "", for any that names
// the socket's address. The Listener is Opened's from now on.
func (o *Opened) Add(where string, l net.Listener) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sockets = append(o.sockets, openedSocket{where, l})
}

// Open opens the socket of a URL, as [Listen] takes it, so that it can be listened on later.
func (o *Opened) Open(where string) error {
	cleartext := where
	if rest, ok := strings.CutPrefix(where, "https:"); ok { // which needs no certificate
		cleartext = "http:" + rest
		if i := strings.LastIndexByte(rest, ':'); i <= strings.LastIndexByte(rest, ']') {
			cleartext += ":443"
		}
	}
	l, err := o.Listen(cleartext, nil)
	if err == nil {
		o.Add(where, l.Listener)
	}
	return err
}

// Unused returns the addresses of those that nobody has taken.
func (o *Opened) Unused() (addresses []string) {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sockets {
		addresses = append(addresses, s.Addr().String())
	}
	return addresses
}

// Close closes those that nobody has taken.
func (o *Opened) Close() error {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, s := range o.sockets {
		errs = append(errs, s.Close())
	}
	o.sockets = nil
	return errors.Join(errs...)
}

// take returns the socket that was opened for the URL, or one whose address is that of the URL: HOST:PORT
// or unix:PATH. It is nil if there is none.
func (o *Opened) take(where, address string) net.Listener {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, s := range o.sockets {
		if s.where == where || s.where == "" && at(s.Addr(), address) {
			o.sockets = append(o.sockets[:i], o.sockets[i+1:]...)
			return s.Listener
		}
	}
	return nil
}

// at reports whether a is the address: HOST:PORT or unix:PATH.
func at(a net.Addr, address string) bool {
	switch a := a.(type) {
	case *net.UnixAddr:
		return "unix:"+a.Name == address
	case *net.TCPAddr:
		if strings.HasPrefix(address, "unix:") {
			return false
		}
		want, err := net.ResolveTCPAddr("tcp", address)
		if err != nil || want.Port != a.Port {
			return false
		}
		// That of all addresses is written in several ways, and is nothing at all as well.
		return same(want.IP, a.IP) || unspecified(want.IP) && unspecified(a.IP)
	}
	return false
}

func unspecified(ip net.IP) bool { return len(ip) == 0 || ip.IsUnspecified() }

func same(a, b net.IP) bool {
	x, _ := netip.AddrFromSlice(a)
	y, _ := netip.AddrFromSlice(b)
	return x.Unmap() == y.Unmap()
}

// File returns a copy of the socket, to be given to another process.
func (l *Listener) File() (*os.File, error) {
	s, ok := l.Listener.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, fmt.Errorf("server: the listener on %s is none that another process could have", l.URL)
	}
	return s.File()
}

// Leave says whether the file of a unix socket stays when the Listener is closed, for another process that
// listens there too. It does if the socket was taken from an [Opened].
func (l *Listener) Leave(stays bool) {
	if u, ok := l.Listener.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(!stays)
	}
}
