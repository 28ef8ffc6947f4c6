package static

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
)

// An answer is the http.ResponseWriter that http.ServeContent decides on. Of the body it takes only what is
// not a piece of the file: an error's text, or the parts of a multi-range response.
type answer struct {
	header http.Header
	status int
	text   []byte
	whole  bool // the body is taken, whatever it is
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// errStop ends ServeContent when it comes to copy the file: the server asks for it when it is ready.
var errStop = errors.New("static: the body is read later")

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.whole || a.status >= 400 {
		a.text = append(a.text, p...)
		return len(p), nil
	}
	return 0, errStop
}

// run has http.ServeContent decide. The body is nil if there is none but text.
func (a *answer) run(r *http.Request, f fs.File, content io.ReadSeeker, info fs.FileInfo, modified time.Time) (*environ.File, error) {
	if strings.Contains(r.Header.Get("Range"), ",") {
		if info.Size() <= maxMultipart {
			a.whole = true
			http.ServeContent(a, r, "", modified, content)
			return nil, nil
		}
		r.Header.Del("Range") // RFC 9110, section 14.2: a server may ignore it
	}
	w := &watched{ReadSeeker: content}
	http.ServeContent(a, r, "", modified, w)
	if a.status != http.StatusOK && a.status != http.StatusPartialContent {
		return nil, nil
	}
	length, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodHead || length == 0 {
		return nil, nil
	}
	if _, err := content.Seek(w.offset, io.SeekStart); err != nil {
		return nil, err
	}
	return environ.NewFile(&section{io.LimitedReader{R: content, N: length}, f}, info.Name(), length), nil
}

// watched knows where a file was last told to go, and that is where the answer begins. Reading it gives
// nothing: ServeContent's copy ends before its first piece.
type watched struct {
	io.ReadSeeker
	offset int64
}

func (w *watched) Seek(offset int64, whence int) (int64, error) {
	at, err := w.ReadSeeker.Seek(offset, whence)
	if err == nil {
		w.offset = at
	}
	return at, err
}

func (w *watched) Read([]byte) (int, error) { return 0, io.EOF }

// maxMultipart is how large a file may be of which several ranges are sent in one response. Those are not a
// piece of the file but a body made of several, which is put together in memory; net/http makes it no larger than
// the file.
const maxMultipart = 8 << 20

// fields returns the header in a fixed order.
func (a *answer) fields() []field {
	var fields []field
	for name, values := range a.header {
		for _, v := range values {
			fields = append(fields, field{name, v})
		}
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return fields
}

// A section is the piece of a file that is the body, as a file of its own.
type section struct {
	io.LimitedReader
	file fs.File
}

func (s *section) Stat() (fs.FileInfo, error) { return s.file.Stat() }
func (s *section) Close() error               { return s.file.Close() }

// WriteTo shows io.Copy the file itself, so that it can be sent by the kernel.
func (s *section) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, &s.LimitedReader)
}
