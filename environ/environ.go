// Package environ is the gateway contract between the server and an application written in
// Starlark: PEP 3333, word for word wherever the language allows. SPEC.md, beside this file, is
// the contract in full, for those who write applications.
//
// # The model
//
// [Config.New] turns an HTTP request into an [Environ]: the dict that the application is called
// with, and the objects in it that the server has to watch over: the [Input] that reads the
// request's body, and the [Errors] that go to the log. The dict is a real one, fresh and unfrozen;
// what the application does to it changes nothing for the server. All strings hold octets as they
// came.
//
// The keys stand in one table, [Keys]; what can go wrong stands in another, [Faults]. SPEC.md is
// generated from both, and a test fails when they drift apart.
package environ

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"go.starlark.net/starlark"
)

// Config says what the environ of a mount has beside the request. The zero value works. It must not
// be copied or changed after its first use; New may be called from any number of goroutines.
type Config struct {
	// ScriptName is the path under which the application is mounted: "" for the root, or a path
	// that begins with a slash and does not end with one.
	ScriptName string
	// Vars are the deployer's variables, added to each environ. They win over what the request says.
	Vars map[string]string
	// ServerName is SERVER_NAME. Empty means the address of the listener that took the request, or
	// "localhost" on one that has none (a unix socket).
	ServerName string
	// Software is SERVER_SOFTWARE. Empty means "Larkspur".
	Software string
	// MaxBody is how many bytes of a request's body may be read. Zero means 10 MiB, negative sets no bound.
	MaxBody int64
	// Serial says that calls of the application never overlap: wsgi.multithread is False.
	Serial bool
	// Multiprocess says that other processes call the same application: wsgi.multiprocess is True.
	Multiprocess bool
	// Logger receives what the application writes to wsgi.errors. Nil means slog.Default().
	Logger *slog.Logger

	values  values
	serials atomic.Uint64 // the requests so far
	run     atomic.Pointer[string]
}

const defaultMaxBody = 10 << 20

// An Environ is one request as an application sees it. It belongs to the goroutine that serves the
// request, until Finish.
type Environ struct {
	// Dict is what the application is called with.
	Dict *starlark.Dict
	// Input is wsgi.input, also when the application has put another in its place.
	Input Input
	// Errors is wsgi.errors.
	Errors Errors
	// RequestID is larkspur.request_id.
	RequestID string
}

// New returns the environ of r, whose path must lie within ScriptName (see [Within]).
func (c *Config) New(r *http.Request) *Environ {
	e := &Environ{RequestID: c.requestID()}
	limit := c.MaxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	e.Input.start(r.Body, limit)
	e.Errors = Errors{logger: c.Logger, request: e.RequestID}

	d := starlark.NewDict(cgiKeys + len(r.Header) + len(c.Vars) + 4)
	e.Dict = d
	c.setRequest(d, r)
	c.setServer(d, r)
	c.setHeaders(d, r)
	if r.TLS != nil {
		setTLS(d, r.TLS)
	}
	set(d, keyVersion, version)
	set(d, keyInput, &e.Input)
	set(d, keyErrors, &e.Errors)
	set(d, keyMultithread, starlark.Bool(!c.Serial))
	set(d, keyMultiprocess, starlark.Bool(c.Multiprocess))
	set(d, keyRunOnce, starlark.False)
	set(d, keyTerminated, starlark.True)
	set(d, keyFileWrapper, fileWrapper)
	set(d, keyRequestID, starlark.String(e.RequestID))
	for k, v := range c.Vars {
		set(d, starlark.String(k), starlark.String(v))
	}
	return e
}

// Finish ends the request: the input of an environ that a script has kept fails from now on.
func (e *Environ) Finish() { e.Input.finish() }

// set cannot fail: d is fresh, and strings can be hashed.
func set(d *starlark.Dict, k, v starlark.Value) { _ = d.SetKey(k, v) }

// setRequest sets what the request line says.
func (c *Config) setRequest(d *starlark.Dict, r *http.Request) {
	set(d, keyMethod, c.values.of(r.Method))
	set(d, keyScriptName, c.values.of(c.ScriptName))
	// PEP 3333, "environ Variables": the rest of the path, which may be empty. Decoded octets, not
	// the PEP's latin-1 text: a Starlark string holds octets.
	set(d, keyPathInfo, c.values.of(r.URL.Path[len(c.ScriptName):]))
	set(d, keyQuery, c.values.of(r.URL.RawQuery))
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	set(d, keyRequestURI, c.values.of(target))
	set(d, keyProtocol, c.values.of(r.Proto))
	scheme := http1Scheme
	if r.TLS != nil {
		scheme = tlsScheme
	}
	set(d, keyURLScheme, scheme)
	// RFC 3875, sections 4.1.2 and 4.1.3: from the message, not from the header fields, which are
	// not passed as HTTP_CONTENT_*.
	if v := r.Header["Content-Type"]; len(v) > 0 {
		set(d, keyContentType, c.values.of(v[0]))
	}
	if r.ContentLength > 0 || r.ContentLength == 0 && len(r.Header["Content-Length"]) > 0 {
		set(d, keyContentLength, starlark.String(strconv.FormatInt(r.ContentLength, 10)))
	}
}

// requestID returns an id that no other request of any process has: random for the process, counted
// in it.
func (c *Config) requestID() string {
	run := c.run.Load()
	if run == nil {
		var b [6]byte
		rand.Read(b[:])
		s := hex.EncodeToString(b[:]) + "-"
		if !c.run.CompareAndSwap(nil, &s) {
			return c.requestID()
		}
		run = &s
	}
	var buf [40]byte
	return string(strconv.AppendUint(append(buf[:0], *run...), c.serials.Add(1), 10))
}

// Within reports whether path lies within the mount: it is the script name, or goes on behind it
// with a slash.
func Within(path, scriptName string) bool {
	rest, ok := strings.CutPrefix(path, scriptName)
	return ok && (rest == "" || rest[0] == '/' || scriptName == "")
}
