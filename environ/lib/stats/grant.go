package stats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Grant has a program see the numbers of a server. It must not be changed once a program has it, and is then
// safe for concurrent use.
type Grant struct {
	// Granted says that the numbers may be seen. It is for whoever collects grants: a program to which a Grant
	// is given sees them whatever it says.
	Granted bool
	// Read returns the numbers. It is called by any number of goroutines. Nil means that there is no server, and
	// that all of them are zero.
	Read func() Numbers
	// Connect makes a connection to where [Grant.Dial] is called, in the process of the server: that of a worker
	// has it in place of Read. Nil means that Read has the numbers.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)

	trial *trial // not nil if it is a test's
}

// patience is how long it may take until another process has said its numbers.
const patience = 5 * time.Second

// maxText is how many bytes they have at most.
const maxText = 16 << 10

func (g *Grant) numbers(t *starlark.Thread) (n Numbers, err error) {
	switch {
	case g.trial != nil:
		return g.trial.read(), nil
	case g.Connect != nil:
		err = host.CallOf(t).Wait(func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			n, err = g.ask(ctx)
			return err
		})
		if err != nil {
			return n, host.NewOutage("unavailable", "the server does not say them: %v", err)
		}
	case g.Read != nil:
		n = g.Read()
	}
	return n, nil
}

// ask asks another process, for as long as ctx has time.
func (g *Grant) ask(ctx context.Context) (n Numbers, err error) {
	c, err := g.Connect(ctx, "", "")
	if err != nil {
		return n, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	text, err := io.ReadAll(io.LimitReader(c, maxText))
	if err != nil {
		return n, err
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return n, fmt.Errorf("what it says is not understood: %w", err)
	}
	return n, nil
}

// Dial returns a connection from which the numbers can be read once: for another process, whose Grant is
// Connected to this one.
func (g *Grant) Dial(context.Context, string, string) (net.Conn, error) {
	if !g.Granted {
		return nil, errors.New("the numbers of the server are not granted")
	}
	var n Numbers
	if g.Read != nil {
		n = g.Read()
	}
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	go func() {
		defer ours.Close()
		_ = ours.SetDeadline(time.Now().Add(patience))
		_, _ = ours.Write(text) // who does not read it does not want it
	}()
	return theirs, nil
}
