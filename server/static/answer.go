package static

import (
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// answer answers a GET or HEAD, unless there is an error, which is that of a file.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request) error {
	t, err := h.open()
	if err != nil {
		return err
	}
	at := strings.TrimPrefix(r.URL.Path, h.Path)
	name, ok := static.FileName(at)
	if !ok {
		return h.fallback(w, r, t, fs.ErrNotExist)
	}
	info, err := host.Stat(t.fs, name)
	switch {
	case err != nil:
		return h.fallback(w, r, t, err)
	case !info.IsDir() && strings.HasSuffix(at, "/"):
		return fs.ErrNotExist // a file is no directory
	case !info.IsDir():
		return h.file(w, r, t, name)
	case !strings.HasSuffix(at, "/"):
		redirect(w, r, r.URL.Path+"/")
		return nil
	}
	err = h.file(w, r, t, path.Join(name, h.index()))
	if err != nil && h.Listing {
		return h.list(w, r, t, name)
	}
	if err != nil {
		return h.fallback(w, r, t, err)
	}
	return nil
}

// fallback answers a navigation to what is not there, for which err is the reason.
func (h *Handler) fallback(w http.ResponseWriter, r *http.Request, t *tree, err error) error {
	if h.Fallback == "" {
		return err
	}
	w.Header().Add("Vary", "Accept, Sec-Fetch-Mode")
	if !navigation(r) {
		return err
	}
	return h.file(w, r, t, strings.TrimPrefix(h.Fallback, "/"))
}

// navigation reports whether a browser asks for a page, and not for a part of one.
func navigation(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	want := wire.Media(strings.Join(r.Header["Accept"], ","), "text/html")
	return want.Weight > 0 && want.Exact > 1 // it says text/html, and not */*
}

func redirect(w http.ResponseWriter, r *http.Request, to string) {
	// A path that begins with two slashes would be another host.
	location := &url.URL{Path: "/" + strings.TrimLeft(to, "/"), RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", location.String())
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusMovedPermanently)
}

// file answers with a file.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, t *tree, name string) error {
	f, info, err := host.OpenRegular(t.fs, name)
	if err != nil {
		return err
	}
	defer func() { f.Close() }()
	media := static.MediaType(name)
	header := http.Header{"Content-Type": {media}, "Cache-Control": {h.cacheControl(name)},
		"X-Content-Type-Options": {"nosniff"}}
	best, others := variant(t, name, info, strings.Join(r.Header["Accept-Encoding"], ","))
	if others {
		header["Vary"] = []string{"Accept-Encoding"}
	}
	of := name
	if best != "" {
		of = name + suffixes[best]
		if encoded, its, err := host.OpenRegular(t.fs, of); err == nil {
			f.Close()
			f, info = encoded, its
			header["Content-Encoding"] = []string{best}
		}
	}
	content, ok := f.(io.ReadSeeker)
	if !ok {
		return fs.ErrInvalid // of an os.Root all are
	}
	tag, err := h.tags.Tag(r.Context(), t, of, info, content)
	if err != nil {
		return err
	}
	if tag != "" {
		header["Etag"] = []string{tag}
	}
	own := w.Header()
	for field, values := range header {
		if field == "Vary" {
			own[field] = append(own[field], values...)
		} else {
			own[field] = values
		}
	}
	http.ServeContent(&sized{server.Guard(w, r), info.Size()}, understood(r, info.Size()), "", info.ModTime(), content)
	return nil
}

// A sized response says how long it is, which http.ServeContent does not of a body that has a coding.
type sized struct {
	http.ResponseWriter
	size int64
}

// Unwrap is http.ResponseController's.
func (s *sized) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *sized) WriteHeader(status int) {
	if h := s.Header(); status == http.StatusOK && h["Content-Length"] == nil {
		h["Content-Length"] = []string{strconv.FormatInt(s.size, 10)}
	}
	s.ResponseWriter.WriteHeader(status)
}

// understood is a request whose fields http.ServeContent reads as RFC 9110 wants: lists in one line, and a
// Range that it knows, or none.
func understood(r *http.Request, size int64) *http.Request {
	h := r.Header
	if h["Range"] == nil && len(h["If-Match"]) < 2 && len(h["If-None-Match"]) < 2 {
		return r
	}
	other := *r
	other.Header = h.Clone()
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if len(h[name]) > 1 {
			other.Header[name] = []string{strings.Join(h[name], ", ")}
		}
	}
	if field := static.Ranges(h.Get("Range"), size); field != "" && len(h["Range"]) == 1 {
		other.Header.Set("Range", field)
	} else {
		other.Header.Del("Range") // RFC 9110, section 5.3: two of them are no list
	}
	return &other
}

// codings are those that files may have been encoded with before, the best first, and suffixes what their
// names end in.
var (
	codings  = [...]string{"zstd", "br", "gzip"}
	suffixes = map[string]string{"zstd": ".zst", "br": ".br", "gzip": ".gz"}
)

// variant returns the coding of the file beside name that a client wants most, "" for none of them, and
// whether there are any. One that is older than the file is of another content.
func variant(t *tree, name string, info fs.FileInfo, accept string) (best string, others bool) {
	var there []string
	for _, c := range codings {
		if strings.HasSuffix(name, suffixes[c]) {
			continue
		}
		v, err := host.Stat(t.fs, name+suffixes[c])
		if err == nil && v.Mode().IsRegular() && !v.ModTime().Before(info.ModTime()) {
			there = append(there, c)
		}
	}
	if len(there) == 0 {
		return "", false
	}
	return wire.Coding(accept, there...), true
}
