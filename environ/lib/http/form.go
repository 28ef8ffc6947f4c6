package http

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func query(_ *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	env, err := only(name, args, kwargs)
	if err != nil {
		return nil, err
	}
	s, err := text(env, "QUERY_STRING")
	if err != nil {
		return nil, err
	}
	return parseQuery("the query", s)
}

func form(t *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	b, err := read(t, name, args, kwargs)
	if err != nil {
		return nil, err
	}
	return &b.form, nil
}

func files(t *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	b, err := read(t, name, args, kwargs)
	if err != nil {
		return nil, err
	}
	return &b.files, nil
}

// parseQuery parses the application/x-www-form-urlencoded text s of what.
func parseQuery(what, s string) (*Values, error) {
	if strings.Count(s, "&") >= maxKeys {
		return nil, tooMany("%s has more than %d keys", what, maxKeys)
	}
	v := new(Values)
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(key)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, malformed("%s is malformed: %v", what, err)
		}
		v.add(key, starlark.String(value))
	}
	return v, nil
}

// A body is what was read of a wsgi.input, kept in the environ. It counts only as long as that input
// is in the environ too: middleware that replaces it has replaced the body.
type body struct {
	host.Object
	input starlark.Value
	form  Values
	files Values
	json  string
	err   error
}

var keyBody, keyInput = starlark.String("larkspur.form"), starlark.String("wsgi.input")

// read returns the body of the environ in args: the one that an earlier call has read, or what it reads now.
func read(t *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (*body, error) {
	env, err := only(name, args, kwargs)
	if err != nil {
		return nil, err
	}
	in, ok, err := env.Get(keyInput)
	if err != nil || !ok {
		return nil, environ.Errorf(environ.CodeWebUse, "", `%s: the environ has no "wsgi.input"`, name)
	}
	if v, ok, _ := env.Get(keyBody); ok {
		if b, ok := v.(*body); ok && b.input == in {
			return b, b.err
		}
	}
	header, err := text(env, "CONTENT_TYPE")
	if err != nil {
		return nil, err
	}
	b := &body{Object: "http.body", input: in}
	media, params, err := mime.ParseMediaType(header)
	if err != nil && header != "" {
		return nil, malformed("the Content-Type is malformed: %v", err)
	}
	b.err = b.parse(environ.Reader(t, in), media, params["boundary"])
	if err := env.SetKey(keyBody, b); err != nil {
		return nil, err
	}
	return b, b.err
}

func (b *body) parse(r io.Reader, media, boundary string) error {
	switch {
	case media == "application/x-www-form-urlencoded":
		s, err := io.ReadAll(&bounded{r, maxFields, "form"})
		if err != nil {
			return err
		}
		v, err := parseQuery("the form", string(s))
		if err != nil {
			return err
		}
		b.form = *v
	case media == "multipart/form-data":
		if boundary == "" {
			return malformed("the multipart form has no boundary")
		}
		whole := io.MultiReader(&bounded{r, maxUpload + 2*maxFields, "form"}, strings.NewReader("\r\n"), cut{})
		return b.parseParts(multipart.NewReader(whole, boundary))
	case isJSON(media):
		s, err := io.ReadAll(&bounded{r, maxJSON, "JSON body"})
		b.json = string(s)
		return err
	}
	return nil
}

// cut stands behind the last byte of a form. The multipart reader stops at the last boundary, before it;
// where it does not, the form is not whole, which that reader does not tell from its end in the
// midst of a part's header.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// parseParts reads the parts of a form, RFC 7578.
func (b *body) parseParts(r *multipart.Reader) error {
	fields, upload := maxFields, maxUpload
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		name, filename := p.FormName(), base(p.FileName())
		if name == "" {
			return malformed("a part of the form has no name")
		}
		left, what := &fields, "fields"
		if filename != "" {
			left, what = &upload, "files"
		}
		data, err := io.ReadAll(io.LimitReader(p, int64(*left)+1))
		if err != nil {
			return broken(err)
		}
		if *left -= len(data); *left < 0 {
			return tooMany("the %s of the form are too large", what)
		}
		fields -= len(name) + len(filename)
		if fields < 0 || len(b.form.pairs) >= maxKeys || len(b.files.pairs) >= maxFiles {
			return tooMany("the form has more than %d fields or %d files", maxKeys, maxFiles)
		}
		if filename == "" {
			b.form.add(name, starlark.String(data))
			continue
		}
		b.files.add(name, &file{host.NewFile(memory{bytes.NewReader(data)}, filename, int64(len(data))), starlark.StringDict{
			"name": starlark.String(name), "filename": starlark.String(filename),
			"content_type": starlark.String(p.Header.Get("Content-Type")), "size": starlark.MakeInt(len(data)),
		}})
	}
}

// base is the last element of what a client calls a file, whichever separators its system has. RFC 7578, section 4.2:
// "do not use path information".
func base(filename string) string {
	name := filename[strings.LastIndexAny(filename, `/\`)+1:]
	if filename != "" && strings.Trim(name, ".") == "" {
		return "file" // "..", or nothing behind the separator
	}
	return name
}

// memory is an fs.File of bytes.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func (memory) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

// broken keeps an error of the input, or of the script that stands for it; others are the form's.
func broken(err error) error {
	var own *environ.Error
	var eval *starlark.EvalError
	if errors.As(err, &own) || errors.As(err, &eval) {
		return err
	}
	return malformed("the multipart form is malformed: %v", err)
}

// A bounded reader fails when there is more than left.
type bounded struct {
	r    io.Reader
	left int
	what string
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		b.left = 0
		return 0, tooMany("the %s is too large", b.what)
	}
	return n, err
}

func cookies(_ *starlark.Thread, name string, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	env, err := only(name, args, kwargs)
	if err != nil {
		return nil, err
	}
	s, err := text(env, "HTTP_COOKIE")
	if err != nil {
		return nil, err
	}
	if strings.Count(s, ";") >= maxKeys {
		return nil, tooMany("there are more than %d cookies", maxKeys)
	}
	v := new(Values)
	// What is no cookie is left out: another application of the host may have set it.
	r := http.Request{Header: http.Header{"Cookie": {s}}}
	for _, c := range r.Cookies() {
		v.add(c.Name, starlark.String(c.Value))
	}
	return v, nil
}
