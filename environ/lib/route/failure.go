package route

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// fail answers for what has failed with err: by error if the router has it, else by the answer that
// err carries, as one of abort does. What nothing here answers is returned, for the server to show.
func (r *Router) fail(
	t *starlark.Thread, env starlark.HasSetKey, start starlark.Callable, err error,
) (starlark.Value, error) {
	answer := host.AnswerOf(err)
	status := cmp.Or(host.StatusOf(err), http.StatusInternalServerError)
	failed := r.errors(env)
	handles := failed != nil && status >= http.StatusBadRequest
	if answer == nil && !handles {
		return nil, err
	}
	caught, ended := host.Catch(t, err)
	if ended != nil {
		return nil, ended
	}
	if handles {
		if err := r.here(env); err != nil {
			return nil, err
		}
		if answer == nil && status >= http.StatusInternalServerError {
			r.log(t, env, status, err)
		}
		if answer, err = ask(t, failed, env, caught); err != nil {
			return nil, err
		}
	}
	restart := environ.Restart(t, start, caught)
	return starlark.Call(t, answer, starlark.Tuple{env, restart}, nil)
}

// errors returns the function for errors: that of the router, or else of the nearest one in which it
// is mounted; nil if there is none.
func (r *Router) errors(env starlark.Mapping) starlark.Callable {
	if r.failed != nil {
		return r.failed
	}
	for m := matchOf(env); m != nil; m = m.outer {
		if m.router.failed != nil {
			return m.router.failed
		}
	}
	return nil
}

// ask calls a function for errors, and returns what answers.
func ask(
	t *starlark.Thread, failed starlark.Callable, env starlark.Value, caught *host.Caught,
) (starlark.Callable, error) {
	v, err := starlark.Call(t, failed, starlark.Tuple{env, caught}, nil)
	if err != nil {
		if own := host.AnswerOf(err); own != nil {
			return own, nil
		}
		return nil, err
	}
	return answerOf(failed, v, "the function for errors")
}

// absent answers a request for a path that no route has.
func (r *Router) absent(
	t *starlark.Thread, env starlark.HasSetKey, start starlark.Callable,
) (starlark.Value, error) {
	notFound := r.notFound
	for m := matchOf(env); notFound == nil && r.failed == nil && m != nil; m = m.outer {
		if notFound = m.router.notFound; m.router.failed != nil {
			break // the nearest that has either
		}
	}
	if notFound == nil {
		return r.refused(t, env, start, http.StatusNotFound)
	}
	var app starlark.Callable
	if page, ok := notFound.(host.Answer); ok {
		app = page
	} else {
		if err := r.here(env); err != nil {
			return nil, err
		}
		v, err := starlark.Call(t, notFound, starlark.Tuple{env}, nil)
		if err == nil {
			app, err = answerOf(notFound, v, "the function for what is not found")
		}
		if err != nil {
			return r.fail(t, env, start, err)
		}
	}
	v, err := starlark.Call(t, app, starlark.Tuple{env, start}, nil)
	if err != nil {
		return r.fail(t, env, start, err)
	}
	return v, nil
}

// refuse answers a request for a path that has routes, none of which takes the method.
// RFC 9110, section 15.5.6: the response must have Allow.
func (r *Router) refuse(
	t *starlark.Thread, env starlark.HasSetKey, start starlark.Callable, allow []string,
) (starlark.Value, error) {
	return r.refused(t, env, start, http.StatusMethodNotAllowed,
		environ.Field{Name: "Allow", Value: strings.Join(allow, ", ")})
}

// refused answers with a status of its own, by error if the router has it.
func (r *Router) refused(
	t *starlark.Thread, env starlark.HasSetKey, start starlark.Callable, status int,
	more ...environ.Field,
) (starlark.Value, error) {
	failed := r.errors(env)
	if failed == nil {
		page := response.ErrorPage(env, status, "").With(more...)
		return page.CallInternal(t, starlark.Tuple{env, start}, nil)
	}
	if err := r.here(env); err != nil {
		return nil, err
	}
	caught := host.NewCaught(response.AbortPage(status, "", more...))
	app, err := ask(t, failed, env, caught)
	if err != nil {
		return nil, err
	}
	if len(more) > 0 {
		start = environ.Interpose(t, start, func(h *environ.Head) error {
			for _, f := range more {
				h.Default(f.Name, f.Value)
			}
			return nil
		})
	}
	return starlark.Call(t, app, starlark.Tuple{env, start}, nil)
}

// log logs a failure that error answers, as the server does those that nothing answers.
func (r *Router) log(t *starlark.Thread, env starlark.Mapping, status int, err error) {
	logger := r.logger
	if logger == nil {
		logger = slog.Default()
	}
	attrs := []slog.Attr{
		slog.String("method", environ.Text(env, keyMethod)),
		slog.String("path", environ.Text(env, keyScript)+environ.Text(env, keyPath)),
		slog.Int("status", status),
	}
	if id := environ.Text(env, keyID); id != "" {
		attrs = append(attrs, slog.String("request", id))
	}
	if place := host.PlaceOf(err); place != "" {
		attrs = append(attrs, slog.String("place", place))
	}
	if trace := host.BacktraceOf(err); trace != "" {
		attrs = append(attrs, slog.String("backtrace", trace))
	}
	ctx := context.WithoutCancel(host.CallOf(t).Context())
	logger.LogAttrs(ctx, slog.LevelError, err.Error(), attrs...)
}

// elsewhere returns the path, as it stands in a URL, of a route that takes the method and differs
// from path in slashes only; "" if there is none. It is a path of this host: it begins with one
// slash.
func (r *Router) elsewhere(script, path, method string) string {
	bare := collapse(path)
	for _, try := range []string{bare, strings.TrimSuffix(bare, "/"), bare + "/"} {
		if try == path || try == "" || method == http.MethodOptions || strings.HasSuffix(try, "//") {
			continue
		}
		s := search{method: method, path: try}
		if s.find(&r.root, 1) && (s.entry.mount == nil || try == bare) {
			return "/" + strings.TrimLeft(quotePath(script+try), "/")
		}
	}
	return ""
}

// collapse makes one slash of each row of them, and of an empty path.
func collapse(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if path[i] != '/' || i == 0 || path[i-1] != '/' {
			b.WriteByte(path[i])
		}
	}
	if b.Len() == 0 || path[0] != '/' {
		return "/" + b.String()
	}
	return b.String()
}

// redirect answers with the way to another path of this host.
func redirect(to, query, method string) *response.Response {
	status := http.StatusPermanentRedirect
	if method == http.MethodGet || method == http.MethodHead {
		status = http.StatusMovedPermanently // RFC 9110, section 15.4.2: every client knows it
	}
	if query != "" {
		to += "?" + quoteQuery(query)
	}
	text := fmt.Sprintf("%d %s\n%s\n", status, http.StatusText(status), to)
	return response.New(status, "text/plain; charset=utf-8", starlark.Bytes(text),
		environ.Field{Name: "Location", Value: to})
}

// quoteQuery returns a query as it is, but for octets that no URI has (RFC 3986, section 2): what a
// client has sent goes into a header field.
func quoteQuery(query string) string {
	if _, bad := wire.BadOctet(query); !bad {
		return query
	}
	var b strings.Builder
	for i := range len(query) {
		if _, bad := wire.BadOctet(query[i : i+1]); bad {
			fmt.Fprintf(&b, "%%%02X", query[i])
		} else {
			b.WriteByte(query[i])
		}
	}
	return b.String()
}

// quotePath returns a path as it stands in a URL: RFC 3986, section 3.3.
func quotePath(path string) string {
	return (&url.URL{Path: path}).EscapedPath()
}
