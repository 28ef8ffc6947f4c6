package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/spf13/cobra"
)

func newPush(stdout, stderr io.Writer) *cobra.Command {
	c := &cobra.Command{
		Use:   "push",
		Short: "See, check and learn what is pushed with a page",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("a command is missing: push explain, push lint or push learn")
		},

		SuggestionsMinimumDistance: 2,
	}
	c.AddCommand(newExplain(stdout, stderr), newLint(stdout, stderr), newLearn(stdout, stderr))
	return c
}

// A dry is an application whose pages are asked for without a server.
type dry struct {
	app     *site.Application
	handler *server.Handler
	// What the flags say.
	mapFile string
	mount   string
	fields  []string
	refuses bool
	grants
	end func() // of what was granted
}

func (d *dry) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&d.mapFile, "push-map", "",
		"`FILE` that says which resources go with which pages, as serve has it")
	f.StringVar(&d.mount, "mount", "", "`PATH` under which the application lives, as serve has it")
	d.grants.flags(c)
	f.StringArrayVar(&d.fields, "header", nil, "`NAME:VALUE` of the request; may be repeated")
}

// load loads the application that args name, or else that of the current directory, or else the tour.
func (d *dry) load(command string, args []string, stderr io.Writer) error {
	var err error
	if d.app, err = findApp(args); err != nil {
		return err
	}
	if d.app == nil {
		if err := beside(command); err != nil {
			return err
		}
		d.app = tour() // as dev has it
	}
	// What the application does wrong is said; what is decided is shown otherwise.
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	granted, end, err := d.develop(d.app, nil)
	if err != nil {
		return err
	}
	granted.To(d.app)
	d.end = end
	program, err := runtime.Load(d.app.Config(logger), d.app.Name())
	if err != nil {
		end()
		return runError{loadError(d.app, err)}
	}
	d.handler = &server.Handler{App: program, Mount: d.mount, Logger: logger}
	return nil
}

// A trial is a page that was asked for.
type trial struct {
	pushtest.Trial
	page     *http.Request
	verdicts []push.Verdict
}

// ask asks for a page: a path, or a URL.
func (d *dry) ask(page string) (*trial, error) {
	policy := new(push.Policy)
	if d.mapFile != "" {
		var err error
		if policy.Map, err = push.ReadMap(d.mapFile); err != nil {
			return nil, runError{err}
		}
	}
	r, err := d.request(page)
	if err != nil {
		return nil, err
	}
	t := &trial{page: r}
	t.Refuses = d.refuses
	policy.Observe = func(_ *http.Request, v push.Verdict) { t.verdicts = append(t.verdicts, v) }
	defer func() {
		// A page that breaks off has been logged.
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			panic(v)
		}
	}()
	h := &server.Handler{App: d.handler.App, Mount: d.handler.Mount, Logger: d.handler.Logger,
		Push: policy}
	h.ServeHTTP(&t.Trial, r)
	return t, nil
}

// request makes the request for a page, as a browser's over HTTP/2 would be.
func (d *dry) request(page string) (*http.Request, error) {
	if strings.HasPrefix(page, "/") {
		page = "https://localhost" + page
	}
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is neither a path, as /blog/, nor a URL, as "+
			"https://example.com/blog/", page)
	}
	r := &http.Request{
		Method:     http.MethodGet,
		URL:        &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery},
		Host:       u.Host,
		RequestURI: u.RequestURI(),
		Proto:      "HTTP/2.0",
		ProtoMajor: 2,
		Header:     http.Header{"Accept": {"text/html"}},
		Body:       http.NoBody,
		RemoteAddr: "127.0.0.1:0",
	}
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	if u.Scheme == "https" {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, Version: tls.VersionTLS13,
			NegotiatedProtocol: "h2", ServerName: u.Hostname()}
	}
	for _, f := range d.fields {
		name, value, ok := strings.Cut(f, ":")
		if !ok {
			return nil, fmt.Errorf("--header %q: write NAME:VALUE", f)
		}
		r.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return r, nil
}
