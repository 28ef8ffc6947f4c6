package sitefile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/starlark"
)

// A Word is a function of site files.
type Word struct {
	// Name is how it is called.
	Name string
	// Doc says what it does.
	Doc string
	// Params are its parameters, in order; the last may take all arguments that are left.
	Params []Param

	make func(*call) starlark.Value // nil sets what the Flags of the parameters say
}

// A Param is a parameter of a Word.
type Param struct {
	// Name is how it is given.
	Name string
	// Doc says what it means, and what it is if it is not given.
	Doc string
	// Flag is the flag of larkspur serve that says the same. Empty means that none does.
	Flag string
	// Required says that it must be given.
	Required bool

	kind   kind
	rest   bool     // it is all positional arguments that are left
	values []string // that there are; nil for any
}

// Words are the functions that a site file has, sorted as they are explained.
func Words() []Word { return slices.Concat(routeWords, settingWords) }

// settingWords is what flags of larkspur serve are called in a site file: one that a program does not
// have says so when it is used. To have another flag said there, give it a row.
var settingWords = []Word{
	{Name: "listen", Doc: "Listens on addresses.", Params: []Param{
		{Name: "urls", Flag: "listen", kind: text, rest: true, Required: true,
			Doc: "each http://HOST:PORT, https://HOST:PORT or unix:PATH"}}},
	{Name: "tls", Doc: "Says how https is done.", Params: []Param{
		{Name: "cert", Flag: "tls-cert", kind: file, Doc: "a PEM file"},
		{Name: "key", Flag: "tls-key", kind: file, Doc: "a PEM file, which may be the same"},
		{Name: "client_ca", Flag: "client-ca", kind: file,
			Doc: "a PEM file with authorities, of one of which clients need a certificate"},
		{Name: "client_optional", Flag: "client-optional", kind: truth, Doc: "clients may do without"},
		{Name: "redirect", Flag: "redirect-http", kind: texts,
			Doc: "each http://HOST:PORT, where all requests are sent to https"},
		{Name: "hsts", Flag: "hsts", kind: text, Doc: "as in max-age=31536000"}}},
	{Name: "acme", Doc: "Gets certificates from an authority, and renews them.", Params: []Param{
		{Name: "domains", Flag: "acme", kind: texts, Required: true, Doc: "the names of hosts"},
		{Name: "dir", Flag: "acme-dir", kind: path, Required: true, Doc: "the directory that keeps them"},
		{Name: "email", Flag: "acme-email", kind: text, Doc: "the address that the authority may write to"},
		{Name: "directory", Flag: "acme-directory", kind: text, Doc: "the URL of its directory, if it is not Let's Encrypt"}}},
	{Name: "proxies", Doc: "Says which proxies are believed who the client is.", Params: []Param{
		{Name: "trust", Flag: "trust-proxy", kind: texts, Required: true,
			Doc: "their networks and addresses, and unix"},
		{Name: "fields", Flag: "proxy-fields", kind: text, values: []string{"x-forwarded", "forwarded", "none"},
			Doc: "which fields they say it in"},
		{Name: "protocol", Flag: "proxy-protocol", kind: truth, Doc: "whether they say it by the PROXY protocol"}}},
	{Name: "log", Doc: "Says what is logged, and where.", Params: []Param{
		{Name: "access", Flag: "access-log", kind: text,
			Doc: "how each request is logged: text, json or combined, with a file as in json:FILE, or off"},
		{Name: "sample", Flag: "access-sample", kind: text, Doc: "the part of the requests that is, as in \"0.01\""},
		{Name: "mask", Flag: "log-mask", kind: texts, Doc: "query parameters whose values are not"},
		{Name: "errors", Flag: "error-log", kind: path, Doc: "the file of all other records"}}},
	{Name: "metrics", Doc: "Has an operator be told what the server does.", Params: []Param{
		{Name: "admin", Flag: "admin", kind: text, Required: true,
			Doc: "where it is asked, as in \"9000\" or HOST:9000: a page, /metrics, /healthz, /readyz and profiles"}}},
	{Name: "rates", Doc: "Bounds how many requests there are in a second.", Params: []Param{
		{Name: "client", Flag: "client-rate", kind: text, Doc: "of each client address"},
		{Name: "burst", Flag: "client-burst", kind: number, Doc: "of a client at once"}}},
	{Name: "push_map", Doc: "Names the file that says which resources go with which pages.", Params: []Param{
		{Name: "file", Flag: "push-map", kind: file, Required: true, Doc: "as larkspur push learn writes it"}}},
	{Name: "push", Doc: "Says what is pushed and hinted.", Params: []Param{
		{Name: "off", Flag: "no-push", kind: truth, Doc: "make no pushes"},
		{Name: "hints_http1", Flag: "hints-http1", kind: truth, Doc: "send early hints over HTTP/1.1 too"},
		{Name: "memory", Flag: "push-memory", kind: path, Doc: "the file of the keys of the memory of clients"}}},
	{Name: "compress", Doc: "Compresses answers, but those that may hold secrets.", Params: []Param{
		{Name: "how", Flag: "compress", kind: compression, Required: true,
			Doc: `"on", "off", some of zstd, br and gzip with commas between them, and secrets beside one of them`}}},
	{Name: "limits", Doc: "Bounds what clients and applications may take.", Params: []Param{
		{Name: "timeout", Flag: "timeout", kind: duration, Doc: "of a call, to its first block and between two"},
		{Name: "max_steps", Flag: "max-steps", kind: number, Doc: "of the interpreter, of a call"},
		{Name: "memory", Flag: "memory", kind: size, Doc: "of the values of a call"},
		{Name: "max_body", Flag: "max-body", kind: size, Doc: "of a request's body"},
		{Name: "idle_timeout", Flag: "idle-timeout", kind: duration, Doc: "of a response that sends nothing"},
		{Name: "calls", Flag: "calls", kind: number, Doc: "how many scripts run at once"},
		{Name: "waiting", Flag: "waiting", kind: number, Doc: "how many calls that have begun may wait"},
		{Name: "max_conns", Flag: "max-conns", kind: number, Doc: "how many connections there may be"},
		{Name: "drain", Flag: "drain", kind: duration, Doc: "how long requests may take to end at the end"}}},
	{Name: "sandbox", Doc: "Confines workers.", Params: []Param{
		{Name: "mode", Flag: "sandbox", kind: text, values: []string{"on", "require", "off"}, Doc: "how"},
		{Name: "memory", Flag: "worker-memory", kind: size, Doc: "of a worker"},
		{Name: "cpu", Flag: "worker-cpu", kind: duration, Doc: "time of processors of a worker"},
		{Name: "files", Flag: "worker-files", kind: number, Doc: "that a worker may have open"},
		{Name: "file_size", Flag: "worker-file-size", kind: size, Doc: "of what a worker writes"}}},
	{Name: "watch", Doc: "Takes up what changes without a signal.", Params: []Param{
		{Name: "on", Flag: "watch", kind: truth, Required: true, Doc: "whether it does"}}},
}

// limitsOf are the names of the limits that an application may have of its own.
var limitsOf = []string{"timeout", "max_steps", "memory"}

// words are the functions, for one file.
func (r *reader) words() starlark.StringDict {
	all := make(starlark.StringDict)
	for _, w := range Words() {
		all[w.Name] = starlark.NewBuiltin(w.Name, func(
			t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
		) (starlark.Value, error) {
			c := &call{reader: r, word: &w, place: host.PlaceAt(t.CallFrame(1).Pos), args: make(map[string]starlark.Value)}
			return c.run(args, kwargs), nil
		})
	}
	return all
}

// A call is one call of a word.
type call struct {
	*reader
	word  *Word
	place host.Place
	args  map[string]starlark.Value // what was given for parameters
	rest  []starlark.Value          // what is left
	wrong bool                      // something of it is
}

func (c *call) fault(format string, args ...any) {
	c.wrong = true
	c.reader.fault(c.place, "%s: %s", c.word.Name, fmt.Sprintf(format, args...))
}

// run has the word do what it does. What is wrong is noted, and does not end the evaluation.
func (c *call) run(args starlark.Tuple, kwargs []starlark.Tuple) starlark.Value {
	c.bind(args, kwargs)
	if c.word.make != nil {
		return c.word.make(c)
	}
	c.set()
	return starlark.None
}

// bind finds the parameter of each argument.
func (c *call) bind(args starlark.Tuple, kwargs []starlark.Tuple) {
	var names []string
	for _, p := range c.word.Params {
		names = append(names, p.Name)
		switch {
		case p.rest:
			c.rest, args = args, nil
		case len(args) > 0:
			c.args[p.Name], args = args[0], args[1:]
		}
	}
	if len(args) > 0 {
		c.fault("got %d more arguments than it takes: write %s", len(args), c.word.Signature())
	}
	for _, kw := range kwargs {
		name := string(kw[0].(starlark.String))
		i := slices.IndexFunc(c.word.Params, func(p Param) bool { return p.Name == name && !p.rest })
		switch {
		case i < 0:
			c.fault("there is no parameter %s%s: write %s", name, meant(name, names), c.word.Signature())
		case c.args[name] != nil:
			c.fault("%s is given twice", name)
		default:
			c.args[name] = kw[1]
		}
	}
	for _, p := range c.word.Params {
		if v := c.args[p.Name]; v == starlark.None {
			delete(c.args, p.Name)
		}
		if p.Required && c.args[p.Name] == nil && (!p.rest || len(c.rest) == 0) {
			c.fault("%s is missing: write %s", p.Name, c.word.Signature())
		}
	}
}

// meant is the one of names that name stands for, as a hint.
func meant(name string, names []string) string {
	if near := spell.Nearest(name, names, 3); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	return ""
}

// Signature is how the word is called.
func (w *Word) Signature() string {
	var params []string
	for _, p := range w.Params {
		switch {
		case p.rest:
			params = append(params, p.Name+"...")
		case p.Required:
			params = append(params, p.Name)
		default:
			params = append(params, p.Name+" =")
		}
	}
	return w.Name + "(" + strings.Join(params, ", ") + ")"
}

// set notes what the flags of the parameters are to be.
func (c *call) set() {
	for _, p := range c.word.Params {
		given := c.rest
		if !p.rest {
			given = nil
			if list, ok := c.args[p.Name].(starlark.Iterable); ok && p.kind == texts {
				given = slices.Collect(starlark.Elements(list))
			} else if c.args[p.Name] != nil {
				given = []starlark.Value{c.args[p.Name]}
			}
		}
		s := Setting{Word: c.word.Name + "(" + p.Name + ")", Flag: p.Flag, Place: c.place}
		for _, v := range given {
			value, ok := c.value(&p, v)
			if !ok {
				return
			}
			s.Values = append(s.Values, value)
		}
		if len(s.Values) == 0 {
			continue
		}
		i := slices.IndexFunc(c.settings, func(o Setting) bool { return o.Flag == s.Flag })
		switch {
		case i < 0:
			c.settings = append(c.settings, s)
		case p.rest: // it adds to those before
			c.settings[i].Values = append(c.settings[i].Values, s.Values...)
		default:
			c.fault("%s is said in line %d already", p.Name, c.settings[i].Place.Line)
		}
	}
}
