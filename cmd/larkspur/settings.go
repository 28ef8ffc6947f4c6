package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/spf13/cobra"
)

// settings are the flags that serve and dev share.
type settings struct {
	listen     []string
	tlsCert    []string
	tlsKey     []string
	watch      bool
	mount      string
	timeout    time.Duration
	maxSteps   uint64
	memory     display.Size
	maxBody    display.Size
	idle       time.Duration
	calls      int
	waiting    int
	conns      int
	drain      time.Duration
	http2      string
	pushMap    string
	pushMemory string
	noPush     bool
	hints1     bool
}

// flags adds the flags; what s holds already are the defaults.
func (s *settings) flags(c *cobra.Command) {
	limits := runtime.Limits{}.WithDefaults()
	f := c.Flags()
	f.StringArrayVar(&s.listen, "listen", s.listen,
		"`URL` to listen on: http://HOST:PORT (HTTP/1.1 and cleartext HTTP/2), "+
			"https://HOST:PORT or unix:PATH; port 0 picks a free one; a unix socket may have a "+
			"mode, owner and group, as in unix:PATH?mode=660&group=www-data; may be repeated")
	f.StringArrayVar(&s.tlsCert, "tls-cert", nil,
		"certificate for https, a PEM `FILE`, which is read again when it changes; may be repeated: clients get that "+
			"for the name they ask for, or else the first")
	f.StringArrayVar(&s.tlsKey, "tls-key", nil, "its key, a PEM `FILE`; as many as there are of --tls-cert, in their order")
	f.StringVar(&s.mount, "mount", "",
		"`PATH` under which the application lives, its SCRIPT_NAME (default the root)")
	s.timeout, s.idle = limits.Time, server.DefaultIdleTimeout
	f.Var((*display.Duration)(&s.timeout), "timeout",
		"how long a call may take to its first block, and from each block to the next")
	f.Uint64Var(&s.maxSteps, "max-steps", limits.Steps,
		"how many `STEPS` of the interpreter a call may take")
	s.memory = display.Size(limits.Memory)
	f.Var(&s.memory, "memory",
		"how large the values of a call may be together, as in 64MiB; -1 sets no bound")
	s.maxBody = environ.DefaultMaxBody
	f.Var(&s.maxBody, "max-body",
		"how large a request's body may be, as in 512KiB or 10MiB; -1 sets no bound")
	f.Var((*display.Duration)(&s.idle), "idle-timeout",
		"how long a response that has begun may send nothing while its application waits")
	f.IntVar(&s.calls, "calls", server.DefaultCalls,
		"how many scripts may run at once; as many requests wait, the next get 503")
	f.IntVar(&s.waiting, "waiting", server.DefaultWaiting,
		"how many calls that have begun may wait, for the client or in a sleep; then that of "+
			"the client with the most ends which has waited longest")
	f.IntVar(&s.conns, "max-conns", server.DefaultMaxConns,
		"how many connections there may be at once; for one more, the one that has been idle "+
			"longest is closed, or the new one if all are at work")
	f.StringVar(&s.http2, "http2", "larkspur",
		"whose HTTP/2 `SERVER`: larkspur, or x-net for that of golang.org/x/net, which makes "+
			"no pushes")
	f.StringVar(&s.pushMap, "push-map", "",
		"`FILE` that says which resources go with which pages, and are pushed, or hinted, "+
			"before the application runs; SIGHUP, or --watch, reads it again")
	f.StringVar(&s.pushMemory, "push-memory", "",
		"`FILE` of the keys that sign a cookie by which what a client got on earlier connections "+
			"is not pushed to it again; it is made if there is none")
	f.BoolVar(&s.noPush, "no-push", false,
		"make no pushes; hints go out as to a client that takes none")
	f.BoolVar(&s.hints1, "hints-http1", false,
		"send early hints (103) over HTTP/1.1 too, where some clients take one for the response")
	f.Var((*display.Duration)(&s.drain), "drain",
		"how long running requests may take to end when the server is told to stop")
}

// check finds what is wrong with the values together.
func (s *settings) check() error {
	if len(s.tlsCert) != len(s.tlsKey) {
		return fmt.Errorf("--tls-cert and --tls-key go together")
	}
	if s.mount != "" && (s.mount[0] != '/' || strings.HasSuffix(s.mount, "/")) {
		return fmt.Errorf("--mount %s: begin it with a slash and end it without one", s.mount)
	}
	switch {
	case s.http2 != "larkspur" && s.http2 != "x-net":
		return fmt.Errorf("--http2 %s: larkspur or x-net", s.http2)
	case s.calls < 1:
		return fmt.Errorf("--calls %d: at least one", s.calls)
	case s.waiting < 1:
		return fmt.Errorf("--waiting %d: at least one", s.waiting)
	case s.conns < 1:
		return fmt.Errorf("--max-conns %d: at least one", s.conns)
	case s.timeout <= 0:
		return fmt.Errorf("--timeout %v: some time, as in 30s", s.timeout)
	case s.idle <= 0:
		return fmt.Errorf("--idle-timeout %v: some time, as in 5m", s.idle)
	case s.maxSteps == 0:
		return errors.New("--max-steps 0: at least one")
	case s.memory == 0:
		return errors.New("--memory 0: at least a byte, or -1 for no bound")
	case s.maxBody == 0:
		return errors.New("--max-body 0: at least a byte, or -1 for no bound")
	case s.drain <= 0:
		return fmt.Errorf("--drain %v: some time, as in 30s", s.drain)
	}
	return nil
}

// site is what serves the application.
func (s *settings) site(app *site.Application) (*site.Site, error) {
	app.Limits = runtime.Limits{Time: s.timeout, Steps: s.maxSteps, Memory: int64(s.memory)}
	v := &site.Site{
		Mounts: []site.Mount{{Path: s.mount, App: app}}, Listen: s.listen,
		MaxBody: int64(s.maxBody), Calls: s.calls, Waiting: s.waiting, IdleTimeout: s.idle,
		Push: site.Push{Off: s.noPush, HintHTTP1: s.hints1, MapFile: s.pushMap},
	}
	var err error
	if s.pushMemory != "" {
		v.Push.Memory, err = site.ReadMemory(s.pushMemory)
	}
	for i, file := range s.tlsCert {
		if err != nil {
			break
		}
		var c *site.Certificate
		if c, err = site.ReadCertificate(file, s.tlsKey[i]); i == 0 {
			v.Certificate = c
		} else {
			v.TLS.Certificates = append(v.TLS.Certificates, c)
		}
	}
	return v, err
}

// server is what runs it.
func (s *settings) server(logger *slog.Logger) *site.Server {
	return &site.Server{Watch: s.watch, Drain: s.drain, MaxConns: s.conns,
		XNet: s.http2 == "x-net", Logger: logger}
}

// https reports whether a listener needs a certificate.
func (s *settings) https() bool {
	return slices.ContainsFunc(s.listen, func(where string) bool {
		return strings.HasPrefix(where, "https:")
	})
}
