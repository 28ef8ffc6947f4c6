package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
)

// pages show faults where the one who writes the script looks for them: in the browser. Clients that
// ask for no HTML get the same as text.
type pages struct {
	app  *application
	live *runtime.Live
	next http.Handler
}

// ServeHTTP answers a browser with the fault for as long as the script does not load as it was saved
// last. All others, and all other requests, are served by the last version that did.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := p.live.Status().Err
	if err == nil || r.Method != http.MethodGet || !wantsHTML(r) {
		p.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Refresh", "1") // until it is mended
	v := view{Status: http.StatusInternalServerError, Title: "The script does not load", Request: requestLine(r)}
	for _, fault := range runtime.Diagnose(p.app.entry, err) {
		v.Excerpts = append(v.Excerpts, p.app.excerpt(fault.File, fault.Line))
		fault.File = p.app.path(fault.File)
		v.Messages = append(v.Messages, fault.String())
	}
	v.write(w, r)
}

// failed is the Handler's ErrorPage.
func (p *pages) failed(w http.ResponseWriter, r *http.Request, f *server.Failure) {
	v := view{Status: f.Status, Title: http.StatusText(f.Status), Backtrace: f.Backtrace(), Request: requestLine(r), RequestID: f.RequestID}
	for _, known := range environ.Faults() {
		if known.Code == f.Code {
			v.Fault = known
		}
	}
	message := f.Err.Error()
	if place := f.Place(); place != "" {
		message = place + ": " + strings.TrimPrefix(message, place+": ")
		v.Excerpts = append(v.Excerpts, p.app.excerpt(splitPlace(place)))
	}
	v.Messages = []string{message}
	v.write(w, r)
}

func requestLine(r *http.Request) string { return r.Method + " " + r.URL.RequestURI() }

func wantsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// A view is what an error page shows.
type view struct {
	Status    int
	Title     string
	Messages  []string
	Fault     environ.Fault // zero if there is no code for it
	Excerpts  []excerpt
	Backtrace string
	Request   string
	RequestID string
}

//go:embed page.html
var pageHTML string

func (v *view) write(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	var page bytes.Buffer
	if wantsHTML(r) {
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		t := template.Must(template.New("page").Funcs(template.FuncMap{"code": codeSpans}).Parse(pageHTML))
		template.Must(t, t.Execute(&page, v))
	} else {
		header.Set("Content-Type", "text/plain; charset=utf-8")
		v.text(&page)
	}
	w.WriteHeader(v.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(page.Bytes()) // nobody is left to tell
	}
}

func (v *view) text(b *bytes.Buffer) {
	fmt.Fprintf(b, "%d %s\n\n", v.Status, v.Title)
	for _, m := range v.Messages {
		fmt.Fprintln(b, m)
	}
	if v.Fault.Code != "" {
		fmt.Fprintf(b, "\n%s: %s\n%s\n%s\n", v.Fault.Code, v.Fault.Title, v.Fault.Cause, v.Fault.Cure)
	}
	for _, e := range v.Excerpts {
		if len(e.Lines) > 0 {
			fmt.Fprintf(b, "\n%s\n", e.File)
		}
		for _, l := range e.Lines {
			mark := ' '
			if l.Here {
				mark = '>'
			}
			fmt.Fprintf(b, "%c %4d  %s\n", mark, l.Number, l.Text)
		}
	}
	if v.Backtrace != "" {
		fmt.Fprintf(b, "\n%s\n", v.Backtrace)
	}
}

// codeSpans turns the `code` of a text into elements.
func codeSpans(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		tag := [...]string{"%s", "<code>%s</code>"}[i%2]
		fmt.Fprintf(&b, tag, template.HTMLEscapeString(part))
	}
	return template.HTML(b.String())
}
