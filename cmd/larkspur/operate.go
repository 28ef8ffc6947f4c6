package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/access"
	"github.com/larkspur-web/larkspur/server/admin"
	"github.com/larkspur-web/larkspur/server/metrics"
	"github.com/larkspur-web/larkspur/server/worker"
	"github.com/spf13/cobra"
)

// operating are the flags for whoever operates a server: its logs, and where it is asked.
type operating struct {
	access   string // FORM, or FORM:FILE
	sample   float64
	mask     []string
	errorLog string
	admin    string
}

func (o *operating) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.access, "access-log", "",
		"log each request as text, json or combined, as in json:FILE to log it there, or off "+
			"(default text in a terminal, else off)")
	f.Float64Var(&o.sample, "access-sample", 1,
		"`PART` of the requests that is logged, as in 0.01; those that failed always are")
	f.StringSliceVar(&o.mask, "log-mask", nil,
		"`NAMES` of query parameters whose values no log has, beside token, key, password and the like")
	f.StringVar(&o.errorLog, "error-log", "",
		"`FILE` of all other records, in place of the standard error; SIGUSR1 has the files of logs opened again")
	f.StringVar(&o.admin, "admin", "",
		"`ADDR` on which an operator is told what the server does, as in 9000 or HOST:9000: a page, /metrics, "+
			"/healthz, /readyz and profiles; without a host only this machine can ask")
}

// check finds what is wrong with the values.
func (o *operating) check() error {
	form, file := o.form()
	switch form {
	case "", "text", "json", "combined":
	case "off":
		if file != "" {
			return errors.New("--access-log off has no file")
		}
	default:
		return fmt.Errorf("--access-log %s: text, json, combined or off, with a file as in json:FILE", o.access)
	}
	if !(o.sample > 0 && o.sample <= 1) {
		return fmt.Errorf("--access-sample %v: more than 0, and 1 at most", o.sample)
	}
	if o.admin != "" {
		_, err := adminURL(o.admin)
		return err
	}
	return nil
}

func (o *operating) form() (form access.Form, file string) {
	name, file, _ := strings.Cut(o.access, ":")
	return access.Form(name), file
}

// adminURL is the URL of the listener that --admin names: of a port, HOST:PORT or unix:PATH.
func adminURL(addr string) (string, error) {
	if strings.HasPrefix(addr, "unix:") {
		return addr, nil
	}
	if _, err := strconv.ParseUint(addr, 10, 16); err == nil {
		addr = ":" + addr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return "", fmt.Errorf("--admin %s: a port, HOST:PORT or unix:PATH", addr)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// An operator has the logs of a server, and what tells of it.
type operator struct {
	flags    *operating
	log      *journal // of all but requests
	logger   *slog.Logger
	requests *journal // nil if they are not logged, or in log
	files    []*logFile
	admin    *admin.Admin                    // nil if there is none
	stop     func()                          // ends its listener; nil if there is none
	observer atomic.Pointer[server.Observer] // that is told of what workers log; nil until it serves
}

// operate opens the logs. close must follow.
func (o *operating) operate(stderr io.Writer) (*operator, error) {
	p := &operator{flags: o}
	out := stderr
	if o.errorLog != "" {
		last := newJournal(stderr) // for what the log itself has to say
		f, err := openLog(o.errorLog, func(err error) {
			fmt.Fprintf(last, "larkspur: the log cannot be written: %v\n", err)
		})
		if err != nil {
			last.close()
			return nil, runError{err}
		}
		p.files, out = append(p.files, f), f
	}
	p.log = newJournal(out)
	handler := slog.Handler(slog.NewTextHandler(p.log, nil))
	if o.admin != "" {
		handler = worker.Failures(handler, p.failed)
	}
	p.logger = slog.New(handler)
	if _, name := o.form(); name != "" {
		f, err := openLog(name, func(err error) {
			p.logger.Error("the access log cannot be written: requests go on, lines are lost", slog.Any("error", err))
		})
		if err != nil {
			p.close()
			return nil, runError{err}
		}
		p.files, p.requests = append(p.files, f), newJournal(f)
	}
	return p, nil
}

// failed is told of the failure of a request that a worker has logged.
func (p *operator) failed(r *http.Request, f *server.Failure) {
	if o := p.observer.Load(); o != nil && o.Fail != nil {
		o.Fail(r, f)
	}
}

// accessLog is what writes a line for each request, nil if nothing does.
func (p *operator) accessLog(terminal bool) *server.Observer {
	form, _ := p.flags.form()
	if form == "" && terminal {
		form = access.Text
	}
	if form == "" || form == "off" {
		return nil
	}
	l := &access.Log{Form: form, W: p.log, Logger: p.logger, Sample: p.flags.sample, Mask: p.flags.mask}
	if p.requests != nil {
		l.W, l.Logger = p.requests, slog.New(slog.NewTextHandler(p.requests, nil))
	}
	return l.Observer()
}

// attach has run told of, and its requests logged. state is where its applications keep what they share, nil
// for nowhere.
func (p *operator) attach(run *process, terminal bool, state host.Keeper) error {
	observers := []*server.Observer{p.accessLog(terminal)}
	run.reopen = p.reopen
	if p.flags.admin != "" {
		numbers := metrics.New(metrics.Config{Version: version(), Stats: run.server.Stats, State: state})
		p.admin = &admin.Admin{Stats: run.server.Stats, Metrics: numbers.Handler(), Software: version()}
		told := server.Observers(numbers.Observer(), p.admin.Observer())
		p.observer.Store(told)
		observers = append(observers, told)
		if err := p.listen(run.place); err != nil {
			return err
		}
	}
	run.server.Observer = server.Observers(observers...)
	return nil
}

// listen answers the operator.
func (p *operator) listen(place *place) error {
	where, err := adminURL(p.flags.admin)
	if err != nil {
		return err
	}
	l, err := place.heritage.Opened.Listen(where, nil)
	if err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	place.beside = append(place.beside, l)
	group := &server.Group{Handler: p.admin, MaxConns: 100, Drain: 100 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler)}
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		p.logger.Warn("the admin listener answers whoever can reach it", slog.String("listener", l.URL))
	}
	fmt.Fprintf(p.log, "listening on %s (admin)\n", l.URL)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := group.Serve(ctx, l); err != nil && ctx.Err() == nil {
			p.logger.Error("the admin listener has ended", slog.Any("error", err))
		}
	}()
	p.stop = func() { stop(); <-done }
	return nil
}

// reopen opens the files of logs again.
func (p *operator) reopen() {
	for _, f := range p.files {
		if err := f.reopen(); err != nil {
			p.logger.Error("the log that was open is written on", slog.Any("error", err))
		}
	}
}

// close ends the admin listener and writes what is left.
func (p *operator) close() {
	if p.stop != nil {
		p.stop()
	}
	if p.requests != nil {
		p.requests.close()
	}
	p.log.close()
	for _, f := range p.files {
		f.close()
	}
}
