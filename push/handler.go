package push

import (
	"net/http"
	"time"
)

// A Handler is an http.Handler around any other: it serves what Next does, and promises, or hints
// at, what goes with it. That is what the Map of its Policy names, what the Link fields of
// responses name, and what Next asks for by [From] or as an http.Pusher. Only Next is required. A
// Handler must not be copied or changed after its first use.
//
// What stands around it, compression say, does not see the responses that are promised, so it
// should be the outermost handler. Below http.StripPrefix only what has the prefix is promised. A
// Handler that another one is around only calls its Next: the Policy, Mount and Generation of the
// outermost one count.
type Handler struct {
	// Next serves the pages and their resources. While it is run for a request that may be
	// promised, the page waits; it is not run for two of them at once for the same page.
	Next http.Handler
	// Policy says what may be promised and hinted. Nil means the one that all of the process share.
	Policy *Policy
	// Mount is the path in which the resources are, without a slash at its end; what lies outside
	// is foreign. Empty means all of the origin.
	Mount string
	// Generation, if not nil, returns the version of what answers a request. It is called with the
	// page's, before Next is, and with each that may be promised; w is what Next is given for the
	// page. What was sent by another version is looked at again, however fresh it is. Nil means
	// that there is one version only.
	Generation func(w http.ResponseWriter, r *http.Request) uint64
	// HonorsContext, if not nil, reports whether Next returns soon after the context of a request
	// that may be promised ends. Next is then run on the goroutine of the page. Otherwise it gets a
	// goroutine of its own, and is left behind at the deadline. Nil means never.
	HonorsContext func(*http.Request) bool
	// Forward, if not nil, says that the Handler is in a backend: a front in another process, whose
	// connection this is, decides what is promised and hinted. Forward returns whether the client
	// of a request takes promises, and whether a 103 can go out to it. What is asked for before the
	// response begins goes to the front, as a 103 in the form that it reads, and nothing is decided
	// here: the Policy does not count.
	Forward func(*http.Request) (promises, hints bool)
	// Settled, if not nil, is called with the page's request and the verdict of each promise that was
	// made, once it is known what became of it: took is how long that was after the promise, and err
	// is nil when all was sent, else what prevented it, a reset by the client among others. It is
	// called a second time, with an error, if the client resets what was sent. It may be called on
	// any goroutine, with locks held: it must be short, and must not use the connection.
	Settled func(r *http.Request, v Verdict, took time.Duration, err error)

	outcomes outcomes // of what Next answers: another Handler may answer the same otherwise
}

// ServeHTTP serves a request. It may be called from any number of goroutines.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.Next == nil {
		panic("push: the Handler has no Next")
	}
	outer, promiser := behind(w)
	promised := false
	if promiser == nil {
		// RFC 9113, section 8.4: a promise goes on a stream that the client began.
		_, promised = Pushed(r.Context())
	}
	if outer != nil || promised {
		h.Next.ServeHTTP(w, r)
		return
	}
	pw := &writer{ResponseWriter: w}
	pw.plan = Plan{handler: h, writer: pw, request: r}
	if h.Forward != nil {
		promiser = nil
	} else if promiser = h.accepting(promiser); promiser != nil || h.policy().busy() {
		pw.plan.start(promiser)
	}
	whole := false
	defer func() { pw.end(whole) }()
	h.Next.ServeHTTP(pw, r)
	whole = true
}

func (h *Handler) policy() *Policy {
	if h.Policy == nil {
		return &processPolicy
	}
	return h.Policy
}

// accepting returns p, or nil if no promises are to be made there.
func (h *Handler) accepting(p Promiser) Promiser {
	if p == nil || h.policy().Off {
		return nil
	}
	if _, ok := p.Promises(); !ok {
		return nil
	}
	return p
}

// behind follows the Unwrap methods of w to the writer of a Handler, or else to a connection that
// makes promises.
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

// From returns the plan of the request that w answers: of the [Handler] whose http.ResponseWriter w
// is, or whose the Unwrap methods of w lead to. It is nil, and so does nothing, in a promised
// request and where no Handler is around.
func From(w http.ResponseWriter) *Plan {
	if pw, _ := behind(w); pw != nil {
		return &pw.plan
	}
	return nil
}
