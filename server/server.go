// Package server is the server side of the gateway contract: it calls an [App] for each HTTP
// request and turns what the app says into an HTTP response.
package server

import (
	"context"
	"net/http"

	"github.com/larkspur-web/larkspur/environ"
	"go.starlark.net/starlark"
)

// An App is something that can be called as app(environ, start_response).
//
// Call gives use a thread, the callable to call on it, and a context that ends with the caller's
// or with the deadline of the call, whichever is first. The thread lives until use returns, which
// is when the body of the response is done: a body may call the script back.
//
// *runtime.Program and *runtime.Live are Apps.
type App interface {
	Call(ctx context.Context, use func(context.Context, *starlark.Thread, starlark.Callable) error) error
}

// Handler serves an App as an http.Handler.
type Handler struct {
	App App

	environ environ.Config
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := h.App.Call(r.Context(), func(ctx context.Context, t *starlark.Thread, app starlark.Callable) error {
		start := starlark.NewBuiltin("start_response", func(_ *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
			return starlark.None, nil
		})
		v, err := starlark.Call(t, app, starlark.Tuple{h.environ.New(r).Dict, start}, nil)
		if err != nil {
			return err
		}
		for b := range starlark.Elements(v.(starlark.Iterable)) {
			w.Write([]byte(string(b.(starlark.Bytes))))
		}
		return nil
	})
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	}
}
