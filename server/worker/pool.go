package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/server/hop"
	"github.com/larkspur-web/larkspur/server/worker/sandbox"
)

// A Pool is an http.Handler whose requests are answered by worker processes. Nothing is required,
// but that main calls [Main]. Its fields must not be changed once Start is called, and it must not
// be copied; its methods may be called from any number of goroutines.
type Pool struct {
	// Name stands in the list of processes and in the log.
	Name string
	// Config is what the function is given that main gives to [Main].
	Config []byte
	// Workers is how many processes answer. Zero means one for each CPU that Go uses.
	Workers int
	// Variables is [server.Gateway.Variables]: it is called in this process.
	Variables func(r *http.Request) map[string]string
	// MaxRequests is how many requests a worker answers before another takes its place. Zero means
	// any number.
	MaxRequests int64
	// MaxAge is how long a worker answers before another takes its place. Zero means for ever.
	MaxAge time.Duration
	// MaxResident is how many bytes of memory of its own a worker may have before another takes its
	// place. It is looked at every second. Zero means any number.
	MaxResident int64
	// Wait is how long a request waits for a worker when none is there. Zero means 5 seconds.
	Wait time.Duration
	// Timeout is how long a worker may begin no response while requests wait for theirs: then it hangs,
	// though it gives signs of life, and is killed. It has to be longer than a call may take to its first
	// block (runtime.Limits.Time). Zero means two minutes, negative for ever.
	Timeout time.Duration
	// StartTimeout is how long a worker may take to load the application. Zero means 30 seconds.
	StartTimeout time.Duration
	// Grace is how long the other requests of a worker may take that has a call which cannot be
	// stopped, and how long pages of a generation may that another one takes the place of, until
	// nothing more is promised with them. Zero means a second.
	Grace time.Duration
	// Drain is how long requests may take to end that a worker has which another takes the place of.
	// Zero means 30 seconds.
	Drain time.Duration
	// Memory is how many bytes of memory a worker may have, with all that the kernel uses for it, where
	// it can be put into a control group of its own (cgroup v2, see [sandbox.NewGroup]): the kernel
	// ends one that goes past that. Elsewhere it is looked at every second how much memory of its own a
	// worker has, and one that has more is killed. Zero means any number.
	Memory int64
	// Dial makes the connections that workers ask for by [Application.Connect], as far as it grants
	// them. They are handed over, and end with the worker; one may ask for 128 at once. It is called from
	// any number of goroutines. Nil makes none.
	Dial Dial
	// Noted, if not nil, is called with what the application says by [Teller.Note] of a request, before
	// ServeHTTP returns for it; r is nil if it is said of none. It also has workers leave where their calls are ([Teller.Follow]), so
	// that it is known of what they die. It is for who develops the application.
	Noted func(r *http.Request, note json.RawMessage)
	// NoNetwork puts workers into a network namespace of their own, in which there is nothing, if
	// this process may make one.
	NoNetwork bool
	// Prepare, if not nil, is called with the command of each worker before it is started.
	Prepare func(*exec.Cmd)
	// Logger receives what becomes of workers, and what they log. Nil means slog.Default().
	Logger *slog.Logger

	once      sync.Once
	starter   sandbox.Starter
	sender    hop.Sender
	logger    *slog.Logger
	current   atomic.Pointer[set]
	tally     tally
	ungrouped sync.Once   // it is said that there are no control groups
	change    chan uint64 // has a generation whose files have changed
	close     context.CancelFunc
	closed    context.Context

	loading sync.Mutex     // held while a generation is loaded
	mu      sync.Mutex     // guards what follows
	awake   chan struct{}  // closed when a worker becomes ready, or the pool is closed
	living  sync.WaitGroup // processes, those of generations before too, and who replaces them
}

// niceness is that of workers. The front does little for each request, and all wait for it: where
// workers take all the time of processors there is, it has to come first.
const niceness = 10

func (p *Pool) begin() {
	if p.logger = p.Logger; p.logger == nil {
		p.logger = slog.Default()
	}
	if p.Name != "" {
		p.logger = p.logger.With(slog.String("app", p.Name))
	}
	p.change = make(chan uint64, 1)
	p.awake = make(chan struct{})
	p.starter.NoNetwork, p.starter.Nice = p.NoNetwork, niceness
	p.closed, p.close = context.WithCancel(context.Background())
	go p.follow()
}

func (p *Pool) workers() int {
	if p.Workers <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return p.Workers
}

func (p *Pool) drain() time.Duration        { return cmp.Or(p.Drain, 30*time.Second) }
func (p *Pool) startTimeout() time.Duration { return cmp.Or(p.StartTimeout, 30*time.Second) }
func (p *Pool) timeout() time.Duration      { return cmp.Or(p.Timeout, 2*time.Minute) }
func (p *Pool) grace() time.Duration        { return cmp.Or(p.Grace, time.Second) }

// command is that of a worker: this program, even if the file that it was started from is another
// one by now.
func (p *Pool) command() *exec.Cmd {
	name := "/proc/self/exe"
	if runtime.GOOS != "linux" {
		name, _ = os.Executable() // Start says what is wrong
	}
	c := exec.Command(name)
	c.Args = []string{os.Args[0], "worker", p.Name}
	if p.Prepare != nil {
		p.Prepare(c)
	}
	return c
}

// Start starts the workers, and returns when all of them have loaded the application. If one does
// not there are none, and the error is a [*LoadError].
func (p *Pool) Start(ctx context.Context) error {
	p.once.Do(p.begin)
	return p.load(ctx, 0)
}

// Reload starts as many new workers, which load the application as it is now, and has them answer
// from now on, and logs what came of it. If one of them does not load it nothing has changed, and
// the error is a [*LoadError].
func (p *Pool) Reload(ctx context.Context) error {
	p.once.Do(p.begin)
	return p.reload(ctx, 0)
}

// wake has all requests that wait for a worker look again.
func (p *Pool) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.awake)
	p.awake = make(chan struct{})
}

// changed has the application loaded again, once for all workers of a generation that say so.
func (p *Pool) changed(generation uint64) {
	select {
	case p.change <- generation:
	default: // it is about to be
	}
}

// follow loads the application again each time it has changed.
func (p *Pool) follow() {
	for {
		select {
		case <-p.closed.Done():
			return
		case generation := <-p.change:
			// The workers of another one see by themselves whether the files are other than theirs.
			_ = p.reload(p.closed, generation) // what came of it is in the log
			// One that goes on saying so is not to have a process started each time.
			select {
			case <-p.closed.Done():
			case <-time.After(firstPause):
			}
		}
	}
}

// Generation is the number of the one that answers: 0 before Start.
func (p *Pool) Generation() uint64 {
	if s := p.current.Load(); s != nil {
		return s.generation
	}
	return 0
}

// Files are those that the generation which answers was loaded from, as its workers say it
// ([Application.Files]). They are not to be changed.
func (p *Pool) Files() []string {
	if s := p.current.Load(); s != nil {
		return s.files
	}
	return nil
}

// Close ends all workers once they have answered what they have, and waits for that, for no longer
// than Drain. It is for when no more requests come.
func (p *Pool) Close() error {
	p.once.Do(p.begin)
	p.close()
	p.loading.Lock() // no generation is being loaded
	defer p.loading.Unlock()
	s := p.current.Swap(nil)
	if s == nil {
		return nil
	}
	s.retire()
	p.wake()
	p.living.Wait()
	p.starter.Close()
	return nil
}
