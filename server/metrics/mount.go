package metrics

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larkspur-web/larkspur/server"
	"github.com/prometheus/client_golang/prometheus"
)

// A mount is what is counted for a mount.
type mount struct {
	vectors *vectors
	name    string
	answers table[answer, prometheus.Counter]
	methods [len(methods) + 1]method
	body    prometheus.Counter
	steps   prometheus.Counter
	ran     prometheus.Counter
}

// An answer is a method and a status.
type answer struct {
	method int // of methods
	status int // 0 for one without a name
}

// A method is what is counted of one.
type method struct {
	once                sync.Once
	duration, firstByte latency
}

// methods are those that have a label of their own. RFC 9110, section 9; RFC 5789.
var methods = [...]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}

// indexOf is the index of a method: that behind the last one for any other.
func indexOf(name string) int {
	for i, m := range methods {
		if m == name {
			return i
		}
	}
	return len(methods)
}

func labelOf(method int) string {
	if method == len(methods) {
		return other
	}
	return methods[method]
}

func (m *Metrics) newMount(name string) *mount {
	v := &m.vectors
	n := &mount{vectors: v, name: name, body: v.body.WithLabelValues(name),
		steps: v.steps.WithLabelValues(name), ran: v.ran.WithLabelValues(name)}
	n.answers.make = func(a answer) *prometheus.Counter {
		code := strconv.Itoa(a.status)
		if a.status == 0 {
			code = other
		}
		c := v.requests.WithLabelValues(name, labelOf(a.method), code)
		return &c
	}
	return n
}

func (n *mount) end(rec *server.Record) {
	i := indexOf(rec.Request.Method)
	a := answer{method: i}
	if http.StatusText(rec.Status) != "" {
		a.status = rec.Status
	}
	(*n.answers.of(a)).Inc()
	k := &n.methods[i]
	k.once.Do(func() {
		k.duration.observer = n.vectors.duration.WithLabelValues(n.name, labelOf(i))
		k.firstByte.observer = n.vectors.firstByte.WithLabelValues(n.name, labelOf(i))
	})
	k.duration.observe(rec, rec.Took)
	if rec.FirstByte > 0 {
		k.firstByte.observe(rec, rec.FirstByte)
	}
	n.body.Add(float64(rec.Bytes))
	n.steps.Add(float64(rec.Steps))
	n.ran.Add(rec.Ran.Seconds())
}

// A latency is a histogram whose exemplars are few: one costs more than all else that is counted. Each
// bucket has a new one at most once a second.
type latency struct {
	observer prometheus.Observer
	last     [16]atomic.Int64 // by bucket, seconds
}

func (l *latency) observe(rec *server.Record, d time.Duration) {
	s := d.Seconds()
	i := 0
	for i < len(buckets) && s > buckets[i] {
		i++
	}
	now := rec.Began.Unix()
	if last := l.last[i].Load(); last == now || !nameable(rec.ID) || !l.last[i].CompareAndSwap(last, now) {
		l.observer.Observe(s)
		return
	}
	l.observer.(prometheus.ExemplarObserver).ObserveWithExemplar(s, prometheus.Labels{"request_id": rec.ID})
}

// nameable reports whether an exemplar can name a request by id: one that a proxy has given may be
// anything, and together with its name the value has 128 characters at most.
func nameable(id string) bool {
	for i := range len(id) {
		if id[i] < ' ' || id[i] > '~' {
			return false
		}
	}
	return id != "" && len(id) <= 100
}

// work is what is counted of a kind of it.
type work struct {
	took   prometheus.Observer
	failed prometheus.Counter
}

func (m *Metrics) newWork(kind string) *work {
	return &work{m.vectors.work.WithLabelValues(kind), m.vectors.workFailed.WithLabelValues(kind)}
}
