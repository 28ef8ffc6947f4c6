package site

import (
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/larkspur-web/larkspur/environ/lib/body"
	libhttp "github.com/larkspur-web/larkspur/environ/lib/http"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/environ/lib/websocket"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
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

// Dir returns the application of a directory.
func Dir(dir, entry string) *Application {
	return &Application{FS: runtime.Dir(dir), Dir: dir, Entry: entry}
}

// Modules are the host modules, beside those of package runtime, that every application may load.
func Modules() []*host.Module {
	return []*host.Module{libhttp.Module(), body.Module(), static.Module(),
		websocket.Module()}
}

// Config is how the application is loaded, by the packages that load programs. It is the caller's
// to change.
func (a *Application) Config(logger *slog.Logger) *runtime.Config {
	advice := a.Advice
	if advice == nil {
		advice = refuse
	}
	return &runtime.Config{FS: a.FS, Modules: append(Modules(), a.Modules...), Grants: a.Grants,
		Advice: advice, Limits: a.Limits, Logger: logger}
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
		alike(a.FS, b.FS) && slices.Equal(a.Modules, b.Modules) &&
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
