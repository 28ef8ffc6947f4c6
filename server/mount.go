package server

import (
	"cmp"
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
}

// ordered returns mounts in the order in which they are tried, with root as the last.
func ordered(mounts []Mount, root http.Handler) []Mount {
	mounts = slices.Clone(mounts)
	if root != nil {
		mounts = append(mounts, Mount{Handler: root})
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

// mount returns the mount that a request is for, nil if there is none.
func (f *Front) mount(r *http.Request) *Mount {
	for i := range f.mounts {
		m := &f.mounts[i]
		if environ.Within(r.URL.Path, m.Path) &&
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
