//go:build linux

package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/apps"
	libsession "github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime"
	libsite "github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/worker"
)

// TestMain makes the test binary its own worker.
func TestMain(m *testing.M) {
	worker.Main(soakApplication)
	os.Exit(m.Run())
}

// soakSettings are what a worker of the soak is told.
type soakSettings struct {
	Dir    string // has the scripts, and what is kept: see soakHouse
	Titles string // the host that links are made to
}

// site returns that of all applications.
func (s soakSettings) site() (*libsite.Site, *grant.Set, error) {
	granted, err := grant.Parse([]string{"fetch=" + s.Titles, "stats"})
	if err != nil {
		return nil, nil, err
	}
	granted.Keep(filepath.Join(s.Dir, "kept"), nil)
	app := libsite.Dir(filepath.Join(s.Dir, "apps"), "all.star")
	// What is looked for is what is lost, not what is slow on a machine that is busy.
	app.Limits = runtime.Limits{Time: soakPatience}
	granted.To(app)
	app.Grants[libsession.Name] = libsite.SecretFile{Path: filepath.Join(s.Dir, "secret")}
	return &libsite.Site{Mounts: []libsite.Mount{{App: app}}}, granted, nil
}

// writeApps writes all applications, and one that has each of them under its name.
func writeApps(dir string) error {
	err := errors.Join(os.CopyFS(dir, apps.FS), os.CopyFS(filepath.Join(dir, "soak"), os.DirFS("testdata/soak")))
	if err != nil {
		return err
	}
	var loads, mounts strings.Builder
	for _, a := range append(apps.List(), apps.App{Name: "soak", Entry: "soak/app.star"}) {
		fmt.Fprintf(&loads, "load(%q, _%s = \"app\")\n", a.Entry, a.Name)
		fmt.Fprintf(&mounts, "    \"/%s\": _%s,\n", a.Name, a.Name)
	}
	source := "load(\"mount.star\", \"mount\")\n" + loads.String() + "\napp = mount({\n" + mounts.String() + "})\n"
	return os.WriteFile(filepath.Join(dir, "all.star"), []byte(source), 0o666)
}

// soakApplication is that of the workers.
func soakApplication(config []byte) (*worker.Application, error) {
	var s soakSettings
	if err := json.Unmarshal(config, &s); err != nil {
		return nil, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // while it loads, which is most of what a soak costs
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	site, granted, err := s.site()
	if err != nil {
		return nil, err
	}
	site.Hop, site.Multiprocess, site.MaxBody = true, true, -1
	front := new(libsite.Server)
	if err := front.Set(site); err != nil {
		return nil, err
	}
	return &worker.Application{
		Handler: front,
		Close:   func() { granted.Close() },
		Run: func(worker.Teller) {
			// The first says that the worker is ready.
			for ; ; <-asked {
				if err := writeCensus(s.Dir, os.Getpid()); err != nil {
					slog.Error(err.Error())
				}
			}
		},
	}, nil
}

// A soakHouse is a site that has all applications, in this process or in workers, and what it is
// told by those who run it. In its directory are apps, which has the scripts, kept, which has databases
// and files, and temp, in which nothing may be left.
type soakHouse struct {
	soakSettings
	t       *testing.T
	log     *soakLog
	titles  *httptest.Server
	server  libsite.Server
	site    *libsite.Site
	granted *grant.Set
	pool    *worker.Pool // nil if the applications are in this process
	url     string       // of its listener of HTTP
	tls     string       // of that of HTTPS
	version int

	stop   func()     // ends it
	served chan error // has its end
}

// soakWorkers is how many workers there are.
const soakWorkers = 2

func openSoakHouse(t *testing.T, workers bool) *soakHouse {
	t.Helper()
	h := &soakHouse{t: t, log: new(soakLog), served: make(chan error, 1)}
	h.Dir = t.TempDir()
	for _, dir := range []string{"temp", "kept"} {
		if err := os.Mkdir(filepath.Join(h.Dir, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", filepath.Join(h.Dir, "temp"))
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	if err := writeApps(filepath.Join(h.Dir, "apps")); err != nil {
		t.Fatal(err)
	}
	h.titles = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<title>Larks</title>")
	}))
	h.Titles = strings.TrimPrefix(h.titles.URL, "http://")
	var err error
	if h.site, h.granted, err = h.soakSettings.site(); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(soakHandler{soakLog: h.log})
	if workers {
		config, _ := json.Marshal(h.soakSettings)
		h.pool = &worker.Pool{Name: "soak", Config: config, Workers: soakWorkers, Wait: soakPatience,
			StartTimeout: soakPatience, Drain: soakPatience, Logger: logger}
		if err := h.pool.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		h.site.Mounts = []libsite.Mount{{Handler: h.pool}}
	}
	if h.site.Certificate, err = libsite.Localhost(h.Dir); err != nil {
		t.Fatal(err)
	}
	h.site.Listen = []string{"http://127.0.0.1:0", "https://127.0.0.1:0"}
	h.server.Logger, h.server.Watch, h.server.Drain = logger, !workers, soakPatience
	if err := h.server.Set(h.site); err != nil {
		t.Fatal(err)
	}
	h.url, h.tls = h.server.Listeners()[0].URL, h.server.Listeners()[1].URL
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	go func() { h.served <- h.server.Serve(ctx) }()
	return h
}

// close ends the house, which answers what has begun, and waits for that.
func (h *soakHouse) close() {
	h.t.Helper()
	h.stop()
	if err := <-h.served; err != nil {
		h.t.Errorf("the site has not ended well: %v", err)
	}
	if h.pool != nil {
		h.pool.Close()
	}
	if err := h.granted.Close(); err != nil {
		h.t.Errorf("what was granted has not been closed: %v", err)
	}
	h.titles.Close()
}

// change has the applications loaded again after a change.
func (h *soakHouse) change(get func(path string) (string, error)) error {
	h.version++
	want := strconv.Itoa(h.version)
	if err := h.write(fmt.Sprintf("VERSION = %q\n", want)); err != nil {
		return err
	}
	if err := h.server.Reload(); err != nil {
		return fmt.Errorf("reload: %w", err)
	}
	if got, err := get("/soak/version"); err != nil || got != want {
		return fmt.Errorf("after a reload the version is %q, want %q: %w", got, want, err)
	}
	return nil
}

// spoil has the applications loaded again when one of them is wrong, which must change nothing.
func (h *soakHouse) spoil(get func(path string) (string, error)) error {
	if err := h.write("VERSION = \n"); err != nil {
		return err
	}
	failed := h.server.Reload()
	want := strconv.Itoa(h.version)
	if err := h.write(fmt.Sprintf("VERSION = %q\n", want)); err != nil {
		return err
	}
	got, err := get("/soak/version")
	if failed == nil || err != nil || got != want {
		return fmt.Errorf("after the reload of what is wrong (%v) the version is %q, want %q: %w",
			failed, got, want, err)
	}
	return nil
}

// write replaces the script that says the version.
func (h *soakHouse) write(source string) error {
	name := filepath.Join(h.Dir, "apps", "soak", "version.star")
	if err := os.WriteFile(name+".new", []byte(source), 0o666); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// move has another site served, which has one more listener, and then again the one before.
func (h *soakHouse) move(get func(path string) (string, error)) error {
	path := filepath.Join(h.Dir, "soak.sock")
	more := *h.site
	more.Listen = append(h.site.Listen[:2:2], "unix:"+path)
	if err := h.server.Set(&more); err != nil {
		return err
	}
	_, lost := get(path)
	if err := h.server.Set(h.site); err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there after its listener was taken away", path)
	}
	return lost
}

// kill kills a worker, and returns when its end is known.
func (h *soakHouse) kill(n int) error {
	all := soakChildren()
	pid := all[n%len(all)]
	h.log.kill(pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	if !soakAwait(func() bool { return h.log.hasEnded(pid) }) {
		return fmt.Errorf("worker %d was killed, and that is not known", pid)
	}
	return nil
}

// whole waits until there are all workers and no more, and all are ready.
func (h *soakHouse) whole() error {
	if h.pool == nil {
		return nil
	}
	var all []int
	whole := soakAwait(func() bool {
		all = soakChildren()
		for _, pid := range all {
			if _, err := os.Stat(censusFile(h.Dir, pid)); err != nil {
				return false
			}
		}
		return len(all) == soakWorkers
	})
	if !whole {
		return fmt.Errorf("there are workers %v, want %d that are ready", all, soakWorkers)
	}
	return nil
}

// soakPatience is how long what must come may take, on whichever machine.
const soakPatience = 2 * time.Minute

// soakAwait waits for what comes to be, and reports whether it has.
func soakAwait(is func() bool) bool {
	for end := time.Now().Add(soakPatience); ; time.Sleep(20 * time.Millisecond) {
		if is() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
