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
	// Host is the host name that a request has to name, without a port: example.com;
	// *.example.com for all names with one label more, as in certificates; or * for those that no
	// other Mount has. A request is answered by the Mounts of one of them, the first that fits in
	// this order, and by those for any host, which is what an empty one means.
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
	// Filter, if not nil, is called for each request that Handler answers. It returns what that writes to
	// in place of w, whose Unwrap leads to w, the request that it answers, and what is called once it has
	// returned, or has panicked: then the response is not whole. Package compress has one.
	Filter func(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request, func(whole bool))

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

// hosts are the mounts in the order in which they are tried, by the host that a request names.
type hosts struct {
	exact map[string][]*Mount // by name, in lower case
	below map[string][]*Mount // of *.NAME, by NAME
	rest  []*Mount            // of *
	any   []*Mount            // of a host that none of the others has
}

// hostsOf returns those of mounts, which are in order.
func hostsOf(mounts []Mount) hosts {
	h := hosts{exact: make(map[string][]*Mount), below: make(map[string][]*Mount)}
	for i := range mounts {
		m := &mounts[i]
		name, below := strings.CutPrefix(strings.ToLower(m.Host), "*.")
		switch {
		case m.Host == "":
			h.any = append(h.any, m)
		case m.Host == "*":
			h.rest = append(h.rest, m)
		case below:
			h.below[name] = append(h.below[name], m)
		default:
			h.exact[name] = append(h.exact[name], m)
		}
	}
	for _, byName := range []map[string][]*Mount{h.exact, h.below} {
		for name := range byName {
			byName[name] = append(byName[name], h.any...)
		}
	}
	if h.rest != nil {
		h.rest = append(h.rest, h.any...)
	}
	return h
}

// virtual reports whether the host decides anything.
func (h *hosts) virtual() bool { return len(h.exact)+len(h.below)+len(h.rest) > 0 }

// of returns the mounts of a host, and whether there is a place for it at all.
func (h *hosts) of(authority string) (mounts []*Mount, known bool) {
	if !h.virtual() {
		return h.any, true
	}
	name := strings.ToLower(strings.TrimSuffix(hostname(authority), "."))
	if mounts, known = h.exact[name]; known {
		return mounts, true
	}
	if _, parent, ok := strings.Cut(name, "."); ok {
		if mounts, known = h.below[parent]; known {
			return mounts, true
		}
	}
	if h.rest != nil {
		return h.rest, true
	}
	return h.any, len(h.any) > 0
}

// misplaced returns why no mount is for the host of r, nil if one may be.
//
// RFC 9110, section 15.5.20: what has come by a connection that was made for another host may find
// its server by another connection, as of a client that takes all hosts of a certificate to be of one
// server. Section 7.4: so may what has come by one whose certificate is not valid for its host. On
// a connection that the client has made for this very host 421 would have it come for nothing.
func (f *Front) misplaced(r *http.Request) *Failure {
	if !f.hosts.virtual() {
		return nil
	}
	_, known := f.hosts.of(r.Host)
	host := strings.TrimSuffix(hostname(r.Host), ".")
	other := r.TLS != nil && r.TLS.ServerName != "" && !strings.EqualFold(r.TLS.ServerName, host)
	switch {
	case other && (!known || f.Certified != nil && !f.Certified(r, host)):
		return theirs(environ.CodeGate, http.StatusMisdirectedRequest,
			"the host %s came by a connection that was made for %s", host, r.TLS.ServerName)
	case !known:
		return theirs(environ.CodeGate, http.StatusNotFound, "there is no host %s here", host)
	}
	return nil
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
	mounts, _ := f.hosts.of(r.Host)
	for _, m := range mounts {
		if environ.Within(path, m.Path) {
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
