// Package http is the host module @http: what an application most often wants of its environ, done in
// Go.
//
//	load("@http", "form", "query", "status")
//
//	query(environ)       the values of QUERY_STRING
//	form(environ)        the fields of a form that was posted, urlencoded or multipart
//	files(environ)       the files of a multipart form
//	cookies(environ)     the cookies
//	json(environ)        the value of a JSON body
//	set_cookie(name, value, ...)   a Set-Cookie header
//	url(environ)         the URL of the request, as PEP 3333 reconstructs it
//	status(404)          "404 Not Found"
//	input(blocks)        a wsgi.input of bytes, or of an iterable of blocks
//
// The same functions are members of http, load("@http", "http"), for programs with names of
// their own.
//
// All work on any dict that follows the contract, also when middleware has put another wsgi.input in
// its place. A body is read once; its outcome is kept in the environ under larkspur.form, so that
// middleware and application both see it. What a client sends is bounded (1,000 keys, 1 MiB of
// fields, 100 files, 32 MiB of files, all held in memory) and bad input is an [environ.Error], which
// the client sees as 400, 413 or 415 if the application does not catch it.
package http

import (
	"io"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// The bounds of what a client can make a function hold.
const (
	maxKeys   = 1000     // of a query, a form, the cookies, or one JSON object
	maxFields = 1 << 20  // bytes of a form without its files
	maxFiles  = 100      // in a form
	maxUpload = 32 << 20 // bytes of the files of a form
	maxJSON   = 10 << 20 // bytes
)

// Module makes the values of @http; it is a runtime.Module. They are immutable.
func Module(fs.FS) (starlark.StringDict, error) {
	members := make(starlark.StringDict)
	for _, fn := range []struct {
		name string
		call func(t *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error)
	}{
		{"query", query}, {"form", form}, {"files", files}, {"cookies", cookies}, {"json", decodeJSON},
		{"set_cookie", setCookie}, {"url", reconstruct}, {"status", status}, {"input", input},
	} {
		members[fn.name] = starlark.NewBuiltin(fn.name, func(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
			return fn.call(t, b.Name(), args, kwargs)
		})
	}
	exports := starlark.StringDict{"http": &starlarkstruct.Module{Name: "http", Members: members}}
	for name, fn := range members {
		exports[name] = fn
	}
	return exports, nil
}

// unpack is starlark.UnpackArgs with this module's code.
func unpack(name string, args starlark.Tuple, kwargs []starlark.Tuple, pairs ...any) error {
	if err := starlark.UnpackArgs(name, args, kwargs, pairs...); err != nil {
		return environ.Errorf(environ.CodeWebUse, "", "%v", err)
	}
	return nil
}

// only unpacks an environ as the one argument.
func only(name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.HasSetKey, error) {
	var v starlark.Value
	if err := unpack(name, args, kwargs, "environ", &v); err != nil {
		return nil, err
	}
	env, ok := v.(starlark.HasSetKey)
	if !ok {
		return nil, environ.Errorf(environ.CodeWebUse, "", "%s: for parameter environ: got %s, want dict", name, v.Type())
	}
	return env, nil
}

// text returns a variable of env, "" if it is absent.
func text(env starlark.HasSetKey, key string) (string, error) {
	v, ok, err := env.Get(starlark.String(key))
	if err != nil || !ok {
		return "", err
	}
	s, ok := v.(starlark.String)
	if !ok {
		return "", environ.Errorf(environ.CodeWebUse, "", "environ[%q] is a %s, not a string", key, v.Type())
	}
	return string(s), nil
}

func malformed(format string, args ...any) error {
	e := environ.Errorf(environ.CodeMalformed, "", format, args...)
	e.Status = http.StatusBadRequest
	return e
}

func tooMany(format string, args ...any) error {
	e := environ.Errorf(environ.CodeTooMany, "", format, args...)
	e.Status = http.StatusRequestEntityTooLarge
	return e
}

func status(_ *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var code int
	if err := unpack(name, args, kwargs, "code", &code); err != nil {
		return nil, err
	}
	if code < 200 || code > 599 {
		return nil, environ.Errorf(environ.CodeWebUse, "", "status: %d is not between 200 and 599", code)
	}
	reason := http.StatusText(code)
	if reason == "" {
		reason = "Unknown"
	}
	return starlark.String(strconv.Itoa(code) + " " + reason), nil
}

func input(t *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var v starlark.Value
	if err := unpack(name, args, kwargs, "blocks", &v); err != nil {
		return nil, err
	}
	var b blocks
	switch v := v.(type) {
	case starlark.Bytes:
		b.rest = string(v)
	case starlark.String:
		b.rest = string(v)
	case starlark.Iterable:
		b.from = v
	default:
		return nil, environ.Errorf(environ.CodeWebUse, "pass bytes, or an iterable of them", "input: got %s", v.Type())
	}
	in := environ.NewInput(&b)
	in.Fail = host.CallOf(t).Fail
	return in, nil
}

// blocks reads the blocks of an iterable one after the other, each when it is needed.
type blocks struct {
	rest string
	from starlark.Iterable
	iter starlark.Iterator
}

func (b *blocks) Read(p []byte) (int, error) {
	for b.rest == "" {
		if b.from == nil {
			return 0, io.EOF
		}
		if b.iter == nil {
			b.iter = b.from.Iterate()
		}
		var v starlark.Value
		if !b.iter.Next(&v) {
			return 0, b.end()
		}
		block, ok := host.Octets(v)
		if !ok {
			b.iter.Done()
			b.from = nil
			return 0, environ.Errorf(environ.CodeWebUse, "", "input: a block is a %s, not bytes", v.Type())
		}
		b.rest = block
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *blocks) end() error {
	b.iter.Done()
	b.from = nil
	if err := host.IterError(b.iter); err != nil {
		return err
	}
	return io.EOF
}
