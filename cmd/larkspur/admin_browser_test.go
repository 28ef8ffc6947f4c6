package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/admin"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/worker"
)

// busyPool is a handler that has two workers.
type busyPool struct{ http.Handler }

func (busyPool) Stats() worker.Stats {
	now := time.Now()
	return worker.Stats{Generation: 2, Loaded: now.Add(-time.Hour), Started: 4, Recycled: 1,
		Deaths: map[worker.Cause]uint64{worker.Memory: 1},
		Workers: []worker.WorkerStats{{PID: 4711, Started: now.Add(-time.Hour), Served: 123456, Busy: 3, Resident: 48 << 20},
			{PID: 4712, Started: now.Add(-3 * time.Minute), Served: 77}}}
}

// TestAdminPage looks at the page of the admin listener as each screen shows it, with much on it.
func TestAdminPage(t *testing.T) {
	racetest.Skip(t)
	a := &admin.Admin{Software: "larkspur", Stats: func() site.Stats {
		s := site.Stats{Since: time.Now().Add(-50 * time.Hour), Slots: server.SlotStats{Calls: 1024, Running: 3, Waiting: 12}}
		s.Conns = server.ConnStats{Open: 312, Idle: 300}
		s.HTTP2 = h2.Stats{Conns: 40, Streams: 12}
		s.Mounts = []site.MountStats{
			{Mount: "/", App: "blog.star", Generation: 14, Loaded: time.Now().Add(-7 * time.Minute), Failures: 1,
				Err: errors.New("blog.star:12:5: undefined: titel (did you mean title?)")},
			{Mount: "shop.example.com/orders", Handler: busyPool{}}, {Mount: "/files", Handler: http.NotFoundHandler()}}
		return s
	}}
	o := a.Observer()
	begin := func(path string, age time.Duration) *server.Record {
		r := httptest.NewRequest("GET", path, nil)
		rec := &server.Record{Request: r, ID: "5f3c8a21b0d4-1723", Began: time.Now().Add(-age), Mount: "/"}
		o.Begin(rec)
		return rec
	}
	begin("/events", 47*time.Minute)
	begin("/reports/"+strings.Repeat("a-rather-long-name-", 5), 3*time.Second)
	for i, path := range []string{"/search", "/reports/yearly", "/export/" + strings.Repeat("x", 90)} {
		rec := begin(path, time.Minute)
		rec.Took, rec.Status, rec.Steps = time.Duration(i*700+230)*time.Millisecond, 200, 48_123
		rec.Ran, rec.Queued = rec.Took/2, 12*time.Millisecond
		rec.Verdicts = []push.Verdict{{Target: "/static/app.css", Status: push.Skipped, Reason: push.Diary}}
		o.End(rec)
	}
	for range 37 {
		o.Fail(httptest.NewRequest("GET", "/search", nil), &server.Failure{Status: 500, Code: "LARK0501", RequestID: "5f3c8a21b0d4-88",
			Err: errors.New("fail: the index of " + strings.Repeat("a_name_without_a_blank_", 6) + " is gone")})
	}
	o.Settled(nil, push.Verdict{Target: "/static/hero-image-of-the-front-page.avif", Bytes: 300 << 10}, 0, errors.New("reset"))
	s := httptest.NewServer(a)
	defer s.Close()
	b := browsertest.Open(t, nil)
	glance(b, "admin", s.URL, says("blog.star:12:5"))
	unready := httptest.NewServer(new(admin.Admin))
	defer unready.Close()
	glance(b, "admin-empty", unready.URL, says("Nothing is served."))
}
