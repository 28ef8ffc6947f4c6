package dev

import (
	"net/http"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server/dev/live"
)

// A front answers what is below [Path] itself, and has next answer the rest.
type front struct {
	*Server
	next http.Handler
	mux  *http.ServeMux
}

// Handler returns a handler that answers what is below [Path] itself, and has next, which calls the
// applications, answer the rest.
func (s *Server) Handler(next http.Handler) http.Handler {
	f := &front{Server: s, next: next}
	f.mux = f.routes()
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.Tell != nil {
		f.tell(w, r)
		return
	}
	if !strings.HasPrefix(r.URL.Path, Path) && r.URL.Path != strings.TrimSuffix(Path, "/") {
		f.serve(w, r, 0)
		return
	}
	if !Local(r) {
		http.Error(w, notLocal, http.StatusForbidden)
		return
	}
	f.mux.ServeHTTP(w, r)
}

const notLocal = "403 Forbidden: the pages of larkspur dev are for a browser on the same " +
	"machine, at localhost"

// serve has the application answer r, and returns the record of it. It is called for a replay of
// another one too.
func (f *front) serve(w http.ResponseWriter, r *http.Request, replays uint64) *record {
	rec := &record{id: f.serial.Add(1), began: time.Now(), replays: replays}
	local := Local(r) && replays == 0
	if local {
		r = live.Whole(r)
	}
	ctx := r.Context()
	if f.Sessions != nil {
		ctx, rec.session = f.Sessions(r)
	}
	inner := r.WithContext(tee.With(withRecord(ctx, rec), rec.logged))
	if r.Body != nil && r.Body != http.NoBody {
		inner.Body = &body{r.Body, rec}
	}
	rec.request = inner
	f.begin(rec)
	var page *live.Page
	if local {
		page = f.hub.Inject(w, r)
		page.ID = rec.id
		w = page
	}
	whole := false
	defer func() { // a response that is broken off panics
		if fault := rec.finish(whole); fault != nil && page != nil && page.Live() {
			f.hub.Failed(rec.id, fault.overlay())
		}
		f.hub.Requested()
	}()
	f.next.ServeHTTP(&writer{w, rec}, inner)
	if page != nil {
		page.End()
	}
	whole = true
	return rec
}
