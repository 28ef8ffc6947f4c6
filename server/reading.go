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
		Depends(r.r, r.lease.gateway.Variables, names, all)
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

// Depends tells package push which fields the answer to a promised request was made from, as far as
// they are known: names are those of fields, and of variables that the request was given. variables
// may be nil.
func Depends(r *http.Request, variables func(*http.Request) map[string]string, names []string, all bool) {
	if variables != nil && slices.ContainsFunc(names, personal) {
		names = append(names, "Authorization")
	}
	push.Depends(r.Context(), names, all || varied(r, variables, names))
}

// personal reports whether a variable says who asks, as the embedder finds it out. RFC 3875, sections
// 4.1.2, 4.1.10 and 4.1.11.
func personal(name string) bool {
	return name == "AUTH_TYPE" || name == "REMOTE_IDENT" || name == "REMOTE_USER"
}

// varied reports whether a variable of a promised request, of these names, is another one with the
// fields of the page's request.
func varied(r *http.Request, variables func(*http.Request) map[string]string, names []string) bool {
	page := behind(push.PageOf(r.Context()))
	if variables == nil || page == nil {
		return false
	}
	asked := r.Clone(context.WithoutCancel(r.Context()))
	for name, values := range page.request.Message.Header {
		asked.Header[name] = values
	}
	own, theirs := variables(r), variables(asked)
	for _, name := range names {
		if own[name] != theirs[name] {
			return true
		}
	}
	return false
}
