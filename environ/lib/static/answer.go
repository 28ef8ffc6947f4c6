package static

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// An answer is the http.ResponseWriter that http.ServeContent decides on. It holds what that
// says, and leaves the file where that has put it: at the first byte of the body, to be sent when
// the server is ready.
type answer struct {
	header http.Header
	status int
	text   bytes.Buffer // a body that is no piece of the file: an error's text, or several ranges
	large  bool         // several ranges are asked for, and they are too much to put together
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write takes the text of an error.
func (a *answer) Write(p []byte) (int, error) { return a.text.Write(p) }

// maxRanges is how many bytes may be sent in one response of several ranges. Those are not a
// piece of the file but a body made of several, which is put together in memory.
const maxRanges = 1 << 20

// ReadFrom is what the copy in ServeContent uses, as io.Copy says. It reads nothing but several
// ranges.
func (a *answer) ReadFrom(src io.Reader) (int64, error) {
	if !strings.HasPrefix(a.header.Get("Content-Type"), "multipart/byteranges") {
		return 0, nil
	}
	if n, err := a.length(); err != nil || n > maxRanges {
		a.large = true
		return 0, err
	}
	return a.text.ReadFrom(src)
}

func (a *answer) length() (int64, error) {
	return strconv.ParseInt(a.header.Get("Content-Length"), 10, 64)
}

// decide has http.ServeContent decide what becomes of r. The file is nil if the body is a.text.
func (a *answer) decide(
	r *http.Request, f fs.File, content io.ReadSeeker, info fs.FileInfo,
) (*host.File, error) {
	if field := Ranges(r.Header.Get("Range"), info.Size()); field != "" {
		r.Header.Set("Range", field)
	} else {
		r.Header.Del("Range")
	}
	header := a.header.Clone()
	http.ServeContent(a, r, "", info.ModTime(), content)
	if a.large {
		// RFC 9110, section 14.2: a server may ignore the Range field.
		r.Header.Del("Range")
		*a = answer{header: header}
		http.ServeContent(a, r, "", info.ModTime(), content)
	}
	if a.status != http.StatusOK && a.status != http.StatusPartialContent || a.text.Len() > 0 ||
		r.Method == http.MethodHead {
		return nil, nil
	}
	n, err := a.length()
	if err != nil || n == 0 {
		return nil, err
	}
	return host.NewFile(&section{io.LimitedReader{R: content, N: n}, f}, info.Name(), n), nil
}

// fields returns the header in a fixed order.
func (a *answer) fields() []environ.Field {
	var fields []environ.Field
	for name, values := range a.header {
		for _, v := range values {
			fields = append(fields, environ.Field{Name: name, Value: v})
		}
	}
	slices.SortFunc(fields, func(a, b environ.Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// A section is the piece of a file that is the body, as a file of its own.
type section struct {
	io.LimitedReader
	file fs.File
}

func (s *section) Stat() (fs.FileInfo, error) { return s.file.Stat() }
func (s *section) Close() error               { return s.file.Close() }

// WriteTo shows w the file itself, so that the kernel can send it.
func (s *section) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, &s.LimitedReader) }
