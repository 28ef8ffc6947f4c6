package metrics

import (
	"context"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/prometheus/client_golang/prometheus"
)

// A stateCollector asks where applications keep what they share how much there is.
type stateCollector struct{ state host.Keeper }

const (
	// patience is how long a scrape waits for the state, which may be on other machines.
	patience = 2 * time.Second
	// maxCollections is how many buckets, topics and queues have a label of their own.
	maxCollections = 200
)

var (
	stateItems = prometheus.NewDesc("larkspur_state_items",
		"Keys of buckets, messages of topics, and jobs.", []string{"in", "name"}, nil)
	stateUp = prometheus.NewDesc("larkspur_state_up",
		"Whether what keeps the state has answered the scrape.", nil, nil)
)

// Describe is prometheus.Collector's.
func (stateCollector) Describe(out chan<- *prometheus.Desc) {
	out <- stateItems
	out <- stateUp
}

// Collect is prometheus.Collector's.
func (c stateCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	all, err := c.state.Kept(ctx)
	up := 0.0
	if err == nil {
		up = 1
	}
	out <- prometheus.MustNewConstMetric(stateUp, prometheus.GaugeValue, up)
	type place struct{ in, name string }
	counts := map[place]int64{}
	for _, k := range all {
		in := k.In
		if strings.HasSuffix(k.Kind, "later") {
			in = "queues, later"
		}
		at := place{in, strings.ToValidUTF8(k.Name, "?")}
		if _, known := counts[at]; !known && len(counts) >= maxCollections {
			at.name = other
		}
		counts[at] += max(k.Count, 0)
	}
	for at, n := range counts {
		out <- prometheus.MustNewConstMetric(stateItems, prometheus.GaugeValue, float64(n), at.in, at.name)
	}
}
