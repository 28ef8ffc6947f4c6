package metrics_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/push/pushtest"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/metrics"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/worker"
	"go.starlark.net/starlark"
	"golang.org/x/net/http2"
)

const script = `load("@outside", "ask", "wait")
def app(environ, start_response):
    path = environ["PATH_INFO"]
    headers = [("Content-Type", "text/plain")]
    if path == "/ask":
        ask("SELECT 1")
    elif path == "/broken":
        ask("broken")
    elif path == "/wait":
        wait()
    elif path == "/loop":
        [0 for _ in range(9999) for _ in range(9)]
    elif path == "/fail":
        fail("no")
    elif path == "/page":
        headers.append(("Link", "</style.css>; rel=preload; as=style"))
    elif path == "/style.css":
        headers.append(("Cache-Control", "max-age=60"))
    start_response("200 OK", headers)
    return ["body of " + path]
`

// A pool is a handler that has workers.
type pool struct {
	http.Handler
	stats worker.Stats
}

func (p *pool) Stats() worker.Stats { return p.stats }

// A keeper keeps a bucket and a queue.
type keeper struct{ keys int64 }

func (k *keeper) Kept(context.Context) ([]host.Collection, error) {
	return []host.Collection{{In: "buckets", Name: "votes", Kind: "bucket", Count: k.keys},
		{In: "queues", Name: "mails", Kind: "queue", Count: 2 * k.keys}}, nil
}

func (k *keeper) Look(context.Context, host.Collection, int, int) (*host.Sheet, error) {
	return nil, nil
}

// A house is a site with metrics, that serves until the end of the test.
type house struct {
	*testing.T
	site    *site.Server
	files   fstest.MapFS
	url     string
	metrics *metrics.Metrics
	pool    pool
	state   keeper
	entered chan bool
	leave   chan bool
}

func newHouse(t *testing.T) *house {
	h := &house{T: t, files: fstest.MapFS{"app.star": {Data: []byte(script)}},
		entered: make(chan bool), leave: make(chan bool)}
	h.pool.Handler = http.NotFoundHandler()
	h.site = &site.Server{Logger: slog.New(slog.DiscardHandler)}
	h.metrics = metrics.New(metrics.Config{Stats: h.site.Stats, State: &h.state})
	h.site.Observer = h.metrics.Observer()
	outside := &host.Module{Name: "outside", Doc: "Asks others.", Members: []host.Member{
		{Name: "ask", Doc: "Asks once.", Params: []host.Param{{Name: "what", Doc: "What to ask."}},
			Fn: func(t *starlark.Thread, what string) {
				w := host.Work{Kind: "sql", Text: what, Took: time.Millisecond}
				if what == "broken" {
					w.Err = errors.New("no such table")
				}
				host.Observe(t, w)
			}},
		{Name: "wait", Doc: "Waits.", Fn: func() { h.entered <- true; <-h.leave }},
	}}
	v := &site.Site{Listen: []string{"http://127.0.0.1:0"}, Calls: 1, Mounts: []site.Mount{
		{App: &site.Application{FS: h.files, Modules: []*host.Module{outside}, Limits: runtime.Limits{Steps: 9000}}},
		{Path: "/pool", Handler: &h.pool}}}
	if err := h.site.Set(v); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.site.Serve(ctx) }()
	t.Cleanup(func() { stop(); <-served })
	h.url = h.site.Listeners()[0].URL
	return h
}

// get asks for a path, and returns the status.
func (h *house) get(path string) int {
	res, err := http.Get(h.url + path)
	if err != nil {
		h.Error(err)
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// scrape returns the values by name and labels, as they are written.
func (h *house) scrape() map[string]float64 {
	w := httptest.NewRecorder()
	h.metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		h.Fatalf("the scrape got %d: %s", w.Code, w.Body)
	}
	values := map[string]float64{}
	for s := bufio.NewScanner(w.Body); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), " ")
		if i := strings.LastIndexByte(s.Text(), '}'); i >= 0 {
			name, value = s.Text()[:i+1], strings.TrimSpace(s.Text()[i+1:])
		}
		values[name], _ = strconv.ParseFloat(value, 64)
	}
	return values
}

// push asks for a page that promises, and resets what is promised if reset says so.
func (h *house) push(reset bool) {
	settings := new(pushtest.Settings)
	if reset {
		settings.OnPromise = pushtest.Refuse
	}
	c, err := pushtest.Dial(h.Context(), h.url, settings)
	if err != nil {
		h.Fatal(err)
	}
	defer c.Close()
	for range 2 { // the second time the client has it
		if err := c.Get("/page").WaitAll(); err != nil && !reset {
			h.Fatal(err)
		}
	}
	if reset {
		_ = c.Ping() // the server has read the reset
	}
}

// TestEachMoves verifies that each metric moves when its thing happens.
func TestEachMoves(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		metric string
		by     float64
		do     func()
	}{
		{`larkspur_requests_total{code="200",method="GET",mount="/"}`, 1, func() { h.get("/") }},
		{`larkspur_requests_total{code="404",method="GET",mount="/pool"}`, 1, func() { h.get("/pool") }},
		{`larkspur_requests_total{code="200",method="other",mount="/"}`, 1, func() {
			r, _ := http.NewRequest("BREW", h.url, nil)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		}},
		{`larkspur_request_duration_seconds_count{method="GET",mount="/"}`, 1, func() { h.get("/") }},
		{`larkspur_request_first_byte_seconds_count{method="GET",mount="/"}`, 1, func() { h.get("/") }},
		{`larkspur_response_body_bytes_total{mount="/"}`, 9, func() { h.get("/") }},
		{`larkspur_app_steps_total{mount="/"}`, 0, func() { h.get("/") }},
		{`larkspur_app_seconds_total{mount="/"}`, 0, func() { h.get("/") }},
		{`larkspur_app_calls_total{result="ok"}`, 1, func() { h.get("/") }},
		{`larkspur_app_calls_total{result="failed"}`, 1, func() { h.get("/fail") }},
		{`larkspur_failures_total{code="LARK0501"}`, 1, func() { h.get("/fail") }},
		{`larkspur_failures_total{code="LARK0502"}`, 1, func() { h.get("/loop") }},
		{`larkspur_limit_hits_total{limit="steps"}`, 1, func() { h.get("/loop") }},
		{`larkspur_limit_hits_total{limit="body"}`, 1, func() {
			res, err := http.Post(h.url, "text/plain", strings.NewReader(strings.Repeat("x", 11<<20)))
			if err == nil {
				res.Body.Close()
			}
		}},
		{`larkspur_work_duration_seconds_count{kind="sql"}`, 1, func() { h.get("/ask") }},
		{`larkspur_work_failures_total{kind="sql"}`, 1, func() { h.get("/broken") }},
		{`larkspur_push_verdicts_total{reason="",status="promised"}`, 1, func() { h.push(false) }},
		{`larkspur_push_verdicts_total{reason="diary",status="skipped"}`, 1, func() { h.push(false) }},
		{`larkspur_push_verdicts_total{reason="disabled",status="linked"}`, 1, func() { h.get("/page") }},
		{`larkspur_push_settled_total{outcome="sent"}`, 1, func() { h.push(false) }},
		{`larkspur_push_body_bytes_total{outcome="promised"}`, 18, func() { h.push(false) }},
		{`larkspur_push_body_bytes_total{outcome="reset"}`, 0, func() { h.push(true) }},
		{`larkspur_push_settled_total{outcome="reset"}`, 0, func() { h.push(true) }},
		{`larkspur_connections_total`, 1, func() { h.push(false) }},
		{`larkspur_http2_connections_total`, 1, func() { h.push(false) }},
		{`larkspur_http2_streams_total{kind="request"}`, 2, func() { h.push(false) }},
		{`larkspur_http2_streams_total{kind="promise"}`, 1, func() { h.push(false) }},
		{`larkspur_http2_resets_total{by="client"}`, 1, func() {
			c, err := pushtest.Dial(t.Context(), h.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			x := c.Get("/wait")
			<-h.entered
			x.Reset(http2.ErrCodeCancel)
			_ = c.Ping() // the server has read it
			h.leave <- true
		}},
		{`larkspur_app_reloads_total{mount="/",result="ok"}`, 1, func() {
			h.files["app.star"] = &fstest.MapFile{Data: []byte(script + "\n# another\n")}
			_ = h.site.Reload()
		}},
		{`larkspur_app_reloads_total{mount="/",result="failed"}`, 1, func() {
			h.files["app.star"] = &fstest.MapFile{Data: []byte(script + "\nno(\n")}
			_ = h.site.Reload()
		}},
		{`larkspur_app_generation{mount="/"}`, 1, func() {
			h.files["app.star"] = &fstest.MapFile{Data: []byte(script + "\n# a third\n")}
			_ = h.site.Reload()
		}},
		{`larkspur_app_loaded_timestamp_seconds{mount="/"}`, 0, func() {
			h.files["app.star"] = &fstest.MapFile{Data: []byte(script + "\n# a fourth\n")}
			time.Sleep(2 * time.Millisecond) // it is one of milliseconds
			_ = h.site.Reload()
		}},
		{`larkspur_workers{mount="/pool"}`, 1, func() { h.pool.stats.Workers = []worker.WorkerStats{{PID: 1}} }},
		{`larkspur_workers_busy_requests{mount="/pool"}`, 3, func() { h.pool.stats.Workers[0].Busy = 3 }},
		{`larkspur_workers_resident_bytes{mount="/pool"}`, 4096, func() { h.pool.stats.Workers[0].Resident = 4096 }},
		{`larkspur_worker_starts_total{mount="/pool"}`, 1, func() { h.pool.stats.Started++ }},
		{`larkspur_worker_recycled_total{mount="/pool"}`, 1, func() { h.pool.stats.Recycled++ }},
		{`larkspur_worker_deaths_total{cause="memory",mount="/pool"}`, 1, func() {
			h.pool.stats.Deaths = map[worker.Cause]uint64{worker.Memory: 1}
		}},
		{`larkspur_app_generation{mount="/pool"}`, 7, func() { h.pool.stats.Generation = 7 }},
		{`larkspur_state_items{in="buckets",name="votes"}`, 2, func() { h.state.keys += 2 }},
		{`larkspur_state_items{in="queues",name="mails"}`, 4, func() { h.state.keys += 2 }},
		{`go_memstats_mallocs_total`, 0, func() { h.get("/") }},
	} {
		before := h.scrape()[c.metric]
		c.do()
		after, asked := 0.0, 0
		for after = h.scrape()[c.metric]; after == before && asked < 200; asked++ {
			time.Sleep(5 * time.Millisecond) // a request ends after its response
			after = h.scrape()[c.metric]
		}
		if grown := after - before; grown <= 0 || c.by > 0 && grown != c.by {
			t.Errorf("%s went from %v to %v, want %v more", c.metric, before, after, c.by)
		}
	}
}

// TestNow verifies the metrics of what there is at the moment, while a call waits and another request
// waits for it.
func TestNow(t *testing.T) {
	h := newHouse(t)
	done := make(chan int, 2)
	go func() { done <- h.get("/wait") }()
	<-h.entered
	go func() { done <- h.get("/") }()
	want := map[string]float64{"larkspur_requests_in_flight": 2, "larkspur_queue_length": 1, "larkspur_slots": 1,
		`larkspur_calls{state="running"}`: 1, `larkspur_connections{state="active"}`: 2,
		`larkspur_build_info{version="unknown"}`: 1, "larkspur_state_up": 1, "larkspur_queue_wait_seconds_count": 0}
	var have map[string]float64
	for range 400 {
		if have = h.scrape(); have["larkspur_queue_length"] == 1 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	for name, v := range want {
		if have[name] != v {
			t.Errorf("%s is %v, want %v", name, have[name], v)
		}
	}
	h.leave <- true
	<-done
	<-done
	for range 400 {
		if have = h.scrape(); have["larkspur_requests_in_flight"] == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if have["larkspur_queue_wait_seconds_count"] != 1 || have["larkspur_requests_in_flight"] != 0 {
		t.Errorf("after it: %v waited, %v are in flight", have["larkspur_queue_wait_seconds_count"],
			have["larkspur_requests_in_flight"])
	}
}

// TestExemplars verifies that a scrape in the form OpenMetrics names a request for a bucket, and that an
// id which cannot be one of an exemplar does no harm.
func TestExemplars(t *testing.T) {
	m := metrics.New(metrics.Config{})
	o := m.Observer()
	for i, id := range []string{"request-1", "a\nb", strings.Repeat("x", 200)} {
		o.Begin(nil)
		o.End(&server.Record{Request: httptest.NewRequest("GET", "/", nil), ID: id, Mount: "/", Status: 200,
			Began: time.Unix(int64(i+1), 0), Took: 2 * time.Millisecond << (3 * i)})
	}
	r, w := httptest.NewRequest("GET", "/metrics", nil), httptest.NewRecorder()
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	m.Handler().ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `{request_id="request-1"} 0.002`) ||
		strings.Count(w.Body.String(), "request_id") != 1 {
		t.Errorf("no exemplar: %s", w.Body)
	}
}

// TestLabelsAreBounded verifies that no client and no number of mounts makes labels without end.
func TestLabelsAreBounded(t *testing.T) {
	m := metrics.New(metrics.Config{})
	o := m.Observer()
	for i := range 300 {
		r := httptest.NewRequest("GET", "/"+strconv.Itoa(i), nil)
		r.Method = "M" + strconv.Itoa(i)
		rec := &server.Record{Request: r, Mount: "/" + strconv.Itoa(i), Status: 200 + i, Began: time.Now()}
		o.Begin(rec)
		o.End(rec)
		o.Fail(r, &server.Failure{Code: environ.Code("LARK" + strconv.Itoa(i) + strings.Repeat("\xff", i%2))})
		o.Work(r, host.Work{Kind: "kind" + strconv.Itoa(i)})
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if n := strings.Count(w.Body.String(), "\nlarkspur_app_steps_total{"); n != 101 {
		t.Errorf("%d mounts have labels", n)
	}
	if n := strings.Count(w.Body.String(), "\nlarkspur_failures_total{"); n != 100 {
		t.Errorf("%d codes have labels", n)
	}
	if strings.Contains(w.Body.String(), `"M1"`) || strings.Contains(w.Body.String(), `code="299"`) {
		t.Error("a method or a status without a name has a label")
	}
}

// BenchmarkRequest is what the metrics of a request cost.
func BenchmarkRequest(b *testing.B) {
	o := metrics.New(metrics.Config{}).Observer()
	rec := &server.Record{Request: httptest.NewRequest("GET", "/", nil), ID: "request-1", Mount: "/", Status: 200,
		Began: time.Now(), Took: time.Millisecond, FirstByte: time.Millisecond, Steps: 50, Ran: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		o.Begin(rec)
		o.Call(rec.Request, server.Call{})
		o.End(rec)
	}
}
