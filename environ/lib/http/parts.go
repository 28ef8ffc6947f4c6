package http

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"mime/multipart"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

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
		opened := host.NewFile(memory{bytes.NewReader(data)}, filename, int64(len(data)))
		b.files.add(name, &file{opened, starlark.StringDict{
			"name":         starlark.String(name),
			"filename":     starlark.String(filename),
			"content_type": starlark.String(p.Header.Get("Content-Type")),
			"size":         starlark.MakeInt(len(data)),
		}})
	}
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
