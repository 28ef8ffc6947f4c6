package server

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
)

// A Mount is a place in the URL space, and what answers there.
type Mount struct {
	// Host is the host name that a request has to name, without a port. Empty means any.
	Host string
	// Path is the path under which Handler is mounted, the SCRIPT_NAME of an application: "" for
	// the root, or a path that begins with a slash and does not end with one. It is compared
	// decoded. A request is handed on as it came, with its whole path.
	Path string
	// Handler answers.
	Handler http.Handler
	// Rate bounds the requests of all clients together, without those that are promised; one too many gets 503. Nil
	// sets no bound.
	Rate *Rate

	name  string // HOST/PATH, for logs
	trail *trail // to what answers behind Handler; nil if that is it
}

// ordered returns mounts in the order in which they are tried, with root as the last.
func ordered(mounts []Mount, root http.Handler) []Mount {
	mounts = slices.Clone(mounts)
	if root != nil {
		mounts = append(mounts, Mount{Handler: root})
	}
	for i := range mounts {
		mounts[i].name = mounts[i].Host + cmp.Or(mounts[i].Path, "/")
		switch mounts[i].Handler.(type) {
		case *Gateway, Backend:
		default:
			mounts[i].trail = new(trail)
		}
	}
	slices.SortStableFunc(mounts, func(a, b Mount) int {
		byHost := 0
		if (a.Host == "") != (b.Host == "") {
			byHost = strings.Compare(b.Host, a.Host)
		}
		return cmp.Or(byHost, len(b.Path)-len(a.Path))
	})
	return mounts
}

// wrong returns what is wrong with mounts, "" if nothing is.
func wrong(mounts []Mount) string {
	for i, m := range mounts {
		switch {
		case m.Path != "" && (m.Path[0] != '/' || strings.HasSuffix(m.Path, "/")):
			return fmt.Sprintf("the path %q of a Mount must begin with a slash and end without one: \"\" is the root",
				m.Path)
		case m.Handler == nil:
			return fmt.Sprintf("the Mount at %q has no Handler", m.Host+m.Path)
		}
		for _, other := range mounts[:i] {
			if other.Path == m.Path && strings.EqualFold(other.Host, m.Host) {
				return fmt.Sprintf("there are two Mounts at %q", m.Host+m.Path)
			}
		}
	}
	return ""
}

// mount returns the mount that a request is for, nil if there is none. Behind http.StripPrefix a
// mount may name the path with or without what was taken off.
func (f *Front) mount(r *http.Request) *Mount {
	if m := f.mountAt(r, r.URL.Path); m != nil {
		return m
	}
	facts := environ.Request{Message: r}
	if stripped := facts.Stripped(); stripped != "" {
		return f.mountAt(r, stripped+r.URL.Path)
	}
	return nil
}

func (f *Front) mountAt(r *http.Request, path string) *Mount {
	for i := range f.mounts {
		m := &f.mounts[i]
		if environ.Within(path, m.Path) &&
			(m.Host == "" || strings.EqualFold(m.Host, hostname(r.Host))) {
			return m
		}
	}
	return nil
}

// hostname is the host of an authority, without its port.
func hostname(authority string) string {
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && authority[len(authority)-1] != ']' {
		return authority[:i]
	}
	return authority
}

// paths names the mounts, for the log.
func (f *Front) paths() string {
	names := make([]string, len(f.mounts))
	for i, m := range f.mounts {
		names[i] = m.Host + m.Path
	}
	return strings.Join(names, ", ")
}
