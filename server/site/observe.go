package site

import (
	"log/slog"
	"net/http"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
)

// observer is what sees the requests: the Server's Observer, and the inspector.
func (s *Server) observer() *server.Observer {
	if s.pages == nil {
		return s.Observer
	}
	var both server.Observer
	if s.Observer != nil {
		both = *s.Observer
	}
	more := both.Work
	both.Work = func(r *http.Request, w host.Work) {
		s.noteWork(r, w)
		if more != nil {
			more(r, w)
		}
	}
	return &both
}

// noteWork has the inspector know what was done outside for a request, and the developer what to do
// about it.
func (s *Server) noteWork(r *http.Request, w host.Work) {
	if advice := dev.NoteWork(r, w); advice != "" {
		s.log.WarnContext(r.Context(), advice, slog.String("text", w.Text),
			slog.String("path", r.URL.Path))
	}
}
