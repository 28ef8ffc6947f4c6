// Package site puts together what one process serves: it is where programs of package runtime and
// handlers of package server meet, so that neither has to know the other, and where larkspur's own
// commands and the programs that embed all of it begin.
//
// # The model
//
// A [Site] is a value: applications and other handlers under their mounts, the URLs that are
// listened on, the certificate, what may be pushed. It describes, and does nothing.
//
// A [Server] runs one. [Server.Set] takes up a Site, the first or another one, while it serves or
// before: whole, or not at all. An application that is the same in both goes on as it is, with its
// generation; a new one is loaded before anything changes; what is no longer there ends once its
// last request has. The same goes for listeners. [Server.Serve] serves until its context ends, and
// then drains.
//
// An [Application] is a tree of scripts and an entry, with what it is granted and its limits.
// [Modules] are the host modules that every application may load; those that reach outside are
// granted by name.
//
// With [Server.Watch] the programs are loaded again when their files change, and by [Server.Reload]
// at any time. With [Server.Develop] they are developed: errors in the browser, pages that follow
// the files, the inspector (package dev). [Application.Tests] runs their tests, with the module
// @test (package apptest).
package site

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// A Site is what one process serves. The zero value serves nothing. It must not be changed once a
// [Server] has it.
type Site struct {
	// Mounts are what is served, as [server.Front.Mounts].
	Mounts []Mount
	// Listen are the URLs that are listened on, as [server.Listen] takes them.
	Listen []string
	// Certificate is for the https ones. Nil means that TLS has all there are.
	Certificate *Certificate
	// TLS says more of how the https ones prove who they are, and who their clients are.
	TLS TLS
	// Redirect are URLs that are listened on as well, where each request is sent to the https one: 308. Those
	// of ACME's servers are answered.
	Redirect []string
	// HSTS is the field Strict-Transport-Security of responses over https, as in "max-age=31536000":
	// RFC 6797. Empty means none.
	HSTS string
	// Proxies are believed when they say who the client is, by fields and by the PROXY protocol: [server.Proxies]. Nil
	// has the fields of proxies reach applications as they came.
	Proxies *server.Proxies
	// MaxBody is [server.Front.MaxBody].
	MaxBody int64
	// Calls is how many calls of all applications together run at once: [server.Slots.Calls].
	Calls int
	// ClientRate is [server.Front.ClientRate].
	ClientRate *server.Rate
	// Waiting is how many calls that have begun may wait: [server.Slots.Waiting].
	Waiting int
	// IdleTimeout is [server.Gateway.IdleTimeout] of all applications.
	IdleTimeout time.Duration
	// Push says what may be pushed and hinted.
	Push Push
	// Hop is [server.Front.Hop]: the site is served to a front in another process, by a worker.
	Hop bool
	// Multiprocess is [server.Gateway.Multiprocess] of all applications.
	Multiprocess bool
	// Abandoned is [server.Gateway.Abandoned] of all applications.
	Abandoned func(r *http.Request, place string)
	// Access, if not nil, receives a record for each request.
	Access *slog.Logger
	// Retire, if not nil, is called once, when another Site is served and the last request of this one
	// has ended, so that its handlers can be let go. It is not called for a Site that Set refuses, nor
	// for the one that is served when Serve ends.
	Retire func()
}

// A Mount is an application, or another handler, and where it is. One of App and Handler is
// required. Both are for a Server that has [Server.Develop] set.
type Mount struct {
	// Host is that of [server.Mount]: a name, *.NAME, * for those that no other Mount has, or empty
	// for any.
	Host string
	// Path is the path, an application's SCRIPT_NAME: "" for the root, or a path that begins with a
	// slash and does not end with one.
	Path string
	// App is an application. The same one may be mounted more than once, and is then loaded once.
	App *Application
	// Handler is any other handler. With App it is a [Backend] that has App called in other processes,
	// and App says what that is: it is not loaded in this one.
	Handler http.Handler
	// Rate is [server.Mount.Rate].
	Rate *server.Rate
	// Calls is how many calls of the application run at once, at this mount, apart from all others: as many requests
	// wait, the next get 503. Zero means that it is one of those that [Site.Calls] counts.
	Calls int
	// Filter is [server.Mount.Filter].
	Filter func(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request, func(whole bool))
}

// incomplete says what of the site is missing, which would else be a nil pointer at a request.
func (v *Site) incomplete() error {
	if v == nil {
		return errors.New("site: nil Site: the zero value serves nothing")
	}
	if v.TLS.ACME != nil && v.TLS.ACME.Dir == "" {
		return errNoDir
	}
	for i, m := range v.Mounts {
		switch {
		case m.App == nil && m.Handler == nil:
			return fmt.Errorf("site: Mounts[%d], at %q, has no App and no Handler", i, m.Host+m.Path)
		case m.App != nil && m.App.FS == nil:
			return fmt.Errorf("site: the App of Mounts[%d], at %q, has no FS: "+
				"site.Dir(\".\", \"app.star\") is the application of a directory", i, m.Host+m.Path)
		}
	}
	return nil
}
