package server

import (
	"encoding/json"
	"html/template"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Write answers a request that failed before anything was sent, in the form that the client
// accepts: a small page for a browser, a problem (RFC 9457) for whoever asks for JSON, else a line
// of text. It says the status and the id under which the failure was logged, and nothing else. A
// [Front] without an ErrorPage answers so; an ErrorPage may leave to it what it does not want.
func (f *Failure) Write(w http.ResponseWriter, r *http.Request) {
	h, text := w.Header(), http.StatusText(f.Status)
	var body []byte
	switch acceptable(r.Header["Accept"]) {
	case "text/html":
		var page strings.Builder
		// The template and its data are ours.
		_ = errorPage.Execute(&page, errorView{f.Status, text, f.advice(), f.RequestID})
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		body = []byte(page.String())
	case "application/problem+json", "application/json":
		h.Set("Content-Type", "application/problem+json")
		body, _ = json.Marshal(problem{text, f.Status, f.RequestID}) // all of it is text
		body = append(body, '\n')
	default:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		body = []byte(strconv.Itoa(f.Status) + " " + text + "\n")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Accept")
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // nobody is left to tell
	}
}

// A problem is that of RFC 9457, section 3.1; its type is about:blank, which need not be said.
type problem struct {
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Request string `json:"request,omitempty"`
}

// An errorView is what the page shows.
type errorView struct {
	Status                  int
	Text, Advice, RequestID string
}

// advice is what the client may do about the failure.
func (f *Failure) advice() string {
	switch {
	case f.Status == http.StatusNotFound:
		return "There is nothing at this address."
	case f.Status == http.StatusRequestEntityTooLarge:
		return "What was sent is larger than the server takes."
	case f.Status == http.StatusServiceUnavailable:
		return "The server has more to do than it can. Try again in a moment."
	case f.Status == http.StatusGatewayTimeout:
		return "The answer took too long. Try again in a moment."
	case f.Status < http.StatusInternalServerError:
		return "The server cannot answer this request as it is."
	}
	return "Something went wrong here, and it is not your fault. It has been logged."
}

// errorTypes are the media types of error pages.
var errorTypes = []string{"text/plain", "text/html", "application/problem+json", "application/json"}

// acceptable returns which of errorTypes the client wants most; the first where it does not say.
// RFC 9110, section 12.5.1.
func acceptable(accept []string) string {
	best, most := errorTypes[0], 0.0
	for element := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(element)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, ok := params["q"]; ok {
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if weight <= most {
			continue
		}
		if slices.Contains(errorTypes, media) {
			best, most = media, weight
		}
	}
	return best
}

var errorPage = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Status}} {{.Text}}</title>
<style>
:root { color-scheme: light dark }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1.5rem }
h1 { font-size: 1.6rem; line-height: 1.2 }
small { opacity: .7 }
</style>
<h1>{{.Status}} {{.Text}}</h1>
<p>{{.Advice}}</p>
{{with .RequestID}}<p><small>Request {{.}}</small></p>
{{end}}`))
