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
	return server.Observers(s.Observer, &server.Observer{Work: s.noteWork})
}

// noteWork has the inspector know what was done outside for a request, and the developer what to do
// about it.
func (s *Server) noteWork(r *http.Request, w host.Work) {
	if advice := dev.NoteWork(r, w); advice != "" {
		s.log.WarnContext(r.Context(), advice, slog.String("text", w.Text),
			slog.String("path", host.Cut(r.URL.Path)))
	}
}
