package dev

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
)

//go:embed pages
var files embed.FS

// views are the pages by name.
type views map[string]*template.Template

func parseViews() views {
	functions := template.FuncMap{
		"code": codeSpans, "ms": milliseconds, "size": display.Bytes,
		"class": statusClass, "comma": comma,
	}
	v := views{}
	for _, name := range []string{"failure", "kept", "list", "lose", "refusal", "request",
		"sheet"} {
		t := template.New(name + ".html").Funcs(functions)
		v[name] = template.Must(t.ParseFS(files, "pages/"+name+".html", "pages/parts.html"))
	}
	return v
}

// policy is the content security policy of all pages: they need nothing but themselves.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
	"img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// write answers with a page.
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var page bytes.Buffer
	if err := s.views[name].Execute(&page, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Referrer-Policy", "same-origin")
	send(w, r, status, "text/html; charset=utf-8", page.Bytes())
}

// refuse answers for the inspector what it cannot do.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	s.write(w, r, status, "refusal", struct {
		Status                int
		Title, Text, Software string
	}{status, http.StatusText(status), text, s.software})
}

func send(w http.ResponseWriter, r *http.Request, status int, media string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", media)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Vary", "Accept")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // nobody is left to tell
	}
}

// answer answers a request that failed, in the form that the client asks for.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, f *failure) {
	accept := r.Header.Get("Accept")
	switch {
	case strings.Contains(accept, "text/html"):
		s.write(w, r, f.Status, "failure", struct {
			*failure
			Software string
		}{f, s.software})
	case strings.Contains(accept, "json"):
		body, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			body = []byte("{}")
		}
		send(w, r, f.Status, "application/json", append(body, '\n'))
	default:
		send(w, r, f.Status, "text/plain; charset=utf-8", f.text())
	}
}

// text is the failure for a terminal.
func (f *failure) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d %s\n\n", f.Status, f.Title)
	if f.Place != "" {
		fmt.Fprintf(&b, "%s: ", f.Place)
	}
	fmt.Fprintln(&b, f.Message)
	if f.CodeTitle != "" {
		fmt.Fprintf(&b, "\n%s: %s\n%s\n", f.Code, f.CodeTitle, f.Cause)
		if fix := f.Fix(); fix != "" {
			fmt.Fprintf(&b, "Fix: %s\n", fix)
		}
	}
	if f.Signature != "" {
		fmt.Fprintf(&b, "\n%s\n%s\n", f.Signature, f.Description)
	}
	for _, frame := range f.Frames {
		if len(frame.Lines) == 0 {
			continue
		}
		between := ", in " // a function
		if f.Unloaded {
			between = ": " // what is wrong there
		}
		fmt.Fprintf(&b, "\n%s%s%s\n", frame.Place, between, frame.Name)
		for _, l := range frame.Lines {
			mark := ' '
			if l.Here {
				mark = '>'
			}
			fmt.Fprintf(&b, "%c %4d  %s\n", mark, l.Number, l.Text)
		}
		for _, l := range frame.Locals {
			fmt.Fprintf(&b, "        %s = %s\n", l.Name, l.Value)
		}
		if again := frame.Again(); again != "" {
			fmt.Fprintf(&b, "\n%s\n", again)
		}
	}
	if f.Backtrace != "" {
		fmt.Fprintf(&b, "\n%s\n", f.Backtrace)
	}
	return b.Bytes()
}

// fields returns a header in the order of its names, with what is secret masked.
func fields(h http.Header) []field {
	var all []field
	for name, values := range h {
		for _, v := range values {
			if secret(name) {
				v = mask(v)
			}
			all = append(all, field{name, v})
		}
	}
	sortFields(all)
	return all
}

func sortFields(all []field) {
	slices.SortStableFunc(all, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
}

// secret reports whether a field, by its name, says who somebody is.
func secret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{
		"auth", "cookie", "token", "secret", "password", "api-key", "api_key", "session", "csrf",
	} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

func mask(v string) string { return fmt.Sprintf("•••••• (%d bytes, masked)", len(v)) }

// codeSpans turns the `code` of a text into elements.
func codeSpans(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		tag := [...]string{"%s", "<code>%s</code>"}[i%2]
		fmt.Fprintf(&b, tag, template.HTMLEscapeString(part))
	}
	return template.HTML(b.String())
}

func milliseconds(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// statusClass is the class of a status's badge.
func statusClass(status int) string {
	if status < 100 {
		return "s0"
	}
	return "s" + strconv.Itoa(status/100)
}

// comma writes a number with its thousands apart.
func comma(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
