package worker

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A Dial makes a connection for a worker, or refuses it: kind says what for, as the name of the module
// that wants it. The other two are as those of net.Dialer.DialContext, and may be empty where kind says
// enough.
type Dial func(ctx context.Context, kind, network, address string) (net.Conn, error)

// A wish is what a worker says of a connection that it wants, and a connected what the front answers,
// with the connection's descriptor unless it says what is wrong. Each is a packet of JSON.
type (
	wish struct {
		ID                     uint64
		Kind, Network, Address string
	}
	connected struct {
		ID      uint64
		Wrong   string `json:",omitempty"`
		Kind    string `json:",omitempty"` // with Wrong: that of a [host.Outage], "" if it is none
		Timeout bool   `json:",omitempty"` // with Wrong: it took too long
	}
)

const (
	// maxWish is how many bytes a packet of a worker may have.
	maxWish = 8 << 10
	// maxConnected is how many bytes one of the front has at most: JSON has up to 6 for one of Wrong.
	maxConnected = 6*host.MaxMessage + 1<<10
)

// A dialer is the worker's end. It is safe for concurrent use.
type dialer struct {
	c *net.UnixConn

	mu      sync.Mutex // guards what follows
	last    uint64
	waiting map[uint64]chan arrival
	gone    bool // nobody answers any more
}

// An arrival is what has come for a wish.
type arrival struct {
	conn net.Conn
	err  error
}

var errNoDial = errors.New("worker: the front makes no connections any more")

// newDialer returns the worker's end of packets.
func newDialer(packets *os.File) (*dialer, error) {
	c, err := net.FileConn(packets)
	packets.Close()
	if err != nil {
		return nil, err
	}
	d := &dialer{c: c.(*net.UnixConn), waiting: make(map[uint64]chan arrival)}
	go d.listen()
	return d, nil
}

// dial is a [Dial].
func (d *dialer) dial(ctx context.Context, kind, network, address string) (net.Conn, error) {
	came := make(chan arrival, 1)
	d.mu.Lock()
	if d.gone {
		d.mu.Unlock()
		return nil, errNoDial
	}
	d.last++
	id := d.last
	d.waiting[id] = came
	d.mu.Unlock()
	p, err := json.Marshal(wish{id, kind, network, address})
	switch {
	case err != nil:
	case len(p) > maxWish:
		err = errors.New("worker: dial: the address is too long")
	default:
		_, err = d.c.Write(p)
	}
	if err != nil {
		d.give(id, arrival{err: err})
	}
	select {
	case a := <-came:
		return a.conn, a.err
	case <-ctx.Done():
		if !d.give(id, arrival{}) { // it has come in this moment
			if a := <-came; a.conn != nil {
				a.conn.Close()
			}
		}
		return nil, context.Cause(ctx)
	}
}

// give gives what has come for a wish to who waits for it, and reports whether somebody did.
func (d *dialer) give(id uint64, a arrival) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	came, waits := d.waiting[id]
	if waits {
		delete(d.waiting, id)
		came <- a
	}
	return waits
}

// listen takes what the front answers, until it is gone.
func (d *dialer) listen() {
	p, rights := make([]byte, maxConnected), make([]byte, 64)
	for {
		n, m, _, _, err := d.c.ReadMsgUnix(p, rights)
		if err != nil {
			break
		}
		var said connected
		a := arrival{}
		a.conn, a.err = inherited(rights[:m])
		if err := json.Unmarshal(p[:n], &said); err != nil {
			a.err = err
		}
		if said.Wrong != "" {
			a.err = said.error()
		}
		if (a.err != nil || !d.give(said.ID, a)) && a.conn != nil {
			a.conn.Close()
		}
		if a.err != nil {
			d.give(said.ID, arrival{err: a.err})
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	for id, came := range d.waiting {
		delete(d.waiting, id)
		came <- arrival{err: errNoDial}
	}
}

// A dialError is why the front has made no connection.
type dialError struct {
	text    string
	timeout bool
}

var _ net.Error = (*dialError)(nil)

func (e *dialError) Error() string   { return e.text }
func (e *dialError) Timeout() bool   { return e.timeout }
func (e *dialError) Temporary() bool { return false }

func (c *connected) error() error {
	if c.Kind != "" {
		return host.NewOutage(c.Kind, "%s", c.Wrong)
	}
	return &dialError{c.Wrong, c.Timeout}
}
