package push

import "net/http"

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
	// Mount is the path in which the resources are, without a slash at its end. Empty means all.
	Mount string
	// Generation, if not nil, returns the version of what answers a request: one for a page, before
	// Next is called with it, or one that may be promised with the page. w is what Next is given for
	// the page. What was sent by another version is looked at again, however fresh it is.
	Generation func(w http.ResponseWriter, r *http.Request) uint64
	// HonorsContext, if not nil, reports whether Next returns soon after the context of a request ends that may be promised. Next
	// is then run on the goroutine of the page; otherwise it gets its own, and is left behind at the deadline.
	HonorsContext func(*http.Request) bool
}

// ServeHTTP serves a request. It may be called from any number of goroutines.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	outer, conn := behind(w)
	if _, ok := Pushed(r.Context()); ok || outer != nil {
		// RFC 9113, section 8.4: a promise goes on a stream that the client began.
		h.Next.ServeHTTP(w, r)
		return
	}
	pw := &writer{ResponseWriter: w, plan: Plan{h: h, policy: h.Policy, r: r}}
	pw.plan.w = pw
	if h.Policy == nil {
		pw.plan.policy = &processPolicy
	}
	if conn != nil && !pw.plan.policy.Off {
		if _, ok := conn.Promises(); ok {
			pw.plan.conn = conn
		}
	}
	if pw.plan.busy() {
		pw.plan.start()
	}
	whole := false
	defer func() { pw.end(whole) }()
	h.Next.ServeHTTP(pw, r)
	whole = true
}

// behind returns what is behind w: the writer of a Handler, or the connection.
func behind(w http.ResponseWriter) (*writer, Promiser) {
	for {
		switch v := w.(type) {
		case *writer:
			return v, nil
		case Promiser:
			return nil, v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil, nil
		}
	}
}

// From returns the plan of the request that w answers. It is nil, and so does nothing, in a promised request and where no
// [Handler] is around.
func From(w http.ResponseWriter) *Plan {
	if pw, _ := behind(w); pw != nil {
		return &pw.plan
	}
	return nil
}
