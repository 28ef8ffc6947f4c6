package server

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
)

// Write answers a request that failed before anything was sent, in the form that the client
// accepts: a small page for a browser, a problem (RFC 9457) for whoever asks for JSON, else a line
// of text. It says the status and the id under which the failure was logged, and of what is wrong
// only what an [environ.Error] says that the client may be told. A [Front] without an ErrorPage
// answers so; an ErrorPage may leave to it what it does not want.
func (f *Failure) Write(w http.ResponseWriter, r *http.Request) {
	page := environ.ErrorPage{Status: f.Status, RequestID: f.RequestID}
	if e := (*environ.Error)(nil); errors.As(f.Err, &e) && e.Told {
		page.Message = e.Msg
	}
	fields, body := page.Render(strings.Join(r.Header["Accept"], ","))
	h := w.Header()
	for _, field := range fields {
		if field.Name == "Vary" {
			h.Add(field.Name, field.Value)
		} else {
			h.Set(field.Name, field.Value)
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, body) // nobody is left to tell
	}
}
