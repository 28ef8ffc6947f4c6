package environ

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// An ErrorPage answers a request that failed, in the form that the client accepts: a small page for
// a browser, a problem (RFC 9457) for whoever asks for JSON, else a line of text.
type ErrorPage struct {
	// Status is that of the response.
	Status int
	// Message is what the application says of it to the client; "" for what holds of the status.
	Message string
	// RequestID is the id under which the failure was logged; "" if it was not.
	RequestID string
}

// errorTypes are the media types of error pages. The last one is for who does not say.
var errorTypes = []string{"application/problem+json", "application/json", "text/html", "text/plain"}

// Render returns the header fields and the body for a client that sent an Accept field, "" if it
// sent none. RFC 9110, section 12.5.1.
func (p *ErrorPage) Render(accept string) ([]Field, string) {
	media, body := "text/plain; charset=utf-8", p.line
	fields := make([]Field, 0, 4)
	switch p.media(accept) {
	case "text/html":
		media, body = "text/html; charset=utf-8", p.page
		fields = append(fields, Field{
			Name:  "Content-Security-Policy",
			Value: "default-src 'none'; style-src 'unsafe-inline'",
		})
	case "application/problem+json", "application/json":
		media, body = "application/problem+json", p.problem
	}
	return append(fields, Field{Name: "Content-Type", Value: media},
		Field{Name: "X-Content-Type-Options", Value: "nosniff"},
		Field{Name: "Vary", Value: "Accept"}), body()
}

// media returns which of errorTypes the client names and wants most.
func (p *ErrorPage) media(accept string) string {
	best, most := errorTypes[len(errorTypes)-1], wire.Preference{}
	for _, media := range errorTypes {
		if want := wire.Media(accept, media); want.Weight > 0 && want.Exact > 0 &&
			(most.Weight == 0 || want.Before(most)) {
			best, most = media, want
		}
	}
	return best
}

func (p *ErrorPage) line() string {
	text := strconv.Itoa(p.Status) + " " + http.StatusText(p.Status) + "\n"
	if p.Message != "" {
		text += p.Message + "\n"
	}
	return text
}

// problem is RFC 9457, section 3.1; the type is about:blank, which need not be said.
func (p *ErrorPage) problem() string {
	text, _ := json.Marshal(struct { // all of it is text
		Title   string `json:"title"`
		Status  int    `json:"status"`
		Detail  string `json:"detail,omitempty"`
		Request string `json:"request,omitempty"`
	}{http.StatusText(p.Status), p.Status, p.Message, p.RequestID})
	return string(text) + "\n"
}

func (p *ErrorPage) page() string {
	view := struct{ Status, Text, Message, RequestID string }{
		strconv.Itoa(p.Status), http.StatusText(p.Status), p.Message, p.RequestID,
	}
	if p.Message == "" {
		view.Message = advice(p.Status)
	}
	var b bytes.Buffer
	_ = errorPage.Execute(&b, view) // the template and its data are ours
	return b.String()
}

// advice is what the client may do about a failure.
func advice(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "There is nothing at this address."
	case status == http.StatusMethodNotAllowed:
		return "What is at this address cannot be asked for in this way."
	case status == http.StatusRequestEntityTooLarge:
		return "What was sent is larger than the server takes."
	case status == http.StatusServiceUnavailable:
		return "The server has more to do than it can. Try again in a moment."
	case status == http.StatusGatewayTimeout:
		return "The answer took too long. Try again in a moment."
	case status < http.StatusInternalServerError:
		return "The server cannot answer this request as it is."
	}
	return "Something went wrong here, and it is not your fault. It has been logged."
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
<p>{{.Message}}</p>
{{with .RequestID}}<p><small>Request {{.}}</small></p>
{{end}}`))
