package metrics

import (
	"time"

	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/worker"
	"github.com/prometheus/client_golang/prometheus"
)

// A siteCollector asks a site what it serves.
type siteCollector struct {
	stats func() site.Stats
	descs map[string]*prometheus.Desc
}

// siteMetrics are the metrics of a site: name, help and labels.
var siteMetrics = []struct {
	name, help string
	labels     []string
}{
	{"start_time_seconds", "When the site was first served, in seconds since 1970.", nil},
	{"app_generation", "The generation that answers.", mountLabel},
	{"app_loaded_timestamp_seconds", "When that began to answer, in seconds since 1970.", mountLabel},
	{"app_reloads_total", "Attempts to load an application again.", []string{"mount", "result"}},
	{"slots", "Calls that may run at once.", nil},
	{"calls", "Calls by what they do: running, going (on, and waiting for a slot), waiting (for something else).",
		[]string{"state"}},
	{"queue_length", "Requests that wait for a slot.", nil},
	{"connections", "Open connections.", []string{"state"}},
	{"connections_total", "Connections that were accepted.", nil},
	{"connections_shed_total", "Connections that were closed because there were too many.", nil},
	{"http2_connections", "Open connections of HTTP/2.", nil},
	{"http2_connections_total", "Connections of HTTP/2.", nil},
	{"http2_streams", "Open streams.", []string{"kind"}},
	{"http2_streams_total", "Streams.", []string{"kind"}},
	{"http2_resets_total", "Streams that were reset before they had ended.", []string{"by"}},
	{"workers", "Workers that take requests.", mountLabel},
	{"workers_busy_requests", "Requests that workers have in their hands.", mountLabel},
	{"workers_resident_bytes", "Memory of their own that workers have.", mountLabel},
	{"worker_starts_total", "Processes of workers that were started.", mountLabel},
	{"worker_recycled_total", "Workers that others have taken the place of.", mountLabel},
	{"worker_deaths_total", "Workers that have died.", []string{"mount", "cause"}},
}

var mountLabel = []string{"mount"}

func newSiteCollector(stats func() site.Stats) *siteCollector {
	c := &siteCollector{stats, map[string]*prometheus.Desc{}}
	for _, m := range siteMetrics {
		c.descs[m.name] = prometheus.NewDesc("larkspur_"+m.name, m.help, m.labels, nil)
	}
	return c
}

// Describe is prometheus.Collector's.
func (c *siteCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect is prometheus.Collector's.
func (c *siteCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(name string, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(c.descs[name], prometheus.GaugeValue, v, labels...)
	}
	counter := func(name string, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(c.descs[name], prometheus.CounterValue, float64(v), labels...)
	}
	s := c.stats()
	gauge("start_time_seconds", seconds(s.Since))
	gauge("slots", float64(s.Slots.Calls))
	gauge("calls", float64(s.Slots.Running), "running")
	gauge("calls", float64(s.Slots.Going), "going")
	gauge("calls", float64(s.Slots.Waiting), "waiting")
	gauge("queue_length", float64(s.Slots.Coming))
	gauge("connections", float64(s.Conns.Idle), "idle")
	gauge("connections", float64(s.Conns.Open-s.Conns.Idle), "active")
	counter("connections_total", s.Conns.Taken)
	counter("connections_shed_total", s.Conns.Shed)
	gauge("http2_connections", float64(s.HTTP2.Conns))
	counter("http2_connections_total", s.HTTP2.ConnsServed)
	gauge("http2_streams", float64(s.HTTP2.Streams), "request")
	gauge("http2_streams", float64(s.HTTP2.Promises), "promise")
	counter("http2_streams_total", s.HTTP2.StreamCounts.Requests, "request")
	counter("http2_streams_total", s.HTTP2.StreamCounts.Promises, "promise")
	counter("http2_resets_total", s.HTTP2.ResetPeer, "client")
	counter("http2_resets_total", s.HTTP2.ResetServer, "server")
	for _, m := range s.Mounts[:min(len(s.Mounts), maxNames)] {
		if pool, ok := m.Handler.(interface{ Stats() worker.Stats }); ok {
			p := pool.Stats()
			m.Generation, m.Loaded, m.Failures = p.Generation, p.Loaded, p.Failures
			gauge("workers", float64(len(p.Workers)), m.Mount)
			busy, resident := 0, int64(0)
			for _, w := range p.Workers {
				busy += w.Busy
				resident += w.Resident
			}
			gauge("workers_busy_requests", float64(busy), m.Mount)
			gauge("workers_resident_bytes", float64(resident), m.Mount)
			counter("worker_starts_total", p.Started, m.Mount)
			counter("worker_recycled_total", p.Recycled, m.Mount)
			for cause, n := range p.Deaths {
				counter("worker_deaths_total", n, m.Mount, string(cause))
			}
		}
		if m.Generation == 0 {
			continue
		}
		gauge("app_generation", float64(m.Generation), m.Mount)
		gauge("app_loaded_timestamp_seconds", seconds(m.Loaded), m.Mount)
		counter("app_reloads_total", m.Generation-1, m.Mount, "ok")
		counter("app_reloads_total", m.Failures, m.Mount, "failed")
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
