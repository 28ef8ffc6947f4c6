package environ

import "go.starlark.net/starlark"

// A Key is a row of the table of environ keys.
type Key struct {
	Name    string
	Type    string // its Starlark type
	Present string // when it is there; "always", or the condition
	Meaning string
}

// Keys returns the table of the keys that the server sets, in the order of SPEC.md. It is the caller's
// to change. Keys of header fields stand as the one row HTTP_*.
func Keys() []Key {
	return []Key{
		{"REQUEST_METHOD", "string", "always", "The method, as sent: `GET`. Any token, never empty."},
		{"SCRIPT_NAME", "string", "always", "The path under which the application is mounted, decoded; `\"\"` at the root. Never ends with a slash."},
		{"PATH_INFO", "string", "always", "The rest of the path: percent-decoded octets; `\"\"` when the target is the mount itself. Double slashes stay."},
		{"QUERY_STRING", "string", "always", "What follows the `?`, not decoded; `\"\"` without one."},
		{"REQUEST_URI", "string", "always", "The request target as received, not decoded: here `%2F` can be told from `/`."},
		{"CONTENT_TYPE", "string", "the field was sent", "The request's Content-Type."},
		{"CONTENT_LENGTH", "string", "the length is known", "The length of the body in bytes, in digits. Absent for a body of unknown length: read `wsgi.input` to its end."},
		{"SERVER_NAME", "string", "always", "The configured name, else the address of the listener, `localhost` on a unix socket. Not what the client says: that is `HTTP_HOST`."},
		{"SERVER_PORT", "string", "always", "The port of the listener; on a unix socket 80 or 443."},
		{"SERVER_PROTOCOL", "string", "always", "`HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`."},
		{"SERVER_SOFTWARE", "string", "always", "`Larkspur`, or as configured."},
		{"GATEWAY_INTERFACE", "string", "always", "`CGI/1.1`."},
		{"REMOTE_ADDR", "string", "the peer has an address", "The peer's IP address. Absent on a unix socket."},
		{"REMOTE_PORT", "string", "the peer has an address", "The peer's port."},
		{"HTTP_*", "string", "the field was sent", "A header field: upper case, `-` as `_`. Repeated fields are joined with `, `, Cookie with `; `. Names with `_`, `Proxy`, and the fields of the connection are left out."},
		{"HTTPS", "string", "TLS", "`on`."},
		{"SSL_PROTOCOL", "string", "TLS", "`TLSv1.3`."},
		{"SSL_CIPHER", "string", "TLS", "The IANA name of the cipher suite."},
		{"SSL_TLS_SNI", "string", "the client named a server", "The name that the client asked for in its TLS handshake."},
		{"SSL_CLIENT_CERT", "string", "the client sent a certificate", "The client's certificate, PEM."},
		{"wsgi.version", "tuple", "always", "`(1, 0)`."},
		{"wsgi.url_scheme", "string", "always", "`http` or `https`."},
		{"wsgi.input", "wsgi.input", "always", "The body of the request."},
		{"wsgi.input_terminated", "bool", "always", "`True`: the input ends by itself, whatever CONTENT_LENGTH says."},
		{"wsgi.errors", "wsgi.errors", "always", "The log."},
		{"wsgi.multithread", "bool", "always", "`True` if the application may run for several requests at once."},
		{"wsgi.multiprocess", "bool", "always", "`True` if other processes run the same application."},
		{"wsgi.run_once", "bool", "always", "`False`."},
		{"wsgi.file_wrapper", "builtin_function_or_method", "always", "`file_wrapper(file, block_size = 8192)`: a body that sends a file."},
		{"wsgi.early_hints", "builtin_function_or_method", "not on HTTP/1.0, nor in a promised request", "`early_hints([(name, value), ...])`: promises what the fields preload, and sends a 103 with the rest, now. On HTTP/1.1 it does nothing unless the server is told to."},
		{"http2.push", "builtin_function_or_method", "the client accepts promises", "`push(target, headers = None, method = \"GET\", critical = False)`: promises a resource of the application now; see Push."},
		{"http2.pushed", "string", "the request is promised", "The target of the page for which it is."},
		{"larkspur.on_finish", "builtin_function_or_method", "always", "`on_finish(fn)`: `fn(status, error)` is called after the response, the last given first."},
		{"larkspur.request_id", "string", "always", "An id of this request; the log has the same."},
		{"larkspur.form", "http.body", "a function of `@http` has read the body", "What it read, kept so that the next call sees the same. Not for applications."},
		{"larkspur.peer", "string", "the peer has an address", "Address and port of the connection's other end, `192.0.2.1:49152`."},
	}
}

// The keys and values that are the same for all requests are made once: a dict takes them without
// an allocation.
var (
	// KeyEarlyHints and KeyOnFinish are set by the server, whose they are.
	KeyEarlyHints = key("wsgi.early_hints")
	KeyOnFinish   = key("larkspur.on_finish")
	// KeyPush and KeyPushed are too.
	KeyPush   = key("http2.push")
	KeyPushed = key("http2.pushed")

	keyHost     = key("HTTP_HOST")
	version     = starlark.Value(starlark.Tuple{starlark.MakeInt(1), starlark.MakeInt(0)})
	http1Scheme = key("http")
	tlsScheme   = key("https")
	gateway     = key("CGI/1.1")
	software    = key("Larkspur")
)

// fixed are the keys of the table that lookup knows, in its order, and those of the table that are
// the server's or a module's left out.
var fixed = func() []starlark.Value {
	var all []starlark.Value
	for _, k := range Keys() {
		switch k.Name {
		case "HTTP_*", "wsgi.early_hints", "http2.push", "http2.pushed", "larkspur.on_finish", "larkspur.form":
		default:
			all = append(all, key(k.Name))
		}
	}
	return all
}()

func key(s string) starlark.Value { return starlark.String(s) }
