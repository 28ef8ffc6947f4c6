package server

import (
	"context"
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push"
)

// tell tells package push which fields the answer to a promised request was made from, and warns of
// one that its Vary should name, if somebody develops the application.
func (r *response) tell(err error) {
	names, all := r.env.Read()
	if names == nil && !all {
		return
	}
	if _, promised := push.Pushed(r.r.Context()); promised {
		push.Depends(r.r.Context(), names, all || r.personal(names))
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

// personal reports whether a variable of the request that the application has read is another one
// with the fields of the page's request: it says who asks, as REMOTE_USER does.
func (r *response) personal(names []string) bool {
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
