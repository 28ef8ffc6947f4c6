// Package sitefile reads site files: Starlark that says what a process serves, and how.
//
//	listen("http://:8000")
//	push_map("push.json")
//
//	site(["example.com", "www.example.com"],
//	     mount("/", "shop/app.star", workers = 2, grants = ["fetch=api.example.com"]),
//	     static("/assets", "public", immutable = True),
//	     upstream("/old", "http://127.0.0.1:9000"),
//	     redirect("/shop", "/"))
//
// # The model
//
// A file is evaluated whole or not at all. Its words are functions: [Words] describes them. Some
// say what a flag of larkspur serve says ([Setting]); site says which routes answer for which hosts
// ([Host], [Route]). What they were given is checked at once, and the files that they name are looked
// for, so that [Read] returns all that is wrong, each with its place, or a [File] which is right.
//
// A File is a value that is never changed. [Keeper] makes what it describes, keeps what the next File
// describes as well, and lets go of the rest when its last request has ended. Package site has the
// structs that run; a program that embeds it fills those, and needs no file.
package sitefile

import (
	"cmp"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/static"
)

// Name is that of the file in the directory that it describes.
const Name = "site.star"

// A File is what a site file says.
type File struct {
	// Path is where it lies. All paths in it are counted from its directory, and have been joined
	// with that.
	Path string
	// Settings are what it says of the process, in its order.
	Settings []Setting
	// Hosts are its sites. One whose file has none, but routes, is that of all hosts.
	Hosts []Host
	// Files are those that it was made of: itself, and what it loads.
	Files []string
}

// A Setting is what a word says that is also a flag of larkspur serve.
type Setting struct {
	// Word is how it is written: tls(cert).
	Word string
	// Flag is the name of the flag.
	Flag string
	// Values are what the flag would be given, more than one if it may be repeated.
	Values []string
	// Place is where it is said.
	Place host.Place
}

// A Host is what answers for some names.
type Host struct {
	// Names are host names, *.NAME for all names with one label more, or * for those that no other
	// Host has.
	Names []string
	// Routes are tried from the longest path to the shortest.
	Routes []Route
	Place  host.Place
}

// A Route is a path and what answers there. One of Mount, Upstream, Static and Redirect is set.
type Route struct {
	// Path is "" for the root, or begins with a slash and does not end with one.
	Path     string
	Mount    *Mount
	Upstream *Upstream
	Static   *Static
	Redirect *site.Redirect
	// Compress is how the answers are compressed, as compress.Parse reads it. Empty is as all are.
	Compress string
	Place    host.Place
}

// A Mount is an application. Two that are equal are one application.
type Mount struct {
	// App is a script, FILE.star or FILE.star:CALLABLE, a directory that has app.star, or a .zip.
	App string
	// Workers is how many processes of its own it answers in. Zero is in this one.
	Workers int `json:",omitempty"`
	// Limits are what it may take, by the name of the flag that says so for all. None are those of all.
	Limits map[string]string `json:",omitempty"`
	// Environ is added to the environ of each request.
	Environ map[string]string `json:",omitempty"`
	// Grants are what it may reach outside, as grant.Parse reads it.
	Grants []string `json:",omitempty"`
	// Data is the directory for what it keeps. Empty keeps nothing.
	Data string `json:",omitempty"`
	// Middleware is what stands around it, the outermost first: FILE.star:NAME, a function of its tree
	// that takes an application and returns one.
	Middleware []string `json:",omitempty"`
}

// An Upstream is other servers that answer.
type Upstream struct {
	// URLs are as upstream.New takes them.
	URLs []string
	// Check is [upstream.Proxy.Check].
	Check string `json:",omitempty"`
	// Timeout is [upstream.Proxy.Timeout].
	Timeout time.Duration `json:",omitempty"`
}

// A Static is a directory of files.
type Static struct {
	// Dir is the directory.
	Dir string
	static.Options
}

// Read evaluates a site file. The error is [host.Diagnostics], which name files as a user would, or
// says that there is no such file. What print() says goes to the logger; nil means slog.Default().
func Read(path string, logger *slog.Logger) (*File, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	dir, base := filepath.Split(path)
	r := &reader{dir: filepath.Clean(dir), base: base}
	config := &runtime.Config{FS: runtime.Dir(r.dir), Predeclared: r.words(), Logger: logger,
		Limits: runtime.Limits{Time: 5 * time.Second, Steps: 2_000_000, Memory: 64 << 20}}
	files, faults := runtime.Parse(config, base)
	if len(faults) > 0 {
		return nil, r.named(faults)
	}
	program, err := runtime.LoadFile(config, base)
	if err != nil {
		return nil, r.named(append(r.faults, runtime.Diagnose(base, err)...))
	}
	defer program.Close()
	file := r.file()
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b host.Diagnostic) int {
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
		})
		return nil, r.named(r.faults)
	}
	file.Path = path
	for _, f := range files {
		file.Files = append(file.Files, r.join(f.Name))
	}
	return file, nil
}

// named has the diagnostics name files as the user does.
func (r *reader) named(faults host.Diagnostics) host.Diagnostics {
	for i := range faults {
		if f := &faults[i]; f.File != "" {
			f.File = r.join(f.File)
		}
	}
	return faults
}

// A reader is one evaluation of a file.
type reader struct {
	dir      string
	base     string // the name of the file in it
	settings []Setting
	hosts    []Host
	routes   []*routeValue // all of them
	faults   host.Diagnostics
}

func (r *reader) join(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, filepath.FromSlash(name))
}

func (r *reader) fault(at host.Place, format string, args ...any) {
	r.faults = append(r.faults, host.Diagnostic{Place: at, Message: fmt.Sprintf(format, args...)})
}

// stat looks for what a path names.
func (r *reader) stat(name string) (fs.FileInfo, error) { return os.Stat(r.join(name)) }

// file puts together what was said.
func (r *reader) file() *File {
	f := &File{Settings: r.settings, Hosts: r.hosts}
	if len(r.hosts) == 0 && len(r.routes) > 0 {
		all := Host{Names: []string{"*"}, Place: r.routes[0].Place}
		for _, route := range r.routes {
			all.Routes = append(all.Routes, *route.Route)
		}
		f.Hosts = []Host{all}
	}
	r.check(f)
	return f
}
