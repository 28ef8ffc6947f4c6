package environ

import (
	"crypto/x509"
	"strconv"

	"go.starlark.net/starlark"
)

// A Key is a row of the table of environ keys.
type Key struct {
	Name    string
	Owner   string // who sets it: "environ", "server" (an [Extension]), or a module, as "@http"
	Type    string // its Starlark type
	Present string // when it is there; "always", or the condition
	Meaning string
}

// Keys returns the table of the keys that an environ may have, in the order of SPEC.md, which is
// that of the dict. It is the caller's to change. Keys of header fields stand as the one row
// HTTP_*.
func Keys() []Key {
	keys := make([]Key, len(table))
	for i := range table {
		keys[i] = table[i].Key
	}
	return keys
}

// A getter returns the value of a key, nil where it does not apply.
type getter func(*Environ) starlark.Value

// table has every key, and what it is got from; nil for HTTP_*, and for what a module sets.
var table = []struct {
	Key
	get getter
}{
	{Key{"REQUEST_METHOD", "environ", "string", "always",
		"The method, as sent: `GET`. Any token, never empty."},
		func(e *Environ) starlark.Value { return e.value(e.request.Message.Method) }},
	{Key{"SCRIPT_NAME", "environ", "string", "always",
		"The path under which the application is mounted, decoded; `\"\"` at the root. " +
			"Never ends with a slash."},
		func(e *Environ) starlark.Value { name, _ := e.request.split(); return e.value(name) }},
	{Key{"PATH_INFO", "environ", "string", "always",
		"The rest of the path: percent-decoded octets; `\"\"` when the target is the mount " +
			"itself. Double slashes stay."},
		(*Environ).pathInfo},
	{Key{"QUERY_STRING", "environ", "string", "always",
		"What follows the `?`, not decoded; `\"\"` without one."},
		func(e *Environ) starlark.Value { return e.value(e.request.Message.URL.RawQuery) }},
	{Key{"REQUEST_URI", "environ", "string", "always",
		"The request target as received, not decoded: here `%2F` can be told from `/`."},
		(*Environ).requestURI},
	{Key{"CONTENT_TYPE", "environ", "string", "the field was sent",
		"The request's Content-Type."},
		(*Environ).contentType},
	{Key{"CONTENT_LENGTH", "environ", "string", "the length is known",
		"The length of the body in bytes, in digits. Absent for a body of unknown length: read " +
			"`wsgi.input` to its end."},
		(*Environ).contentLength},
	{Key{"SERVER_NAME", "environ", "string", "always",
		"The configured name, else the address of the listener, `localhost` if it has none, as " +
			"a unix socket. " +
			"Not what the client says: that is `HTTP_HOST`."},
		(*Environ).serverName},
	{Key{"SERVER_PORT", "environ", "string", "always",
		"The port of the listener; on a unix socket 80 or 443."},
		(*Environ).serverPort},
	{Key{"SERVER_PROTOCOL", "environ", "string", "always",
		"`HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`."},
		(*Environ).serverProtocol},
	{Key{"SERVER_SOFTWARE", "environ", "string", "always",
		"`Larkspur`, or as configured."},
		(*Environ).software},
	{Key{"GATEWAY_INTERFACE", "environ", "string", "always",
		"`CGI/1.1`."},
		constant(starlark.String("CGI/1.1"))},
	{Key{"REMOTE_ADDR", "environ", "string", "the peer has an address",
		"The peer's IP address. Absent on a unix socket."},
		(*Environ).remoteAddr},
	{Key{"REMOTE_PORT", "environ", "string", "it is known",
		"The peer's port."},
		(*Environ).remotePort},
	{Key{"HTTP_*", "environ", "string", "the field was sent",
		"A header field: upper case, `-` as `_`. Repeated fields are joined with `, `, Cookie " +
			"with `; `. Names with `_`, `Proxy`, and the fields of the connection are left out."},
		nil},
	{Key{"HTTPS", "environ", "string", "TLS",
		"`on`."},
		(*Environ).https},
	{Key{"SSL_PROTOCOL", "environ", "string", "TLS, that no proxy has ended",
		"`TLSv1.3`."},
		(*Environ).sslProtocol},
	{Key{"SSL_CIPHER", "environ", "string", "TLS, that no proxy has ended",
		"The IANA name of the cipher suite."},
		(*Environ).sslCipher},
	{Key{"SSL_TLS_SNI", "environ", "string", "the client named a server",
		"The name that the client asked for in its TLS handshake."},
		(*Environ).sslServer},
	{Key{"SSL_CLIENT_CERT", "environ", "string", "the client sent a certificate",
		"The client's certificate, PEM."},
		(*Environ).sslCertificate},
	{Key{"SSL_CLIENT_VERIFY", "environ", "string", "TLS, that no proxy has ended",
		"`SUCCESS` if the client has a certificate of an authority that the server trusts, `GENEROUS` if its " +
			"certificate was not verified, `NONE` if it has none."},
		(*Environ).sslVerify},
	{Key{"SSL_CLIENT_S_DN", "environ", "string", "the client sent a certificate",
		"Whose it is, as RFC 2253 writes names: `CN=ann,O=Example`."},
		ofClient(func(c *x509.Certificate) string { return c.Subject.String() })},
	{Key{"SSL_CLIENT_S_DN_CN", "environ", "string", "the certificate has a common name",
		"The common name of that."},
		ofClient(func(c *x509.Certificate) string { return c.Subject.CommonName })},
	{Key{"SSL_CLIENT_I_DN", "environ", "string", "the client sent a certificate",
		"Who has signed it."},
		ofClient(func(c *x509.Certificate) string { return c.Issuer.String() })},
	{Key{"SSL_CLIENT_I_DN_CN", "environ", "string", "the issuer has a common name",
		"The common name of that."},
		ofClient(func(c *x509.Certificate) string { return c.Issuer.CommonName })},
	{Key{"SSL_CLIENT_M_SERIAL", "environ", "string", "the client sent a certificate",
		"Its serial number: hexadecimal digits, in upper case."},
		ofClient(serialOf)},
	{Key{"SSL_CLIENT_V_START", "environ", "string", "the client sent a certificate",
		"Since when it is valid: `Jan  2 15:04:05 2006 GMT`."},
		ofClient(func(c *x509.Certificate) string { return opensslTime(c.NotBefore) })},
	{Key{"SSL_CLIENT_V_END", "environ", "string", "the client sent a certificate",
		"Until when it is valid."},
		ofClient(func(c *x509.Certificate) string { return opensslTime(c.NotAfter) })},
	{Key{"SSL_CLIENT_SAN_DNS_0", "environ", "string", "the certificate is for a host",
		"The first host name that it is for."},
		ofClient(func(c *x509.Certificate) string { return first(c.DNSNames) })},
	{Key{"SSL_CLIENT_SAN_Email_0", "environ", "string", "the certificate is for an address of mail",
		"The first address of mail that it is for."},
		ofClient(func(c *x509.Certificate) string { return first(c.EmailAddresses) })},
	{Key{"wsgi.version", "environ", "tuple", "always",
		"`(1, 0)`."},
		constant(starlark.Tuple{starlark.MakeInt(1), starlark.MakeInt(0)})},
	{Key{"wsgi.url_scheme", "environ", "string", "always",
		"`http` or `https`."},
		func(e *Environ) starlark.Value { return e.value(e.request.Scheme()) }},
	{Key{"wsgi.input", "environ", "wsgi.input", "always",
		"The body of the request."},
		func(e *Environ) starlark.Value { return &e.Input }},
	{Key{"wsgi.input_terminated", "environ", "bool", "always",
		"`True`: the input ends by itself, whatever CONTENT_LENGTH says."},
		constant(starlark.True)},
	{Key{"wsgi.errors", "environ", "wsgi.errors", "always",
		"The log."},
		func(e *Environ) starlark.Value { return &e.Errors }},
	{Key{"wsgi.multithread", "environ", "bool", "always",
		"`True` if the application may run for several requests at once."},
		func(e *Environ) starlark.Value { return starlark.Bool(!e.config.Serial) }},
	{Key{"wsgi.multiprocess", "environ", "bool", "always",
		"`True` if other processes run the same application."},
		func(e *Environ) starlark.Value { return starlark.Bool(e.config.Multiprocess) }},
	{Key{"wsgi.run_once", "environ", "bool", "always",
		"`False`."},
		constant(starlark.False)},
	{Key{"wsgi.file_wrapper", "environ", "builtin_function_or_method", "always",
		"`file_wrapper(file, block_size = 8192)`: a body that sends a file."},
		constant(fileWrapper)},
	{Key{"wsgi.early_hints", "server", "builtin_function_or_method",
		"a 103 may go out: on HTTP/2, on HTTP/1.1 if the server is told to; not in a promised request",
		"`early_hints([(name, value), ...])`: promises what the fields preload, and sends a 103 " +
			"with the rest, now."},
		extension(EarlyHints)},
	{Key{"http2.push", "server", "builtin_function_or_method", "the client accepts promises",
		"`push(target, headers = None, method = \"GET\", critical = False)`: promises a resource " +
			"of the application now; see Push."},
		extension(Push)},
	{Key{"http2.pushed", "server", "string", "the request is promised",
		"The target of the page for which it is."},
		extension(Pushed)},
	{Key{"larkspur.websocket", "server", "larkspur.websocket",
		"the client asks for a WebSocket, and it can have one",
		"By this `websocket(fn)` takes over the connection; see WebSockets. Not for applications."},
		extension(WebSocket)},
	{Key{"larkspur.on_finish", "server", "builtin_function_or_method", "always",
		"`on_finish(fn)`: `fn(status, error)` is called after the response, the last given first."},
		extension(OnFinish)},
	{Key{"larkspur.link", "server", "builtin_function_or_method", "always",
		"`link(value)`: the response, whoever gives it, has this Link field too. Returns whether it " +
			"will: not once it has begun."},
		extension(Link)},
	{Key{"larkspur.trailers", "server", "builtin_function_or_method",
		"the protocol has trailers: HTTP/1.1 and HTTP/2",
		"`trailers([(name, value), ...])`: header fields that are sent after the body, unless that " +
			"has a Content-Length on HTTP/1.1, or breaks off. Those said before the response begins " +
			"are announced. It may be called until the body has ended."},
		extension(Trailers)},
	{Key{"larkspur.request_id", "environ", "string", "always",
		"An id of this request; the log has the same."},
		func(e *Environ) starlark.Value { return starlark.String(e.request.ID()) }},
	{Key{"larkspur.form", "@http", "http.body", "a function of `@http` has read the body",
		"What it read, kept so that the next call sees the same. Not for applications."},
		nil},
	{Key{"wsgiorg.routing_args", "@route", "tuple", "a router has chosen a route",
		"`((), {\"id\": 7})`: the parameters of the pattern, by name, as the handler gets them " +
			"(WSGI's routing_args)."},
		nil},
	{Key{"larkspur.route", "@route", "route.match", "a router has chosen a route",
		"What it chose, for `url_for`. Not for applications."},
		nil},
	{Key{"larkspur.nonce", "@middleware", "string", "`security_headers` is around the application",
		"The nonce that the Content-Security-Policy of the response names: 128 random bits, in " +
			"base64url."},
		nil},
	{Key{"larkspur.peer", "environ", "string", "the peer has an address",
		"Address and port of the connection's other end, `192.0.2.1:49152`."},
		(*Environ).peer},
	{Key{"larkspur.session", "@session", "session",
		"`sessions` of `@session` is around the application",
		"The session of the request, as `session(environ)` returns it. Not for applications."},
		nil},
}

// getters has those of the table by name.
var getters = func() map[string]getter {
	m := make(map[string]getter, len(table))
	for _, row := range table {
		if row.get != nil {
			m[row.Name] = row.get
		}
	}
	return m
}()

// constant gets what is the same for all requests: it is made once, and taken without an
// allocation.
func constant(v starlark.Value) getter { return func(*Environ) starlark.Value { return v } }

// extension gets what the server has.
func extension(x Extension) getter {
	return func(e *Environ) starlark.Value {
		if e.Extender == nil {
			return nil
		}
		return e.Extender.Extension(x)
	}
}

// serverProtocol is that of the message.
func (e *Environ) serverProtocol() starlark.Value {
	if m := e.request.Message; m.ProtoMajor != 1 || m.ProtoMinor <= 1 {
		return e.value(m.Proto)
	}
	// RFC 9110, section 2.5: a later minor version is processed as the highest that is known.
	return e.value("HTTP/1.1")
}

// pathInfo is the rest of the path, which may be empty (PEP 3333, "environ Variables"): decoded
// octets, not the PEP's latin-1 text, since a Starlark string holds octets.
func (e *Environ) pathInfo() starlark.Value {
	_, rest := e.request.split()
	return e.value(rest)
}

func (e *Environ) requestURI() starlark.Value {
	r := e.request.Message
	if r.RequestURI == "" {
		return e.value(r.URL.RequestURI())
	}
	return e.value(r.RequestURI)
}

// contentType is from the message. RFC 3875, sections 4.1.2 and 4.1.3: neither it nor the length is
// passed as HTTP_CONTENT_* too.
func (e *Environ) contentType() starlark.Value {
	if v := e.request.Message.Header["Content-Type"]; len(v) > 0 {
		return e.value(v[0])
	}
	return nil
}

func (e *Environ) contentLength() starlark.Value {
	r := e.request.Message
	if r.ContentLength > 0 || r.ContentLength == 0 && len(r.Header["Content-Length"]) > 0 {
		return starlark.String(strconv.FormatInt(r.ContentLength, 10))
	}
	return nil
}

func (e *Environ) software() starlark.Value {
	if e.config.Software == "" {
		return e.value("Larkspur")
	}
	return e.value(e.config.Software)
}
