// Package environ is the gateway contract between the server and an application written in
// Starlark: PEP 3333, word for word wherever the language allows. SPEC.md, beside this file, is
// the contract in full, for those who write applications.
//
// # The model
//
// A [Request] has the facts about a request, from one source. [Config.New] makes an [Environ] of
// it: the dict that the application is called with, and the objects in it that the server has to
// watch over: the [Input] that reads the request's body, and the [Errors] that go to the log. What
// the application does to the dict changes nothing for the server. All strings hold octets as they
// came.
//
// The dict is filled when something needs all of it. An application that reads or sets a few keys,
// which is what most do, gets them straight from the request and from the few that were set: to
// fill a dict of 33 keys costs as much as all the rest of a call. [Environ.Get] says what tells the
// two apart.
//
// The keys stand in one table, [Keys], each with what it is got from; what can go wrong stands in
// another, [Codes]. SPEC.md is generated from both, and a test fails when they drift apart.
package environ

import (
	"log/slog"
	"strings"

	"go.starlark.net/starlark"
)

// Config says what the environ of a mount has beside the request. The zero value works, and so does
// nil. It must not be changed after its first use; New may be called from any number of goroutines.
type Config struct {
	// Vars are the deployer's variables, added to each environ. They win over what the request
	// says.
	Vars map[string]string
	// ServerName is SERVER_NAME. Empty means the address of the listener that took the request, or
	// "localhost" on one that has none (a unix socket).
	ServerName string
	// Software is SERVER_SOFTWARE. Empty means "Larkspur".
	Software string
	// MaxBody is how many bytes of a request's body may be read. Zero means [DefaultMaxBody],
	// negative sets no bound.
	MaxBody int64
	// Serial says that calls of the application never overlap: wsgi.multithread is False.
	Serial bool
	// Multiprocess says that other processes call the same application: wsgi.multiprocess is True.
	Multiprocess bool
	// Logger receives what the application writes to wsgi.errors. Nil means slog.Default().
	Logger *slog.Logger
}

// DefaultMaxBody is how many bytes the body of a request may have where nothing else is said.
const DefaultMaxBody = 10 << 20

// An Environ is one request as an application sees it: the dict that the application is called
// with, and what the server has to watch over. It belongs to the goroutine that serves the request,
// until Finish.
type Environ struct {
	// Input is wsgi.input, also when the application has put another in its place.
	Input Input
	// Errors is wsgi.errors.
	Errors Errors

	// Extender, if not nil, is asked for the keys that are the server's, when the application asks.
	Extender Extender

	config  *Config
	request *Request
	set     overlay
	dict    *starlark.Dict // once something has needed all of it
	reading *reading       // nil before something is noted
	noting  bool
}

// An Extension is a key whose value is the server's, because it does something for this request.
type Extension int

// The extensions. [Keys] has their names.
const (
	EarlyHints Extension = iota // wsgi.early_hints
	OnFinish                    // larkspur.on_finish
	Push                        // http2.push
	Pushed                      // http2.pushed
	Link                        // larkspur.link
	Trailers                    // larkspur.trailers
	WebSocket                   // larkspur.websocket: an Upgrader
)

// An Extender has the values of extensions. They are asked for one by one, so that what no
// application asks for is not made.
type Extender interface {
	// Extension returns the value of a key as it is now, nil if it is not there.
	Extension(Extension) starlark.Value
}

// New returns the environ of r. It panics if there is no message to make it of.
func (c *Config) New(r *Request) *Environ {
	e := new(Environ)
	c.Init(e, r)
	return e
}

// Init makes e, which is zero, the environ of r: [Config.New] for one that is a part of something
// else.
func (c *Config) Init(e *Environ, r *Request) {
	if c == nil {
		c = new(Config)
	}
	if r == nil || r.Message == nil {
		panic("environ: New: there is no Request, or it has no Message: FromHTTP makes one")
	}
	r.begin()
	limit := c.MaxBody
	if limit == 0 {
		limit = DefaultMaxBody
	}
	e.config, e.request = c, r
	e.Input.start(r.Message.Body, limit)
	e.Errors.logger, e.Errors.environ = c.Logger, e
}

// Finish ends the request: the input of an environ that a script has kept fails from now on.
func (e *Environ) Finish() { e.Input.finish() }

// Request returns the facts that the environ was made of.
func (e *Environ) Request() *Request { return e.request }

// lookup returns the value of a key that nothing has set, nil if it has none.
func (e *Environ) lookup(name string) starlark.Value {
	if v, ok := e.config.Vars[name]; ok {
		return e.value(v)
	}
	if field, ok := strings.CutPrefix(name, "HTTP_"); ok {
		return e.field(field)
	}
	if get := getters[name]; get != nil {
		return get(e)
	}
	return nil
}

// value returns s as a value, one that is kept if s comes again and again.
func (e *Environ) value(s string) starlark.Value { return e.request.source.values.of(s) }

// Within reports whether path lies within the mount: it is the script name, or goes on behind it
// with a slash.
func Within(path, scriptName string) bool {
	rest, ok := strings.CutPrefix(path, scriptName)
	return ok && (rest == "" || rest[0] == '/' || scriptName == "")
}
