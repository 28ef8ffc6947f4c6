// Package metrics counts what a server does, for Prometheus: it is an Observer of requests, and asks
// for what there is now at each scrape.
//
// # The model
//
// What happens to a request is counted when it has ended, by [Metrics.Observer]. What there is at the
// moment, connections, streams, workers, generations, buckets, is asked for by a scrape alone, of
// [Config.Stats] and [Config.State].
//
// Labels are bounded: mounts, methods, statuses that have a name, kinds of limits and of work,
// verdicts, names of buckets and queues. None is made of a path, or of what a client sends; beyond a
// number of them the rest are "other".
package metrics

import (
	"context"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Config says what is asked at a scrape. The zero value asks nobody.
type Config struct {
	// Version is that of the software, in larkspur_build_info. Empty means "unknown".
	Version string
	// Stats returns what a site serves. Nil means that only requests are counted.
	Stats func() site.Stats
	// State is where applications keep what they share. Nil means that there is none.
	State host.Keeper
}

// Metrics are the numbers of a server. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	mounts   table[string, mount]
	inFlight prometheus.Gauge
	queue    prometheus.Histogram
	calls    *prometheus.CounterVec
	ok       prometheus.Counter // of calls
	failed   prometheus.Counter // of calls
	work     table[string, work]
	failures table[string, prometheus.Counter]
	limits   *prometheus.CounterVec
	verdicts *prometheus.CounterVec
	settled  *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	vectors  vectors
}

// vectors are those whose children are kept in tables.
type vectors struct {
	requests            *prometheus.CounterVec
	duration, firstByte *prometheus.HistogramVec
	body, steps, ran    *prometheus.CounterVec
	work                *prometheus.HistogramVec
	workFailed          *prometheus.CounterVec
}

const (
	// maxNames is how many mounts, kinds of work, and codes of failures have a label of their own.
	maxNames = 100
	// maxLabel is how many bytes a code may have.
	maxLabel = 100
)

// buckets are bounds of latency, in seconds.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// New returns metrics that have counted nothing.
func New(c Config) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "larkspur_" + name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "larkspur_" + name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(v)
		return v
	}
	m.vectors = vectors{
		requests: counter("requests_total", "Requests that have ended.", "mount", "method", "code"),
		duration: histogram("request_duration_seconds",
			"From a request to the end of its response.", "mount", "method"),
		firstByte: histogram("request_first_byte_seconds",
			"From a request to the header of its response.", "mount", "method"),
		body:  counter("response_body_bytes_total", "Bytes of bodies that were written.", "mount"),
		steps: counter("app_steps_total", "Steps of the interpreter.", "mount"),
		ran:   counter("app_seconds_total", "Time that scripts have run, without waits.", "mount"),
		work: histogram("work_duration_seconds",
			"Statements, requests to other servers, mails and the like.", "kind"),
		workFailed: counter("work_failures_total", "Of those, the ones that failed.", "kind"),
	}
	m.mounts = table[string, mount]{make: m.newMount, max: maxNames, rest: other}
	m.work = table[string, work]{make: m.newWork, max: maxNames, rest: other}
	m.calls = counter("app_calls_total", "Calls of applications that have ended.", "result")
	m.ok, m.failed = m.calls.WithLabelValues("ok"), m.calls.WithLabelValues("failed")
	failures := counter("failures_total", "Failures of requests, by their code in the log.", "code")
	// Codes are among what workers log, and one that is taken over logs what it likes.
	m.failures = table[string, prometheus.Counter]{max: maxNames, rest: other,
		make: func(code string) *prometheus.Counter {
			c := failures.WithLabelValues(code)
			return &c
		}}
	m.limits = counter("limit_hits_total", "Failures because a limit was reached.", "limit")
	m.verdicts = counter("push_verdicts_total",
		"What was decided about resources of pages.", "status", "reason")
	m.settled = counter("push_settled_total", "Promises whose end is known.", "outcome")
	m.bytes = counter("push_body_bytes_total",
		"Bytes of bodies that were promised: all of them, and those that the client has reset, or that were lost.",
		"outcome")
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "larkspur_requests_in_flight", Help: "Requests that have begun and not ended."})
	m.queue = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "larkspur_queue_wait_seconds",
		Help: "How long requests have waited for a slot, of those that had to.", Buckets: buckets})
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "larkspur_build_info", Help: "1.",
		ConstLabels: prometheus.Labels{"version": orUnknown(c.Version)}})
	info.Set(1)
	m.registry.MustRegister(m.inFlight, m.queue, info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if c.Stats != nil {
		m.registry.MustRegister(newSiteCollector(c.Stats))
	}
	if c.State != nil {
		m.registry.MustRegister(stateCollector{c.State})
	}
	return m
}

func orUnknown(version string) string {
	if version == "" {
		return "unknown"
	}
	return version
}

// maxScrapes is how many scrapes are answered at once.
const maxScrapes = 4

// Handler answers scrapes. Exemplars, which name a request, are in the form OpenMetrics alone.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true,
		MaxRequestsInFlight: maxScrapes, Timeout: 10 * time.Second})
}

// Observer counts the requests of a Front.
func (m *Metrics) Observer() *server.Observer {
	return &server.Observer{Begin: m.begin, End: m.end, Call: m.call, Work: m.did, Fail: m.fail,
		Settled: m.settle}
}

func (m *Metrics) begin(*server.Record) context.Context {
	m.inFlight.Inc()
	return nil
}

func (m *Metrics) end(rec *server.Record) {
	m.inFlight.Dec()
	m.mounts.of(rec.Mount).end(rec)
	if rec.Queued > 0 {
		m.queue.Observe(rec.Queued.Seconds())
	}
	for i := range rec.Verdicts {
		v := &rec.Verdicts[i]
		m.verdicts.WithLabelValues(string(v.Status), string(v.Reason)).Inc()
		if v.Status == push.Promised {
			m.bytes.WithLabelValues("promised").Add(float64(v.Bytes))
		}
	}
}

func (m *Metrics) call(_ *http.Request, c server.Call) {
	if c.Err != nil {
		m.failed.Inc()
	} else {
		m.ok.Inc()
	}
}

func (m *Metrics) did(_ *http.Request, w host.Work) {
	k := m.work.of(w.Kind)
	k.took.Observe(w.Took.Seconds())
	if w.Err != nil {
		k.failed.Inc()
	}
}

func (m *Metrics) fail(_ *http.Request, f *server.Failure) {
	code := string(f.Code)
	if len(code) > maxLabel || !utf8.ValidString(code) {
		code = other
	}
	(*m.failures.of(code)).Inc()
	if limit := f.Limit(); limit != "" {
		m.limits.WithLabelValues(limit).Inc()
	}
}

func (m *Metrics) settle(_ *http.Request, v push.Verdict, _ time.Duration, err error) {
	if err == nil {
		m.settled.WithLabelValues("sent").Inc()
		return
	}
	m.settled.WithLabelValues("reset").Inc()
	m.bytes.WithLabelValues("reset").Add(float64(v.Bytes))
}
