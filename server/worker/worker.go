// Package worker has applications answer in other processes: what they do to their process, they do
// not do to the one that has the listeners, and the other applications.
//
//	func main() {
//		worker.Main(application) // first thing: it returns only if this is no worker
//		pool := &worker.Pool{Workers: 4, Config: []byte("shop.star")}
//		if err := pool.Start(ctx); err != nil { ... }
//		defer pool.Close()
//		front := &server.Front{Handler: pool}
//		...
//	}
//
//	func application(config []byte) (*worker.Application, error) { ... }
//
// # The model
//
// A [Pool] is an http.Handler behind a [server.Front]. Its workers are processes of the same
// program, started again: [Main] finds out that it is in one, has the application made, and answers
// until the front is gone. Between the two is a pair of sockets with one HTTP/2 connection on it,
// which has a stream for each request, another pair for what is said of the worker: its
// configuration, that it is ready, what it logs, and a third by which the front hands over connections
// that it has made for the worker, so that this needs no network. Nothing of it has a name in the file system, and
// both ends know at once when the other has died.
//
// The front has the connections to clients, the limits on them, the plan of pushes and the access
// log. A worker has one generation of one application. What the front knows of a request goes with
// it, and calls of push come back, as environ/SPEC.md has it ("Workers and upstreams"; packages hop
// and push).
//
// # What dies
//
// A worker may die at any instruction. Only what it had in its hands is lost: a response that had
// begun is broken off, a request that may be made twice and has got nothing is made again, once,
// with another worker, and every other one is answered 502 (LARK0601). The log says of what it died
// and what it was doing. Another one is started at once, or after a pause that grows if they go on
// dying.
//
// A call that cannot be stopped, because it is in one step of the interpreter since its time is
// over, is stopped here: its worker takes no more requests, others have a moment to end, and it is
// killed. Its request is answered 504, and not made again.
//
// # Generations
//
// [Pool.Reload] starts as many new workers, and they answer once all of them have loaded the
// application; if one does not, nothing has changed. Those before them end with their last request. A
// page that was begun with them has what is promised with it answered by them too, for a moment;
// after that nothing more is promised with it. WebSockets and the streams of EventSources are told
// that their server ends, so that their clients come again, and so they are when the server of the
// front ends. Any other stream without an end goes on for as long as [Pool.Drain], and breaks off.
//
// A worker that is started again in the place of another loads the files as they are then. If they are
// not those of its generation any more, which [Application.Version] says, it does not answer, and the
// pool is reloaded: nobody is answered by two versions in turns.
package worker

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/hop"
)

// An Application is what a worker answers with.
type Application struct {
	// Connect, if not nil, is called first, with what has the front know of the worker, and what has it
	// make connections, as far as [Pool.Dial] makes them: the worker needs no network for them.
	Connect func(tell Teller, front Dial)
	// Confine, if not nil, is called then, before a script is loaded, to take from the process what
	// it does not need: see package sandbox. If it fails the worker ends.
	Confine func() error
	// Load, if not nil, is called then, and loads the application.
	Load func() error
	// Version, if not nil, stands for what was loaded, as [runtime.Status.Content] does. All workers of
	// a generation have the same.
	Version func() string
	// Files, if not nil, are those that have been loaded, for [Pool.Files].
	Files func() []string
	// Handler answers, once the application has loaded: a [server.Front] with Hop set, or what has
	// one around it. Required.
	Handler http.Handler
	// Close, if not nil, is called when the worker has answered its last request.
	Close func()
	// Run, if not nil, runs beside the Handler until the worker ends.
	Run func(tell Teller)
}

// A Teller is how an application has the front know of the worker. It is safe for concurrent use.
type Teller struct {
	out   *line
	trail *trail
}

// Changed says that the files of the application have changed, so that the pool loads it again.
func (t Teller) Changed() { _ = t.out.say(message{Change: true}) }

// Stuck says that the call for a request, as the application has got it, cannot be stopped, so that
// the pool ends the worker. place is the line of script that it is at, as FILE:LINE:COL, "" if that
// is not known.
func (t Teller) Stuck(r *http.Request, place string) {
	m := message{Stuck: host.Cut(r.Method + " " + r.URL.Path), Place: place}
	if facts := hop.From(r.Context()); facts != nil {
		m.Request = facts.ID
	}
	_ = t.out.say(m)
}

// Note says something of the request of that id, as [hop.ID] has it, once the application has ended it
// and before its response ends, or something of no request, for which the id is "": it is what
// [Pool.Noted] is called with. It is JSON; what is longer than 200 KiB is not said.
func (t Teller) Note(id string, note json.RawMessage) {
	if len(note) > maxMessage-50<<10 {
		note = json.RawMessage("{}")
	}
	_ = t.out.say(message{Note: note, Request: id})
}

// Follow has where a call is be known if the worker dies: of the request of that id, until end is
// called. at may be called at each step; it is nil if there is no room for another call.
func (t Teller) Follow(id string) (at func(host.Place), end func()) { return t.trail.follow(id) }

// A LoadError says that an application does not load in a worker.
type LoadError struct {
	Diagnostics host.Diagnostics // what is wrong with the scripts; may be empty
	Message     string           // in a line
}

func (e *LoadError) Error() string { return "worker: load: " + e.Message }

// Unwrap returns the diagnostics, if there are any.
func (e *LoadError) Unwrap() error {
	if len(e.Diagnostics) == 0 {
		return nil
	}
	return e.Diagnostics
}

// Why nothing is loaded.
var (
	errClosed   = errors.New("worker: the pool is closed")
	errReplaced = errors.New("worker: another generation answers by now")
)
