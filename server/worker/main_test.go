package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	libws "github.com/larkspur-web/larkspur/environ/lib/websocket"
	"github.com/larkspur-web/larkspur/runtime"
	libhost "github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/re"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/worker"
	"github.com/larkspur-web/larkspur/server/worker/sandbox"
	"go.starlark.net/starlark"
)

// TestMain makes the test binary its own worker, and its own front for those that kill one.
func TestMain(m *testing.M) {
	worker.Main(func(config []byte) (*worker.Application, error) {
		if !json.Valid(config) {
			return greeter(config) // of the example
		}
		return application(config)
	})
	if dir := os.Getenv("LARKSPUR_TEST_FRONT"); dir != "" {
		beFront(dir)
	}
	if text := os.Getenv(tenantsKey); text != "" {
		beTenants(text)
	}
	os.Exit(m.Run())
}

// patience is how long an event may take that must come.
const patience = 30 * time.Second

// settings are what a worker of the tests is told.
type settings struct {
	Dir      string // has app.star, and what the module @test leaves
	Limits   runtime.Limits
	Evil     string        // what it does in place of answering, see evil
	Memory   uint64        // bytes that it may have; 0 is any number
	CPU      time.Duration // the limit of its CPU time; 0 is none
	Confined bool          // in a sandbox, in which Memory is what it may have more than at rest

	front *worker.Dial // what has the front make connections
}

// confine confines the process.
func (s settings) confine() error {
	switch {
	case s.Confined:
		_, err := sandbox.Enter(sandbox.Limits{Memory: int64(s.Memory), Files: 64, FileSize: 1 << 20},
			sandbox.Access{Read: []string{s.Dir}})
		return err
	case s.CPU > 0:
		_, err := sandbox.Enter(sandbox.Limits{CPU: s.CPU}, sandbox.Access{Write: []string{s.Dir}})
		return err
	case s.Memory > 0:
		return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: s.Memory, Max: s.Memory})
	}
	return nil
}

// application is that of the workers of the tests.
func application(config []byte) (*worker.Application, error) {
	var s settings
	if err := json.Unmarshal(config, &s); err != nil {
		return nil, err
	}
	if s.Evil != "" {
		evil(s.Evil) // it does not return
	}
	s.front = new(worker.Dial)
	stuck := make(chan func(worker.Teller), 1)
	gateway := &server.Gateway{Multiprocess: true, Abandoned: func(r *http.Request, place string) {
		stuck <- func(tell worker.Teller) { tell.Stuck(r, place) }
	}}
	var live *runtime.Live
	return &worker.Application{
		Connect: func(_ worker.Teller, front worker.Dial) { *s.front = front },
		Confine: s.confine,
		Load: func() (err error) {
			live, err = runtime.NewLive(&runtime.Config{FS: os.DirFS(s.Dir), Modules: s.modules(),
				Limits: s.Limits}, "app.star")
			gateway.App = live
			return err
		},
		Version: func() string { return live.Status().Content },
		Handler: &server.Front{Hop: true, MaxBody: -1, Handler: gateway},
		Run: func(tell worker.Teller) {
			for say := range stuck {
				say(tell)
			}
		},
	}, nil
}

// module is @test: what an application of a script cannot do in Starlark.
//
//	pid()            of the worker
//	note(name)       adds a line to the file of that name
//	gate(name)       notes "name.came" and waits until there is a file name, or the call is over
//	die(how)         ends the process
//	hang(name)       notes "name.came" and never returns
//	take(n)          keeps n MiB of memory
//	reach(what)      has the front connect to what, as "KIND ADDRESS", and returns the line that it says
func (s settings) module() *libhost.Module {
	m := &libhost.Module{Name: "test"}
	for name, fn := range map[string]func(t *starlark.Thread, arg string) (starlark.Value, error){
		"pid":  func(*starlark.Thread, string) (starlark.Value, error) { return starlark.MakeInt(os.Getpid()), nil },
		"note": func(_ *starlark.Thread, name string) (starlark.Value, error) { return starlark.None, s.note(name) },
		"gate": func(t *starlark.Thread, name string) (starlark.Value, error) {
			if err := s.note(name + ".came"); err != nil {
				return nil, err
			}
			return starlark.None, libhost.CallOf(t).Wait(func(ctx context.Context) error {
				for {
					if _, err := os.Stat(filepath.Join(s.Dir, name)); err == nil {
						return nil
					}
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(5 * time.Millisecond):
					}
				}
			})
		},
		"reach": func(_ *starlark.Thread, what string) (starlark.Value, error) {
			kind, address, _ := strings.Cut(what, " ")
			text, err := s.reach(kind, address)
			return starlark.String(text), err
		},
		"intrude": func(*starlark.Thread, string) (starlark.Value, error) { return starlark.String(intrude()), nil },
		"die":     func(_ *starlark.Thread, how string) (starlark.Value, error) { die(how); return starlark.None, nil },
		"hang": func(_ *starlark.Thread, name string) (starlark.Value, error) {
			if err := s.note(name + ".came"); err != nil {
				return nil, err
			}
			select {}
		},
		"take": func(_ *starlark.Thread, n string) (starlark.Value, error) {
			var mib int
			fmt.Sscan(n, &mib)
			p := make([]byte, mib<<20)
			for i := 0; i < len(p); i += 4096 {
				p[i] = 1
			}
			kept = append(kept, p)
			return starlark.None, nil
		},
	} {
		m.Members = append(m.Members, libhost.Member{Name: name, Value: starlark.NewBuiltin(name,
			func(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
				arg := ""
				if len(args) > 0 {
					arg, _ = starlark.AsString(args[0])
				}
				return fn(t, arg)
			})})
	}
	return m
}

// modules are those of the applications of the tests.
func (s settings) modules() []*libhost.Module {
	return []*libhost.Module{s.module(), libws.Module(), re.Module()}
}

// kept is the memory that an application of a worker has taken.
var kept [][]byte

func (s settings) note(name string) error {
	f, err := os.OpenFile(filepath.Join(s.Dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("x\n")
	return err
}

// die ends the process of a worker.
func die(how string) {
	done := make(chan struct{})
	go func() {
		switch how {
		case "panic":
			panic("the application of a test panics")
		case "overflow":
			debug.SetMaxStack(1 << 20)
			kept = append(kept, make([]byte, overflow(0)))
		case "exit":
			os.Exit(7)
		case "swell":
			p := make([]byte, 200<<20)
			for i := 0; i < len(p); i += 4096 {
				p[i] = 1
			}
			kept = append(kept, p)
			<-done
		case "spin":
			for !time.Now().IsZero() {
			}
		case "memory":
			for {
				kept = append(kept, make([]byte, 64<<20))
			}
		default:
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}()
	<-done
}

// overflow calls itself until its stack is full.
func overflow(n int) int {
	if n < 0 {
		return 0
	}
	return overflow(n+1) + n
}

// A house is an application in workers behind a front, and what they say.
type house struct {
	*settings
	t    testing.TB
	pool *worker.Pool
	log  *logbook
	url  string
	http *http.Server
}

// app writes the script, which has the members of @test.
func (s *settings) app(t testing.TB, source string) {
	t.Helper()
	source = "load(\"@test\", \"pid\", \"note\", \"gate\", \"die\", \"hang\", \"take\")\n" + source
	name := filepath.Join(s.Dir, "app.star")
	if err := os.WriteFile(name+".new", []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// build starts an application in two workers, and a front before them, which change may change.
func build(t testing.TB, source string, change func(*house, *server.Front)) *house {
	t.Helper()
	h := &house{settings: &settings{Dir: t.TempDir()}, t: t, log: new(logbook)}
	h.app(t, source)
	h.pool = &worker.Pool{Name: "test", Workers: 2, Wait: patience, Logger: slog.New(logger{logbook: h.log})}
	front := &server.Front{Handler: h.pool, Logger: slog.New(logger{logbook: h.log})}
	if change != nil {
		change(h, front)
	}
	h.configure()
	if err := h.pool.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.pool.Close()
		if t.Failed() {
			t.Logf("the log:\n%s", h.log)
		}
	})
	h.serve(front)
	return h
}

// configure tells the pool the settings.
func (h *house) configure() { h.pool.Config, _ = json.Marshal(h.settings) }

func (h *house) serve(front http.Handler) {
	h.t.Helper()
	l, err := server.Listen("http://127.0.0.1:0", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.url = l.URL
	h.http = newServer(front)
	go h.http.Serve(l)
	h.t.Cleanup(func() { h.http.Close() })
}

func newServer(front http.Handler) *http.Server {
	s := &http.Server{Handler: front, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	if err := server.Configure(s); err != nil {
		panic(err) // it is one that can be configured
	}
	return s
}

// client speaks HTTP/2 by prior knowledge, or HTTP/1.1.
func client(t testing.TB, version int) *http.Client {
	p := new(http.Protocols)
	p.SetHTTP1(version == 1)
	p.SetUnencryptedHTTP2(version == 2)
	tr := &http.Transport{Protocols: p, DisableCompression: true, MaxIdleConnsPerHost: 16,
		ExpectContinueTimeout: patience}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// A reply is what a client has got.
type reply struct {
	status int
	header http.Header
	text   string
	err    error // the response broke off, or there was none
}

func ask(c *http.Client, method, url string, body io.Reader) (a reply) {
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		return reply{err: err}
	}
	res, err := c.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	p, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(p), err}
}

// get asks for a path by HTTP/2, and fails the test unless all is well.
func (h *house) get(path string) string {
	h.t.Helper()
	a := ask(client(h.t, 2), "GET", h.url+path, nil)
	if a.err != nil || a.status != 200 {
		h.t.Fatalf("%s: %d %q %v", path, a.status, a.text, a.err)
	}
	return a.text
}

// came waits until a call of gate or hang, or n of them, has come.
func (h *house) came(name string, n int) {
	h.t.Helper()
	await(h.t, name, func() bool { return h.notes(name+".came") >= n })
}

// notes is how often a name was noted.
func (h *house) notes(name string) int {
	p, _ := os.ReadFile(filepath.Join(h.Dir, name))
	return strings.Count(string(p), "\n")
}

// open lets pass who waits at a gate.
func (h *house) open(name string) { _ = h.note(name) }

// await waits for something that comes to be.
func await(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come: %s", what)
		}
	}
}

// A logbook keeps what is logged.
type logbook struct {
	mu      sync.Mutex
	records []string
	cut     int // of each record as much is kept; 0 is all
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, r := range l.records {
		fmt.Fprintf(&b, "\t%.2000s\n", r)
	}
	return b.String()
}

// await waits for a record that has all of parts, and returns it.
func (l *logbook) await(t testing.TB, parts ...string) (record string) {
	t.Helper()
	await(t, fmt.Sprintf("a record with %q in", parts), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, record = range l.records {
			if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(record, p) }) {
				return true
			}
		}
		return false
	})
	return record
}

// A logger is a slog.Handler that has records in a logbook: LEVEL MESSAGE KEY=VALUE...
type logger struct {
	*logbook
	attrs string
}

func (l logger) Enabled(context.Context, slog.Level) bool { return true }
func (l logger) WithGroup(string) slog.Handler            { return l }

func (l logger) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		l.attrs += " " + a.String()
	}
	return l
}

func (l logger) Handle(_ context.Context, r slog.Record) error {
	text := r.Level.String() + " " + r.Message + l.attrs
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut > 0 {
		if len(l.records) == 10_000 {
			return nil
		}
		text = strings.Clone(text[:min(len(text), l.cut)])
	}
	l.records = append(l.records, text)
	return nil
}
