package state

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A Grant is where applications keep what they share: what stands for the names of [Modules] in
// runtime.Config.Grants, one and the same for all of them, as a pointer. The zero value grants
// nothing. Its exported fields must not be changed once it is in use; it is then safe for concurrent
// use, and is shared by all generations of a program, and by programs that are to see the same.
type Grant struct {
	// Dir is a directory in which a server of NATS that runs inside this process keeps what there is.
	// It is made if there is none. Of several processes that are granted the same directory one has
	// the server, and the others reach it by a socket there; when it ends, another one goes on.
	Dir string
	// URL is where servers of NATS are that have JetStream: nats://HOST:PORT or tls://HOST:PORT, with
	// commas between several of one cluster. What there is is kept there, and Dir is not used. Empty
	// means that Dir is.
	URL string
	// Credentials is a file by which this process logs in at URL, as nsc writes it: *.creds. Empty
	// means that the URL has a user and a password, or that none is needed.
	Credentials string
	// CA is a file of certificates, in PEM, by one of which those of URL have to be signed. Empty
	// means that the system knows.
	CA string
	// Guest has the process not run a server itself, but only reach the one that another process has
	// in Dir.
	Guest bool
	// Connect connects to what keeps the state, as Dial of a Grant in another process does: to a
	// HOST:PORT of URL, or with nothing to say for Dir, to the server that the other process has there.
	// Nil means that this process does. It may be called from any number of goroutines.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
	// Lazy has nothing be opened before something is first kept or read. Else it is when a program has loaded,
	// which fails if that does.
	Lazy bool
	// Cluster has the server of Dir be a node of a cluster. The zero value has it be alone.
	Cluster Cluster
	// Sync is for how long what was acknowledged may be in memory of the system only, which a process
	// that dies does not lose, but a machine does. Zero means a second; a negative number means that
	// nothing is acknowledged before it is on the disk.
	Sync time.Duration
	// Prepare is called before Dir is first used, to make what is above it as it should be. Nil does
	// nothing.
	Prepare func() error
	// Logger receives what goes wrong with the server or the connection to it. Nil means
	// slog.Default().
	Logger *slog.Logger

	volatile bool // nothing is on the disk: it is for tests

	results results        // of cached functions, in this process
	work    sync.WaitGroup // jobs that are being done; mu guards what adds to it
	trial   trial          // of tests

	mu        sync.Mutex
	engine    *engine
	opening   chan struct{} // closed when engine is there, or could not be; nil if nobody opens it
	failure   error         // of the last opening
	ending    bool          // no job begins any more
	closed    bool
	schedules map[string]*schedule // of the programs that serve, by name
}

// errNothing is the error of a Grant that grants nothing.
var errNothing = errors.New("the grant says neither a directory nor the URL of a server of NATS")

// Granted reports whether anything is granted.
func (g *Grant) Granted() bool { return g != nil && (g.Dir != "" || g.URL != "") }

// Check returns what is wrong with URL and Cluster, nil if nothing is. It connects to nobody, and what it says has
// no password in it.
func (g *Grant) Check() error {
	if g.Cluster.Name != "" && g.URL != "" {
		return errors.New("state: a cluster of its own, and the servers of a URL: one of the two")
	}
	if err := g.Cluster.check(); err != nil {
		return err
	}
	for where := range strings.SplitSeq(g.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(where))
		switch {
		case g.URL == "":
		case err != nil:
			return errors.New("state: the URL is none: write nats://HOST:PORT")
		case u.Scheme != "nats" && u.Scheme != "tls", u.Hostname() == "":
			return fmt.Errorf("state: %s://%s is no server of NATS: write nats://HOST:PORT or tls://HOST:PORT",
				u.Scheme, u.Host)
		}
	}
	return nil
}

// Open connects, and starts the server of Dir, unless that was done before. What keeps something does
// so by itself; it is for who wants to know early. Of a URL whose servers cannot be reached it is no
// error: it goes on trying.
func (g *Grant) Open(ctx context.Context) error {
	_, err := g.open(ctx)
	return err
}

// open returns the engine, which the first who asks makes.
func (g *Grant) open(ctx context.Context) (*engine, error) {
	g.mu.Lock()
	for {
		switch {
		case g.closed:
			g.mu.Unlock()
			return nil, failed(KindUnavailable, "what keeps it was closed")
		case g.engine != nil:
			e := g.engine
			g.mu.Unlock()
			return e, nil
		case g.opening == nil:
			g.opening = make(chan struct{})
			go g.make(g.opening)
		}
		opening := g.opening
		g.mu.Unlock()
		select {
		case <-opening:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		g.mu.Lock()
		if g.engine == nil && g.failure != nil {
			err := g.failure
			g.mu.Unlock()
			return nil, err
		}
	}
}

// make makes the engine. It is not ended with the call that was the first to need it.
func (g *Grant) make(done chan struct{}) {
	e, err := newEngine(g)
	g.mu.Lock()
	late := g.closed
	if !late {
		g.engine = e
	}
	g.failure, g.opening = err, nil
	g.mu.Unlock()
	close(done)
	if late {
		e.close()
	}
}

// endTime is how long jobs that were begun are waited for.
const endTime = 10 * time.Second

// Close ends the connection, and the server of this process. What was acknowledged is on the disk. Jobs
// of programs that were closed are waited for, ten seconds at most; calls are not, and later ones fail.
func (g *Grant) Close() error {
	g.mu.Lock()
	g.ending = true
	g.mu.Unlock()
	done := make(chan struct{})
	go func() { g.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(endTime):
	}
	g.mu.Lock()
	e := g.engine
	g.engine, g.closed = nil, true
	g.mu.Unlock()
	return e.close()
}

// begin counts a job that begins, unless the grant is about to be closed.
func (g *Grant) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ending {
		return false
	}
	g.work.Add(1)
	return true
}

func (g *Grant) logger() *slog.Logger {
	if g.Logger == nil {
		return slog.Default()
	}
	return g.Logger
}

var _ host.Tester = (*Grant)(nil)

// Trial is [host.Tester]'s: tests have a server of their own, which is empty when a test begins and
// keeps nothing on the disk.
func (g *Grant) Trial(dir string) (*host.Trial, error) {
	own := &Grant{Dir: dir, volatile: true, Logger: g.Logger}
	return &host.Trial{
		Grant: own, Members: own.trial.members(), Begin: own.clear, End: own.Close,
	}, nil
}

// clear deletes all that there is.
func (g *Grant) clear() error {
	g.results.clear()
	g.mu.Lock()
	e := g.engine
	g.mu.Unlock()
	if e == nil {
		return nil // nothing was kept
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return e.clear(ctx)
}
