package http

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// parseParts reads the parts of a form, RFC 7578.
func (b *body) parseParts(r *multipart.Reader, in *bounded) error {
	const malformedForm = "the multipart form is malformed: %v"
	fields, heads := maxFields, maxHeads
	for {
		in.head = maxHead
		p, err := r.NextPart()
		in.head = 0
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return malformed(malformedForm, err)
		}
		// Before they are read: a parameter costs more than a byte of anything else.
		for name, values := range p.Header {
			for _, v := range values {
				heads -= len(name) + len(v)
			}
		}
		if heads < 0 {
			return tooMany("the headers of the form's parts are too large")
		}
		name, filename := p.FormName(), base(p.FileName())
		if name == "" && !nameless(p) {
			return malformed("a part of the form has no name")
		}
		fields -= len(name) + len(filename)
		if fields < 0 || len(b.form.pairs) >= maxKeys || len(b.files.pairs) >= maxFiles {
			return tooMany("the form has more than %d fields or %d files", maxKeys, maxFiles)
		}
		if filename == "" {
			data, err := io.ReadAll(io.LimitReader(decoded(p), int64(fields)+1))
			if err != nil {
				return malformed(malformedForm, err)
			}
			if fields -= len(data); fields < 0 {
				return tooMany("the fields of the form are too large")
			}
			b.form.add(name, starlark.String(data))
			continue
		}
		content, size, err := b.uploads.take(decoded(p))
		var own *environ.Error
		if errors.As(err, &own) {
			return err
		}
		if err != nil {
			return malformed(malformedForm, err)
		}
		opened := host.NewFile(content, filename, size)
		b.files.add(name, &file{opened, starlark.StringDict{
			"name":         starlark.String(name),
			"filename":     starlark.String(filename),
			"content_type": starlark.String(p.Header.Get("Content-Type")),
			"size":         starlark.MakeInt64(size),
		}})
	}
}

// nameless reports whether the name of a field is said to be empty, as scripts in browsers and curl
// can say it. It is a name as in "=1" of a query.
func nameless(p *multipart.Part) bool {
	kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	name, said := params["name"]
	return err == nil && kind == "form-data" && said && name == ""
}

// decoded reads the content of a part. RFC 7578, section 4.7: no sender should encode it. Some do,
// for transports of seven bits; package multipart has decoded quoted-printable by now.
func decoded(p *multipart.Part) io.Reader {
	if strings.EqualFold(p.Header.Get("Content-Transfer-Encoding"), "base64") {
		return base64.NewDecoder(base64.StdEncoding, p)
	}
	return p
}

// base is the last element of what a client calls a file, whichever separators its system has.
// RFC 7578, section 4.2: "do not use path information".
func base(filename string) string {
	name := filename[strings.LastIndexAny(filename, `/\`)+1:]
	if filename != "" && strings.Trim(name, ".") == "" {
		return "file" // "..", or nothing behind the separator
	}
	return name
}

// oversize gives the error of an input that a Go program has bounded its status, if it has none.
func oversize(err error) error {
	var own *environ.Error
	var large *http.MaxBytesError
	if errors.As(err, &own) || !errors.As(err, &large) {
		return err
	}
	return tooMany("the request body has more than %d bytes", large.Limit)
}

// The bounds of the headers of the parts of a form: one may have a name that is as long as all
// fields may be together. Package multipart would read 10 MiB of each.
const (
	maxHeads = maxFields + 64<<10 // bytes of all
	maxHead  = maxHeads + 16<<10  // bytes of one, with what is read ahead
)

// A bounded reader fails when there is more than left.
type bounded struct {
	r    io.Reader
	left int64
	head int // bytes of a header, or of what is before the first; 0 is no bound
	what string
	err  error // that it failed with, which who reads may make another of
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.head > 0 {
		if b.head == 1 {
			b.err = tooMany("a header in the %s is too large", b.what)
			return 0, b.err
		}
		p = p[:min(len(p), b.head-1)]
	}
	if b.left < int64(len(p)) {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.head > 0 {
		b.head -= n
	}
	if b.left -= int64(n); b.left < 0 {
		b.left = 0
		n, err = 0, tooMany("the %s is too large", b.what)
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
