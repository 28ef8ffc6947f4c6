package worker

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/hop"
	"github.com/larkspur-web/larkspur/server/worker/sandbox"
)

// A process is a worker, as the pool sees it. What it has in its hands is guarded by its lock; the
// goroutine that waits for its end is the one that reports it.
type process struct {
	pool       *Pool
	generation uint64
	cmd        *exec.Cmd
	conn       *h2.ClientConn
	messages   net.Conn
	packets    net.Conn // for what it asks for
	began      time.Time
	temp       string // its directory for files that do not last
	said       crash

	loaded  chan struct{} // closed once it is known whether it has loaded the application
	settled sync.Once     // that
	version string        // of what it has loaded
	files   []string      // that it has loaded
	wrong   error         // why it has not
	heard   chan struct{} // closed once all that it has said has been
	ended   chan struct{} // closed once it is no more
	gone    chan struct{} // closed once leaving is set
	tired   chan struct{} // closed once another is to take its place
	rests   atomic.Bool   // tired is closed
	halting sync.Once     // it has a call that cannot be stopped
	leaving atomic.Bool   // no more requests go to it
	killed  atomic.Pointer[death]
	death   death             // set before ended is closed
	trail   *os.File          // in which it leaves where its calls are; nil if nobody wants to know
	places  map[string]string // of the calls that it had when it died, by the ids of their requests
	group   *sandbox.Group    // nil if it is in none of its own

	second   atomic.Int64 // of its life
	answered atomic.Int64 // the one in which it began a response last
	served   atomic.Int64
	mu       sync.Mutex
	hands    map[*flight]struct{} // those that are lost stay in
}

// A flight is a request that a worker has in its hands.
type flight struct {
	method, path string
	id           string
	stuck        atomic.Bool // its call cannot be stopped
	body         *body
	came         int64        // bytes of it when it was looked at last
	since        atomic.Int64 // the second of its worker's life since which nothing of it is waited for
	answered     atomic.Bool  // its response has begun
	request      *http.Request
	noted        chan struct{} // has one once what the worker says of it is known; nil if nobody asks
	worker       *process      // that has it, or had it last; nil of a [Link]

	facts  hop.Facts
	fields [2]wire.Field // room for those that say the facts
}

// give is that of the worker, if there is one.
func (f *flight) give(err error) {
	if f.hear(); f.worker != nil {
		f.worker.give(f, err)
	}
}

// spawn starts a worker, which then loads the application.
func (p *Pool) spawn(generation uint64) (*process, error) {
	s, err := newSockets()
	if err != nil {
		return nil, err
	}
	w := &process{pool: p, generation: generation, messages: s.ours[1], packets: s.ours[2], began: time.Now(),
		loaded: make(chan struct{}), heard: make(chan struct{}), ended: make(chan struct{}),
		gone: make(chan struct{}), tired: make(chan struct{}), hands: map[*flight]struct{}{}}
	w.said.logger = p.logger
	w.cmd = p.command()
	w.cmd.ExtraFiles = s.theirs
	if w.temp, err = os.MkdirTemp("", tempName); err != nil {
		s.close()
		return nil, fmt.Errorf("worker: make a directory for files that do not last (TMPDIR): %w", err)
	}
	if p.Noted != nil {
		w.trail = makeTrail(w.temp)
	}
	w.cmd.Env = append(w.cmd.Environ(), variable+"="+variables, "TMPDIR="+w.temp, "SQLITE_TMPDIR="+w.temp)
	w.cmd.Stderr = &w.said
	w.cmd.WaitDelay = time.Second
	w.group = p.newGroup(w.temp)
	if err := p.starter.Start(w.cmd, w.group); err != nil {
		s.close()
		os.RemoveAll(w.temp)
		w.trail.Close()
		w.group.Close()
		return nil, fmt.Errorf("worker: start: %w", err)
	}
	s.release()
	p.tally.started.Add(1)
	w.conn = h2.NewClientConn(s.ours[0], h2.ClientConfig{})
	go w.listen()
	go w.follow()
	p.living.Go(w.wait)
	go w.look()
	go w.broker()
	if err := w.tell(message{Config: p.Config}); err != nil {
		w.kill(death{cause: Unready, text: "it took no configuration"})
	}
	return w, nil
}

// log is where what is said of the worker goes.
func (w *process) log() *slog.Logger {
	return w.pool.logger.With(slog.Int("worker", w.cmd.Process.Pid))
}

// tell writes a message to the worker.
func (w *process) tell(m message) error {
	_ = w.messages.SetWriteDeadline(time.Now().Add(w.pool.startTimeout())) // a socket has deadlines
	return (&line{w: w.messages}).say(m)
}

// listen reads what the worker says of itself.
func (w *process) listen() {
	in := bufio.NewReaderSize(w.messages, maxMessage)
	why := "it has closed its messages"
	for {
		p, err := in.ReadSlice('\n')
		for err == bufio.ErrBufferFull {
			w.log().Error("a worker says more at once than is read", slog.Int("bytes", maxMessage))
			for err == bufio.ErrBufferFull {
				_, err = in.ReadSlice('\n')
			}
			p = nil
		}
		if err != nil {
			break
		}
		var m message
		if err := json.Unmarshal(p, &m); p != nil && err != nil {
			why = "what it says cannot be read: " + err.Error()
			break
		}
		w.hear(&m)
	}
	close(w.heard)
	w.lose(why)
}

// hear takes a message.
func (w *process) hear(m *message) {
	switch {
	case m.Log != nil:
		replay(w.log(), m.Log)
	case m.Change:
		w.pool.changed(w.generation)
	case m.Stuck != "":
		w.stuck(m)
	case m.Note != nil:
		w.noted(m)
	case m.Ready, m.Wrong != "":
		w.settle(func() {
			if m.Wrong != "" {
				w.wrong = &LoadError{Diagnostics: m.Faults, Message: m.Wrong}
			}
			w.version, w.files = m.Version, m.Files
		})
	}
}

// settle has it be known whether the worker has loaded the application, once: set says what.
func (w *process) settle(set func()) {
	w.settled.Do(func() {
		set()
		close(w.loaded)
	})
}

// follow waits for the end of the connection.
func (w *process) follow() {
	<-w.conn.Done()
	if w.leave() {
		w.lose("its connection has ended: " + w.conn.Err().Error())
	}
}

// lastWord is how long a worker may live on whose connection, or whose messages, have ended.
const lastWord = time.Second

// lose gives up a worker that cannot be reached any more. As a rule it has died, or is about to.
func (w *process) lose(why string) {
	w.leave()
	w.conn.Close()
	select {
	case <-w.ended:
	case <-time.After(lastWord):
		w.kill(death{cause: Silent, text: why})
	}
}

// leave has no more requests go to the worker, and reports whether any did.
func (w *process) leave() bool {
	if w.leaving.Swap(true) {
		return false
	}
	close(w.gone)
	return true
}

// wait waits for the end of the process, and reports it.
func (w *process) wait() {
	err := w.cmd.Wait()
	w.leave()
	w.conn.Close()
	select {
	case <-w.heard: // its last words, which may be why it does not load
	case <-time.After(lastWord):
	}
	w.messages.Close()
	w.packets.Close()
	places := readTrail(w.trail)
	w.mu.Lock()
	w.places = places
	w.mu.Unlock()
	os.RemoveAll(w.temp)
	w.death = w.died(err)
	if err := w.group.Close(); err != nil {
		w.log().Warn("a control group cannot be removed", slog.Any("error", err))
	}
	w.settle(func() {
		w.wrong = &LoadError{Message: "it ended before the application had loaded: " + w.death.text}
	})
	w.report(w.death, err == nil && w.killed.Load() == nil)
	close(w.ended)
}

// retire has the worker end once it has answered what it has in its hands, and kills it if that
// takes longer than the pool has patience.
func (w *process) retire() {
	if !w.leave() {
		return
	}
	_ = w.tell(message{End: true}) // it may be gone
	w.conn.Shutdown()
	time.AfterFunc(w.pool.drain(), func() {
		w.kill(death{cause: Late, text: "its last requests took longer than " + w.pool.drain().String()})
	})
}

// stuck ends a worker one of whose calls cannot be stopped. What else it has in its hands has a
// moment.
func (w *process) stuck(m *message) {
	w.mu.Lock()
	for f := range w.hands {
		if m.Request != "" && f.id == m.Request {
			f.stuck.Store(true)
		}
	}
	w.mu.Unlock()
	w.halting.Do(func() {
		w.leave()
		w.log().Error("a call cannot be stopped: it is in one step since its time is over; its worker is killed",
			slog.String("call", m.Stuck), slog.String("place", m.Place), slog.String("request", m.Request),
			slog.Duration("in", w.pool.grace()))
		d := death{Stuck, "a call cannot be stopped, at " + cmp.Or(m.Place, m.Stuck), m.Place}
		time.AfterFunc(w.pool.grace(), func() { w.kill(d) })
	})
}

// take notes that the worker has a request in its hands; give that it has not, or that it has lost it
// with its life.
func (w *process) take(f *flight) {
	w.mu.Lock()
	w.hands[f] = struct{}{}
	f.worker = w
	f.since.Store(w.second.Load())
	w.mu.Unlock()
	if n := w.served.Add(1); w.pool.MaxRequests > 0 && n >= w.pool.MaxRequests {
		w.tire("it has answered " + strconv.FormatInt(n, 10) + " requests")
	}
}

func (w *process) give(f *flight, err error) {
	if err != nil && w.conn.Err() != nil && !errors.Is(err, h2.ErrUnprocessed) {
		return
	}
	w.mu.Lock()
	delete(w.hands, f)
	w.mu.Unlock()
}

// doing is what the worker has in its hands: how many requests, some of them, and where the call for one
// of these was, if it has died and that is known.
func (w *process) doing() (n int, some []string, place string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for f := range w.hands {
		if len(some) == 5 {
			break
		}
		some = append(some, f.method+" "+f.path)
		place = cmp.Or(place, w.last(f.id))
	}
	return len(w.hands), some, place
}
