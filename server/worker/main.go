package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
)

// variable is that of the environment by which a process knows that it is a worker. It says which
// descriptors are those of its sockets, and is taken out before anything else runs.
const (
	variable  = "LARKSPUR_WORKER"
	variables = "requests:3 messages:4 connections:5"
)

// tempName is what the name of a worker's directory for files that do not last begins with.
const tempName = "larkspur-worker-"

// The ends of a worker that does not load its application, and of one whose front is gone.
const (
	exitLoad = 3
	exitGone = 4
)

// Main is the whole life of a process that a [Pool] has started: it has the application made of
// [Pool.Config], answers with it, and exits. In any other process it returns at once. It is to be
// called first thing in main, before flags are read and files are opened.
//
// The application's standard logger, slog.Default, is one whose records the front logs.
func Main(application func(config []byte) (*Application, error)) {
	if os.Getenv(variable) != variables {
		return
	}
	os.Unsetenv(variable)
	os.Exit(work(os.NewFile(3, "requests"), os.NewFile(4, "messages"), os.NewFile(5, "connections"), application))
}

// work is a worker.
func work(requests, messages, connections *os.File, application func([]byte) (*Application, error)) int {
	// The terminal's signals are for the front, which ends its workers when it sees fit.
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGPIPE)
	out := &line{w: messages}
	in := json.NewDecoder(bufio.NewReader(messages))
	var first message
	if err := in.Decode(&first); err != nil {
		return exitGone
	}
	slog.SetDefault(out.logger())
	end := make(chan struct{})
	go func() {
		var last message
		if err := in.Decode(&last); err == nil && last.End {
			close(end)
			_ = in.Decode(&last)
		}
		// Nothing more comes: the front is gone, killed perhaps, and with it all use for this, and for
		// what it would have removed.
		if dir := os.Getenv("TMPDIR"); strings.HasPrefix(filepath.Base(dir), tempName) {
			_ = os.RemoveAll(dir)
		}
		os.Exit(exitGone)
	}()
	tell := Teller{out, openTrail(os.Getenv("TMPDIR"))}
	app, err := start(first.Config, tell, connections, application)
	if err != nil {
		m := message{Wrong: err.Error(), Faults: faults(err)}
		if len(m.Faults) > 0 {
			m.Wrong = m.Faults.Error() // without what has led there
		}
		_ = out.say(m) // the exit status says it too
		return exitLoad
	}
	c, err := net.FileConn(requests)
	requests.Close()
	if err != nil {
		_ = out.say(message{Wrong: err.Error()})
		return exitLoad
	}
	if app.Run != nil {
		go app.Run(tell)
	}
	ready := message{Ready: true}
	if app.Version != nil {
		ready.Version = app.Version()
	}
	if app.Files != nil {
		ready.Files = app.Files()
	}
	if err := out.say(ready); err != nil {
		return exitGone
	}
	Serve(c, app.Handler, end)
	if app.Close != nil {
		app.Close()
	}
	return 0
}

// faults is what is wrong with the scripts of an application that does not load, as far as err knows.
func faults(err error) (all host.Diagnostics) {
	var load interface{ Diagnostics() host.Diagnostics }
	if errors.As(err, &load) {
		return load.Diagnostics()
	}
	errors.As(err, &all)
	return all
}

// start has the application made, the process confined, and the application loaded.
func start(config []byte, tell Teller, connections *os.File,
	application func([]byte) (*Application, error)) (*Application, error) {
	front, err := newDialer(connections)
	if err != nil {
		return nil, err
	}
	app, err := application(config)
	switch {
	case err != nil:
		return nil, err
	case app == nil || app.Handler == nil:
		return nil, errors.New("worker: Main: the function returned no Handler")
	}
	if app.Connect != nil {
		app.Connect(tell, front.dial)
	}
	if app.Confine != nil {
		if err := app.Confine(); err != nil {
			return nil, fmt.Errorf("worker: confine: %w", err)
		}
	}
	if app.Load != nil {
		err = app.Load()
	}
	return app, err
}

// maxStreams is how many requests a worker has in its hands at once: those that its application is
// too busy for are refused by that, and not by the connection.
const maxStreams = 20_000

// Serve answers with h what comes on c, until that is closed, or end is and all has been answered;
// a nil end is never. [Main] does it for the workers of a Pool. Its client is the front, which is
// trusted: what that passes on of its clients is bounded already.
func Serve(c net.Conn, h http.Handler, end <-chan struct{}) {
	l := &listener{c: c, closed: make(chan struct{})}
	s := &http.Server{Handler: hears(h), DisableGeneralOptionsHandler: true,
		ErrorLog:    slog.NewLogLogger(slog.Default().Handler(), slog.LevelError),
		IdleTimeout: -1, MaxHeaderBytes: 4 * server.DefaultMaxHeaderBytes,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				l.Close()
			}
		},
		HTTP2: &http.HTTP2Config{SendPingTimeout: -1, WriteByteTimeout: -1},
	}
	engine := &h2.Server{MaxStreams: maxStreams, MaxHandlers: maxStreams, ControlBudget: math.MaxInt32,
		MaxHeaderMemory: 256 << 20, ExtendedConnect: true, Backend: true, SettingsTimeout: -1}
	if err := errors.Join(server.Configure(s), engine.Configure(s)); err != nil {
		slog.Error(err.Error())
		return
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-end:
		case <-l.closed:
		}
		ctx, cancel := context.WithTimeout(context.Background(), lastRequest)
		defer cancel()
		_ = s.Shutdown(ctx) // what has not ended by then ends with the process
		close(ended)
	}()
	_ = s.Serve(l) // it says that the listener is closed
	<-ended
}

// lastRequest is how long a worker that is told to end may take for what it has begun. The front
// kills it when it has no more patience.
const lastRequest = time.Hour

// A listener has one connection to give.
type listener struct {
	c      net.Conn
	given  bool
	once   sync.Once
	closed chan struct{}
}

// Accept gives the connection, and then waits for Close.
func (l *listener) Accept() (net.Conn, error) {
	if !l.given {
		l.given = true
		return l.c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

// Close has Accept return.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is that of the connection.
func (l *listener) Addr() net.Addr { return l.c.LocalAddr() }
