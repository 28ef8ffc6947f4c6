package worker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

const (
	// maxDials is how many connections the front makes at once for one worker.
	maxDials = 128
	// dialTime is how long one may take, if whoever makes it has no more patience.
	dialTime = time.Minute
)

// broker makes the connections that the worker asks for, until that is gone. They are the worker's: it
// has them whole, the front has nothing more to do with them, and they end with it.
func (w *process) broker() {
	packets := w.packets.(*net.UnixConn)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	slots := make(chan struct{}, maxDials)
	p := make([]byte, maxWish+1)
	for {
		n, err := packets.Read(p)
		if err != nil {
			return
		}
		var wanted wish
		if err := json.Unmarshal(p[:n], &wanted); err != nil {
			return // nobody of ours says such a thing
		}
		select {
		case slots <- struct{}{}:
			go func() {
				defer func() { <-slots }()
				w.connect(ctx, packets, wanted)
			}()
		default:
			said := connected{ID: wanted.ID, Wrong: "the worker asks for too many connections at once"}
			_ = said.send(packets, nil) // it is gone
		}
	}
}

// connect makes a connection, and hands it over.
func (w *process) connect(ctx context.Context, packets *net.UnixConn, wanted wish) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	said := connected{ID: wanted.ID}
	conn, err := w.pool.dial(ctx, wanted)
	if err == nil {
		defer conn.Close() // the worker has it by then
		err = said.send(packets, conn)
	}
	if err == nil {
		return
	}
	var outage *host.Outage
	if errors.As(err, &outage) {
		said.Kind = outage.Kind()
	}
	var failure net.Error
	said.Timeout = errors.As(err, &failure) && failure.Timeout() || errors.Is(err, context.DeadlineExceeded)
	said.Wrong = host.Cut(err.Error())
	_ = said.send(packets, nil) // it is gone
}

var errRefused = errors.New("the front makes no connections")

func (p *Pool) dial(ctx context.Context, wanted wish) (net.Conn, error) {
	if p.Dial == nil {
		return nil, errRefused
	}
	return p.Dial(ctx, wanted.Kind, wanted.Network, wanted.Address)
}

// send answers a worker, with a connection unless that is nil.
func (c *connected) send(packets *net.UnixConn, conn net.Conn) error {
	p, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if conn == nil {
		_, err = packets.Write(p)
		return err
	}
	if sent, err := hand(packets, p, conn); sent || err != nil {
		return err
	}
	// It is none of the system's, but one inside this process: the worker gets one end of a pair, and
	// the other passes on what is said.
	ours, theirs, err := socketpair(stream)
	if err != nil {
		return err
	}
	end, err := net.FileConn(theirs)
	theirs.Close()
	if err == nil {
		_, err = hand(packets, p, end)
		end.Close()
	}
	if err != nil {
		ours.Close()
		return err
	}
	join(ours, conn)
	return nil
}

// join passes what one says to the other, until one of them ends.
func join(a, b net.Conn) {
	done := make(chan struct{})
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // however it ended
		to.Close()
		from.Close()
	}
	go func() { pass(a, b); close(done) }()
	pass(b, a)
	<-done
}
