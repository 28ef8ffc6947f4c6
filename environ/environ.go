// Package environ is the gateway contract between the server and an application written in
// Starlark: PEP 3333, word for word wherever the language allows. SPEC.md, beside this file, is
// the contract in full, for those who write applications.
//
// # The model
//
// [Config.New] turns an HTTP request into an [Environ]: the dict that the application is called
// with, and the objects in it that the server has to watch over: the [Input] that reads the
// request's body, and the [Errors] that go to the log. What the application does to the dict changes
// nothing for the server. All strings hold octets as they came.
//
// The dict is filled when something needs all of it. An application that reads a few keys, which is what most
// do, gets them straight from the request: to fill a dict of 33 keys costs as much as all the rest of a
// call. Nothing but the time can tell the two apart: see [Environ.Get] for what is not the same.
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

// An Environ is one request as an application sees it: the dict that the application is called with, and what
// the server has to watch over. It belongs to the goroutine that serves the request, until Finish.
type Environ struct {
	// Input is wsgi.input, also when the application has put another in its place.
	Input Input
	// Errors is wsgi.errors.
	Errors Errors

	config   *Config
	request  *http.Request
	serial   uint64
	id       string // made of serial when it is first asked for
	extended [extensions]extension
	dict     *starlark.Dict // once something has needed all of it
}

// An extension is a key that the server adds.
type extension struct{ key, value starlark.Value }

// extensions is how many keys the server may add.
const extensions = 4

// New returns the environ of r, whose path must lie within ScriptName (see [Within]).
func (c *Config) New(r *http.Request) *Environ {
	limit := c.MaxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	e := &Environ{config: c, request: r, serial: c.serials.Add(1)}
	e.Input.start(r.Body, limit)
	e.Errors = Errors{logger: c.Logger, environ: e}
	return e
}

// Extend adds a key that Keys lists as the server's, before the application is called.
func (e *Environ) Extend(key, value starlark.Value) {
	for i := range e.extended {
		if e.extended[i].key == nil {
			e.extended[i] = extension{key, value}
			return
		}
	}
	panic("environ: more extensions than there is room for")
}

// Finish ends the request: the input of an environ that a script has kept fails from now on.
func (e *Environ) Finish() { e.Input.finish() }

// RequestID is larkspur.request_id.
func (e *Environ) RequestID() string {
	if e.id == "" {
		e.id = e.config.requestID(e.serial)
	}
	return e.id
}

// lookup returns the value of a key as the request has it, nil if it has none.
func (e *Environ) lookup(name string) starlark.Value {
	c, r := e.config, e.request
	if v, ok := c.Vars[name]; ok {
		return c.values.of(v)
	}
	if field, ok := strings.CutPrefix(name, "HTTP_"); ok {
		return e.field(field)
	}
	switch name {
	case "REQUEST_METHOD":
		return c.values.of(r.Method)
	case "SCRIPT_NAME":
		return c.values.of(c.ScriptName)
	case "PATH_INFO":
		// PEP 3333, "environ Variables": the rest of the path, which may be empty. Decoded octets, not
		// the PEP's latin-1 text: a Starlark string holds octets.
		return c.values.of(r.URL.Path[len(c.ScriptName):])
	case "QUERY_STRING":
		return c.values.of(r.URL.RawQuery)
	case "REQUEST_URI":
		if r.RequestURI == "" {
			return c.values.of(r.URL.RequestURI())
		}
		return c.values.of(r.RequestURI)
	case "SERVER_PROTOCOL":
		return c.values.of(r.Proto)
	case "CONTENT_TYPE":
		// RFC 3875, sections 4.1.2 and 4.1.3: from the message; they are not passed as HTTP_CONTENT_*.
		if v := r.Header["Content-Type"]; len(v) > 0 {
			return c.values.of(v[0])
		}
		return nil
	case "CONTENT_LENGTH":
		if r.ContentLength > 0 || r.ContentLength == 0 && len(r.Header["Content-Length"]) > 0 {
			return starlark.String(strconv.FormatInt(r.ContentLength, 10))
		}
		return nil
	case "SERVER_NAME":
		return c.serverName(r)
	case "SERVER_PORT":
		return c.serverPort(r)
	case "SERVER_SOFTWARE":
		if c.Software == "" {
			return software
		}
		return c.values.of(c.Software)
	case "GATEWAY_INTERFACE":
		return gateway
	case "REMOTE_ADDR", "REMOTE_PORT", "larkspur.peer":
		return c.peer(r.RemoteAddr, name)
	case "HTTPS", "SSL_PROTOCOL", "SSL_CIPHER", "SSL_TLS_SNI", "SSL_CLIENT_CERT":
		if r.TLS == nil {
			return nil
		}
		return secured(r.TLS, name)
	case "wsgi.url_scheme":
		if r.TLS != nil {
			return tlsScheme
		}
		return http1Scheme
	case "wsgi.version":
		return version
	case "wsgi.input":
		return &e.Input
	case "wsgi.errors":
		return &e.Errors
	case "wsgi.multithread":
		return starlark.Bool(!c.Serial)
	case "wsgi.multiprocess":
		return starlark.Bool(c.Multiprocess)
	case "wsgi.run_once":
		return starlark.False
	case "wsgi.input_terminated":
		return starlark.True
	case "wsgi.file_wrapper":
		return fileWrapper
	case "larkspur.request_id":
		return starlark.String(e.RequestID())
	}
	for i := range e.extended {
		if k, ok := e.extended[i].key.(starlark.String); ok && string(k) == name {
			return e.extended[i].value
		}
	}
	return nil
}

// requestID returns an id that no other request of any process has: random for the process, counted
// in it.
func (c *Config) requestID(serial uint64) string {
	run := c.run.Load()
	if run == nil {
		var b [6]byte
		rand.Read(b[:])
		s := hex.EncodeToString(b[:]) + "-"
		if !c.run.CompareAndSwap(nil, &s) {
			return c.requestID(serial)
		}
		run = &s
	}
	var buf [40]byte
	return string(strconv.AppendUint(append(buf[:0], *run...), serial, 10))
}

// Within reports whether path lies within the mount: it is the script name, or goes on behind it
// with a slash.
func Within(path, scriptName string) bool {
	rest, ok := strings.CutPrefix(path, scriptName)
	return ok && (rest == "" || rest[0] == '/' || scriptName == "")
}
