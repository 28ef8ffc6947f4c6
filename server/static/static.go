// Package static answers requests with the files of a directory.
//
//	front := &server.Front{Mounts: []server.Mount{
//		{Path: "/assets", Handler: &static.Handler{Dir: "public", Path: "/assets"}},
//	}}
//
// # What is answered
//
// GET and HEAD, with what RFC 9110 has for them: ranges, one or several, and all of the conditions. An
// ETag is strong and of the content, or of time and size where that is more than 4 MiB; types are of a
// table of our own, the same on every machine. Where FILE.zst, FILE.br or FILE.gz lies beside a file and
// is not older, it goes to the clients that want it most, with an ETag of its own and Vary.
//
// No name leads out of the directory, by whatever symlinks ([os.Root]), nor to what begins with a dot,
// but .well-known. A path has one file and a file one path: nothing is cleaned. What is neither a file nor
// a directory is not there, and never opened. The directory may be a symlink that is swapped when a new
// release comes: what it names is looked at for each request, so that no restart is needed.
package static

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/static"
	"github.com/larkspur-web/larkspur/server"
)

// A Handler is an http.Handler of files. Dir is required. It must not be changed or copied once it is
// in use, and is safe for concurrent use.
type Handler struct {
	// Dir is the directory.
	Dir string
	// Path is the path of the [server.Mount] that it is in, which names nothing in the directory.
	Path string
	Options

	tags static.Memory
	mu   sync.Mutex // guards root
	root *tree
}

// Options say how files are answered with. The zero value works.
type Options struct {
	// Index is the file that answers for a directory. Empty means index.html.
	Index string
	// Listing lists a directory that has no Index. Without it that is not there.
	Listing bool
	// MaxAge is how long a client may use a file without asking again. Zero means that it asks each time
	// (no-cache), which the ETag makes cheap.
	MaxAge time.Duration
	// Immutable lets clients use files for a year that have a hash in their name, as app.3f9a1c0b.js: eight
	// hexadecimal digits or more, of which one is a letter and one is none, between dots, - or _.
	Immutable bool
	// Cache are the Cache-Control of some files: the first whose pattern fits comes before Immutable and
	// MaxAge.
	Cache []Rule
	// Fallback is the file, below the directory, that answers a browser's navigation to what is not
	// there, for an application that lives in the page. Empty means 404.
	Fallback string
}

// A Rule is the Cache-Control of some files.
type Rule struct {
	// Pattern is of [path.Match], for the name of a file or, if it has a slash, for its path.
	Pattern string
	// Value is the field.
	Value string
}

// Check returns what is wrong with the options, nil if nothing is.
func (o *Options) Check() error {
	if strings.ContainsAny(o.Index, "/\\") || strings.HasPrefix(o.Index, ".") {
		return fmt.Errorf("index is %q, not the name of a file", o.Index)
	}
	if _, ok := static.FileName("/" + o.Fallback); o.Fallback != "" && (!ok || o.Fallback == "/") {
		return fmt.Errorf("fallback is %q, not the path of a file below the directory", o.Fallback)
	}
	if o.MaxAge < 0 {
		return fmt.Errorf("max_age is %v; it is a time from 0 on", o.MaxAge)
	}
	for _, rule := range o.Cache {
		if _, err := path.Match(rule.Pattern, ""); err != nil || rule.Pattern == "" {
			return fmt.Errorf("cache: %q is no pattern: write *.html, or assets/*", rule.Pattern)
		}
		if rule.Value == "" || strings.ContainsFunc(rule.Value, func(c rune) bool { return c < ' ' || c > '~' }) {
			return fmt.Errorf("cache: %q is no Cache-Control: write no-cache, or public, max-age=3600", rule.Value)
		}
	}
	return nil
}

// A tree is the directory as it was opened.
type tree struct {
	root *os.Root
	info fs.FileInfo
	fs   fs.FS
}

// open returns the directory that Dir names now. The one before is closed when nothing has it any more,
// which os.Root sees to.
func (h *Handler) open() (*tree, error) {
	info, err := os.Stat(h.Dir)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.root != nil && os.SameFile(h.root.info, info) {
		return h.root, nil
	}
	root, err := os.OpenRoot(h.Dir)
	if err != nil {
		return nil, err
	}
	if info, err = root.Stat("."); err != nil {
		root.Close()
		return nil, err
	}
	h.root = &tree{root, info, root.FS()}
	return h.root, nil
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, r, http.StatusMethodNotAllowed)
		return
	}
	if err := h.answer(w, r); err != nil {
		h.absent(w, r, err)
	}
}

// absent answers for a file that is not there, or cannot be opened.
func (h *Handler) absent(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM) {
		// It says nothing of the file: the client is to come again.
		server.Fail(w, r, server.Refusal(environ.CodeFull, http.StatusServiceUnavailable, err))
		return
	}
	refuse(w, r, http.StatusNotFound)
}

// refuse answers with a status, of which the log says enough by the line of the request.
func refuse(w http.ResponseWriter, r *http.Request, status int) {
	f := server.Failure{Status: status, RequestID: server.Facts(w, r).ID}
	f.Write(w, r)
}

// cacheControl is that of a file.
func (o *Options) cacheControl(name string) string {
	for _, rule := range o.Cache {
		of := path.Base(name)
		if strings.Contains(rule.Pattern, "/") {
			of = name
		}
		if ok, _ := path.Match(rule.Pattern, of); ok {
			return rule.Value
		}
	}
	switch {
	case o.Immutable && hashed(path.Base(name)):
		return "public, max-age=31536000, immutable" // RFC 8246
	case o.MaxAge > 0:
		return "public, max-age=" + strconv.FormatInt(int64(max(o.MaxAge/time.Second, 1)), 10)
	}
	return "no-cache"
}

// hashed reports whether a name has a hash in it. A date has none: it has no letter.
func hashed(name string) bool {
	parts := strings.FieldsFunc(name, func(c rune) bool { return c == '.' || c == '-' || c == '_' })
	for _, p := range parts {
		if len(p) >= 8 && strings.Trim(p, "0123456789abcdef") == "" &&
			strings.ContainsAny(p, "abcdef") && strings.ContainsAny(p, "0123456789") {
			return true
		}
	}
	return false
}

func (o *Options) index() string { return cmp.Or(o.Index, "index.html") }
