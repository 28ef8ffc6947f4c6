package response

import (
	"net/http"
	"strconv"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// ErrorPage returns what answers the request of env with a status of an error where the application
// has nothing of its own: a small page for a browser, a problem (RFC 9457) for whoever asks for
// JSON, else a line of text. A message is shown to the client; without one the page says what holds
// of the status.
func ErrorPage(env starlark.Mapping, status int, message string) *Response {
	page := environ.ErrorPage{Status: status, Message: message}
	if status >= http.StatusInternalServerError {
		page.RequestID = environ.Text(env, starlark.String("larkspur.request_id"))
	}
	fields, body := page.Render(environ.Text(env, starlark.String("HTTP_ACCEPT")))
	return New(status, "", starlark.Bytes(body), fields...)
}

// AbortPage is [Abort] with the ErrorPage that the request accepts which it ends, and further
// fields. The error says the message, or the status if that is "".
func AbortPage(status int, message string, more ...environ.Field) error {
	text := message
	if text == "" {
		text = strconv.Itoa(status) + " " + http.StatusText(status)
	}
	return &aborted{
		status: status, message: text,
		answer: &page{host.Object("response"), status, message, more},
	}
}

// A page is an application that answers with an ErrorPage.
type page struct {
	host.Object
	status  int
	message string
	fields  []environ.Field
}

var _ starlark.Callable = (*page)(nil)

// Name returns "response", as the name of a function.
func (p *page) Name() string { return "response" }

// CallInternal answers.
func (p *page) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	env, _, err := environ.Call("response", args, kwargs)
	if err != nil {
		return nil, err
	}
	r := ErrorPage(env, p.status, p.message)
	if bodiless(p.status) {
		r = New(p.status, "", "")
	}
	r.Fields = merged(r.Fields, p.fields)
	return r.CallInternal(t, args, kwargs)
}
