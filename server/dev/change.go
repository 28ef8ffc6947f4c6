package dev

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"slices"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A loss is what a page asks about before something is lost.
type loss struct {
	host.Collection
	Path     string // of the collection
	Action   host.Action
	Row      string // "" for all of the collection
	Label    string // what the page calls the row
	Token    string
	Software string
}

// change does what a button of a collection says, once that is confirmed if something is lost by it. Only
// a page of this server has the token, so a page of somebody else in the same browser cannot ask for it,
// however it does so; see [Local], too.
func (s *Server) change(w http.ResponseWriter, r *http.Request) {
	token := r.PostFormValue("token")
	if subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 {
		s.refuse(w, r, http.StatusForbidden, "This was not asked for by a page of the inspector as it is now: "+
			"go back, and load that again.")
		return
	}
	keeper, at, c := s.collection(w, r)
	if keeper == nil {
		return
	}
	row := r.PostFormValue("row")
	action, changer := s.action(r, keeper, c, row)
	switch {
	case changer == nil:
		s.refuse(w, r, http.StatusNotFound, "There is no such action.")
		return
	case action.Loses != "" && r.PostFormValue("sure") != "yes":
		s.write(w, r, http.StatusOK, "lose", &loss{
			c, at.path(c.In, c.Name), action, row, r.PostFormValue("label"), s.token, s.software,
		})
		return
	}
	if err := changer.Change(r.Context(), c, action.Name, row); err != nil {
		s.refuse(w, r, cmp.Or(host.StatusOf(err), http.StatusConflict), err.Error())
		return
	}
	path := Path + "kept"
	if still, err := keeper.Kept(r.Context()); err == nil && slices.ContainsFunc(still, func(o host.Collection) bool {
		return o.In == c.In && o.Name == c.Name
	}) {
		path = at.path(c.In, c.Name)
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
}

// action returns the action that a form asks for, and who does it; nil if there is none of the name.
func (s *Server) action(
	r *http.Request, keeper host.Keeper, c host.Collection, row string,
) (host.Action, host.Changer) {
	changer, ok := keeper.(host.Changer)
	if !ok {
		return host.Action{}, nil
	}
	actions := c.Actions
	if row != "" {
		rows, err := keeper.Look(r.Context(), c, 0, 1)
		if err != nil {
			return host.Action{}, nil
		}
		actions = rows.Actions
	}
	i := slices.IndexFunc(actions, func(a host.Action) bool { return a.Name == r.PostFormValue("action") })
	if i < 0 {
		return host.Action{}, nil
	}
	return actions[i], changer
}
