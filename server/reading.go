package server

import (
	"context"
	"net/http"
	"slices"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server/hop"
)

// tell tells package push which fields the answer to a promised request was made from, and warns of
// one that its Vary should name, if somebody develops the application.
func (r *response) tell(err error) {
	names, all := r.env.Read()
	if facts := hop.From(r.r.Context()); facts != nil && facts.Page != "" {
		hop.Depends(r.w.Header(), names, all)
		return
	}
	if names == nil && !all {
		return
	}
	if _, promised := push.Pushed(r.r.Context()); promised {
		if r.personal(names) {
			names = append(names, "Authorization")
		}
		push.Depends(r.r.Context(), names, all || r.varied(names))
		return
	}
	if err != nil || r.status != http.StatusOK {
		return
	}
	if name := push.Unvaried(r.r, r.w.Header(), names); name != "" {
		r.warn(environ.CodeVary, "the response was made from %s, and its Vary does not name that",
			name)
	}
}

// developed reports whether somebody develops the application, and wants to be warned.
func (r *response) developed() bool {
	_, ok := r.lease.run.(interface{ Developed() })
	return ok
}

// personal reports whether the application has read a variable that says who asks, as the embedder
// finds it out. RFC 3875, sections 4.1.2, 4.1.10 and 4.1.11.
func (r *response) personal(names []string) bool {
	return r.lease.gateway.Variables != nil && slices.ContainsFunc(names, func(name string) bool {
		return name == "AUTH_TYPE" || name == "REMOTE_IDENT" || name == "REMOTE_USER"
	})
}

// varied reports whether a variable of the request that the application has read is another one
// with the fields of the page's request.
func (r *response) varied(names []string) bool {
	page := behind(push.PageOf(r.r.Context()))
	variables := r.lease.gateway.Variables
	if variables == nil || page == nil {
		return false
	}
	asked := r.r.Clone(context.WithoutCancel(r.r.Context()))
	for name, values := range page.request.Message.Header {
		asked.Header[name] = values
	}
	own, theirs := variables(r.r), variables(asked)
	for _, name := range names {
		if own[name] != theirs[name] {
			return true
		}
	}
	return false
}
