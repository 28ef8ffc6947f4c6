package site

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	"github.com/larkspur-web/larkspur/environ/lib/html"
	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/middleware"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/lib/route"
	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/environ/lib/stats"
	"github.com/larkspur-web/larkspur/environ/lib/template"
	"github.com/larkspur-web/larkspur/environ/lib/websocket"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/base64"
	libbytes "github.com/larkspur-web/larkspur/runtime/lib/bytes"
	"github.com/larkspur-web/larkspur/runtime/lib/crypto"
	"github.com/larkspur-web/larkspur/runtime/lib/csv"
	"github.com/larkspur-web/larkspur/runtime/lib/env"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"github.com/larkspur-web/larkspur/runtime/lib/gzip"
	"github.com/larkspur-web/larkspur/runtime/lib/hex"
	"github.com/larkspur-web/larkspur/runtime/lib/log"
	"github.com/larkspur-web/larkspur/runtime/lib/markdown"
	"github.com/larkspur-web/larkspur/runtime/lib/random"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
	"github.com/larkspur-web/larkspur/runtime/lib/toml"
	"github.com/larkspur-web/larkspur/runtime/lib/url"
	"github.com/larkspur-web/larkspur/runtime/lib/xml"
	"github.com/larkspur-web/larkspur/runtime/lib/yaml"
)

// An Application is a tree of scripts, the entry in it, and what it may use. Only FS is required.
// It must not be changed once it is in use. Two with the same fields are the same one, whatever
// their Advice is.
type Application struct {
	// FS is the tree: see [runtime.Config.FS]. That of a directory is made by [Dir].
	FS fs.FS
	// Dir is where the tree lies, for names of files as the user would write them, and to be
	// watched. Empty means that it lies nowhere, and is not watched.
	Dir string
	// Source gives the application other trees while it runs. Nil means that FS is its tree, of which
	// Dir says how it changes.
	Source Source
	// Entry is FILE.star or FILE.star:CALLABLE. Empty means app.star.
	Entry string
	// Limits bound its load and the calls of each request.
	Limits runtime.Limits
	// Modules are host modules beside those of [Modules].
	Modules []*host.Module
	// Grants are what modules that reach outside are granted: [runtime.Config.Grants].
	Grants map[string]any
	// Advice is [runtime.Config.Advice]. Nil says that the site does not grant it.
	Advice func(name string, m *host.Module) string
	// Environ are variables that are added to each environ.
	Environ map[string]string
}

// A Source is where other trees of an application come from.
type Source interface {
	// Follow has the program be of the tree that is current, until ctx ends. It is called once for
	// each time that the application is started.
	Follow(ctx context.Context, live *runtime.Live, logger *slog.Logger)
}

// A Judge is a Source that is told what became of each request: the generation that answered it, the status of
// the response, and the code and the place of what the application did wrong, "" if it did not. It is called
// by many goroutines, and must be short.
type Judge interface {
	Answered(generation uint64, status int, code, place string)
}

// Dir returns the application of a directory.
func Dir(dir, entry string) *Application {
	return &Application{FS: runtime.Dir(dir), Dir: dir, Entry: entry}
}

// Modules are the host modules that every application may load, or could if they were granted, beside
// those of package runtime, and @docs, which is made of all of them. Package grant has those that
// link drivers.
func Modules() []*host.Module {
	return []*host.Module{
		base64.Module(),
		body.Module(),
		crypto.Module(),
		csv.Module(),
		env.Module(),
		fetch.Module(),
		files.Module(),
		gzip.Module(),
		hex.Module(),
		html.Module(),
		libbytes.Module(),
		libhttp.Module(),
		log.Module(),
		markdown.Module(),
		middleware.Module(),
		random.Module(),
		re.Module(),
		response.Module(websocket.Module()),
		route.Module(),
		session.Module(),
		static.Module(),
		stats.Module(),
		template.Module(template.Config{Markdown: markdown.Render, URLFor: route.URL}),
		toml.Module(),
		url.Module(),
		xml.Module(),
		yaml.Module(),
	}
}

// Config is how the application is loaded, by the packages that load programs, to be tested or
// looked at: the secret of its sessions, if neither it nor Grants has one, ends with the Config. A
// [Server] grants what Grants has, and nothing else. It is the caller's to change.
func (a *Application) Config(logger *slog.Logger) *runtime.Config {
	advice := a.Advice
	if advice == nil {
		advice = refuse
	}
	grants := map[string]any{session.Name: session.Random()}
	maps.Copy(grants, a.Grants)
	return &runtime.Config{FS: a.FS, Modules: documented(append(Modules(), a.Modules...)),
		Grants: grants, Advice: advice, Limits: a.Limits, Logger: logger}
}

// refuse is the advice where nobody has a better one. Of a module that does not exist the list of
// those that do says enough.
func refuse(_ string, m *host.Module) string {
	if m == nil {
		return ""
	}
	return fmt.Sprintf("this site does not grant %s", m.Grant)
}

// Name returns the name of the entry: app.star if it is not given.
func (a *Application) Name() string {
	if a.Entry == "" {
		return "app.star"
	}
	return a.Entry
}

// same reports whether b describes the same application: whether what runs as a can go on as b.
// What has an identity is the same if it is one and the same: a module, a connection that is
// granted.
func (a *Application) same(b *Application) bool {
	return a == b || a.Dir == b.Dir && a.Name() == b.Name() && a.Limits == b.Limits &&
		alike(a.FS, b.FS) && alike(a.Source, b.Source) && slices.Equal(a.Modules, b.Modules) &&
		maps.EqualFunc(a.Grants, b.Grants, alike) && maps.Equal(a.Environ, b.Environ)
}

// alike compares two values as == does, and those that it cannot compare by what they hold.
func alike[T any](a, b T) bool {
	if x := reflect.ValueOf(a); x.IsValid() && !x.Comparable() {
		return reflect.DeepEqual(a, b)
	}
	return any(a) == any(b)
}

// Path is where a file of the tree lies, as the user would name it.
func (a *Application) Path(file string) string {
	if a.Dir == "" {
		return file
	}
	return filepath.Join(a.Dir, filepath.FromSlash(file))
}

// A LoadError is the error of an application that does not load.
type LoadError struct {
	Application *Application
	Err         error // what package runtime says
}

func (e *LoadError) Error() string {
	first := e.Diagnostics()[0]
	first.File = e.Application.Path(first.File)
	return fmt.Sprintf("site: load: %s", first)
}

// Unwrap returns Err.
func (e *LoadError) Unwrap() error { return e.Err }

// Diagnostics are what is wrong, one at least, with files named as in the tree.
func (e *LoadError) Diagnostics() host.Diagnostics {
	return runtime.Diagnose(e.Application.Name(), e.Err)
}
