package push

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
)

// A Handler is an http.Handler that serves what Next does, and pushes, or hints at, what goes with it: the resources of its
// Policy's Map, those that the Link fields of a response name, and those that Next asks for by [From] or as an http.Pusher. Only
// Next is required. It must not be copied or changed after its first use.
//
// What stands around it, compression say, does not see the responses that are promised: it should be the outermost
// handler. Below http.StripPrefix only what has the prefix is promised.
type Handler struct {
	// Next serves the pages and their resources.
	Next http.Handler
	// Policy says what may be promised and hinted. Nil means the one that all of the process share.
	Policy *Policy
	// Generation, if not nil, is the number of the version of Next that serves now. See [Site].
	Generation func() uint64
	// TryAcquire, if not nil, is asked before Next is run for a request that may be promised. See [Site].
	TryAcquire func() (release func(), ok bool)
	// Mount is the path in which the resources are, without a slash at its end. Empty means all.
	Mount string
}

// ServeHTTP serves a request. It may be called from any number of goroutines.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plan := h.Policy.Begin(w, r, Site{Handler: h.Next, Mount: h.Mount, Generation: h.Generation, TryAcquire: h.TryAcquire})
	if plan == nil {
		h.Next.ServeHTTP(w, r)
		return
	}
	plan.Start()
	pw := &writer{ResponseWriter: w, plan: plan}
	whole := false
	defer func() { pw.end(whole) }()
	h.Next.ServeHTTP(pw, r.WithContext(plan.Context(r.Context())))
	whole = true
}

// Context returns ctx with the plan in it, for [From].
func (p *Plan) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, &requestState{plan: p})
}

// A writer is the http.ResponseWriter that a Handler gives to the next one.
type writer struct {
	http.ResponseWriter
	plan   *Plan
	status int // of the final response; 0 before it
	failed bool
}

var _ interface {
	http.Pusher
	http.Flusher
	http.Hijacker
	io.ReaderFrom
	io.StringWriter
} = (*writer)(nil)

// Unwrap is what http.ResponseController uses.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader has the plan decide about the links before the header goes out.
func (w *writer) WriteHeader(status int) {
	switch {
	case w.status != 0: // net/http complains
	case status == http.StatusEarlyHints:
		w.plan.Hint(hintFields(w.Header()))
		return
	case status >= 200 || status == http.StatusSwitchingProtocols:
		w.status = status
		w.plan.Commit(status, w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

// hintFields returns those of the fields that a handler has set up to now that are of use before the response.
func hintFields(h http.Header) http.Header {
	hints := make(http.Header)
	for _, name := range [...]string{"Link", "Content-Security-Policy", "Content-Security-Policy-Report-Only"} {
		if values := h[name]; len(values) > 0 {
			hints[name] = values
		}
	}
	return hints
}

func (w *writer) begin() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.begin()
	n, err := w.ResponseWriter.Write(b)
	w.plan.Sum(b[:n])
	w.failed = w.failed || err != nil
	return n, err
}

func (w *writer) WriteString(s string) (int, error) {
	w.begin()
	n, err := io.WriteString(w.ResponseWriter, s)
	w.plan.SumString(s[:n])
	w.failed = w.failed || err != nil
	return n, err
}

// ReadFrom leaves the copying to the connection, which may do it without reading, where the plan need not see the bytes.
func (w *writer) ReadFrom(src io.Reader) (n int64, err error) {
	w.begin()
	if w.plan.Summing() {
		n, err = io.Copy(struct{ io.Writer }{w}, src)
	} else {
		n, err = io.Copy(w.ResponseWriter, src)
	}
	w.failed = w.failed || err != nil
	return n, err
}

func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is Flush, for http.ResponseController.
func (w *writer) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack leaves the connection to the handler.
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status, w.failed = http.StatusSwitchingProtocols, true
	}
	return c, rw, err
}

// Push is http.Pusher's. Unlike the one of a plain server it also is nil where the client has the target or is told
// of it by a hint; a target that is not pushed for another reason is an error, which is http.ErrNotSupported if the client takes no
// promises.
func (w *writer) Push(target string, o *http.PushOptions) error {
	res := Resource{Target: target}
	if o != nil {
		res.Method, res.Header = o.Method, o.Header
	}
	v := w.plan.Push(res)
	switch {
	case v.Status != Skipped || v.Reason == Diary:
		return nil
	case v.Reason == Disabled:
		return http.ErrNotSupported
	}
	return &NotPushed{v}
}

// NotPushed is the error of a push through http.Pusher that was skipped.
type NotPushed struct{ Verdict Verdict }

func (e *NotPushed) Error() string { return "push: " + e.Verdict.String() }

func (w *writer) end(whole bool) {
	if whole && w.status == 0 {
		w.WriteHeader(http.StatusOK) // what net/http would do, and then the links would go unseen
	}
	w.plan.End(whole && !w.failed)
}
