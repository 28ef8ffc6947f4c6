package apps_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/environ/lib/stats"
)

// dashNumbers are those of a server that has served for i seconds.
func dashNumbers(i int) stats.Numbers {
	n := uint64(i)
	return stats.Numbers{
		Uptime:      stats.Seconds(i),
		Requests:    stats.Requests{Ended: 40*n + 10*(n%3), Failed: n / 10, InFlight: int64(3 + i%5)},
		Connections: stats.Connections{Open: 12 + i%3, Idle: 2, Taken: 4 * n},
		Calls:       stats.Calls{Slots: 2, Running: 1, Queued: i % 4},
		Resources:   stats.Resources{Promised: 2 * n, Hinted: n / 3, Linked: 3 * n, Skipped: n},
		Memory:      stats.Memory{Objects: (30 + n%10) << 20, Mapped: 64 << 20},
	}
}

// TestDashInBrowser looks at the charts of a server that says what the test wants it to say.
func TestDashInBrowser(t *testing.T) {
	racetest.Skip(t)
	s := start(t, "dash/app.star", "")
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/live" {
			s.Config.Handler.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 90 {
			said, err := json.Marshal(dashNumbers(i))
			if err != nil {
				t.Error(err)
			}
			if _, err := w.Write(append(append([]byte("data: "), said...), "\n\n"...)); err != nil {
				return
			}
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(front.Close)
	b := browsertest.Open(t, nil)
	b.View(1280, false)
	b.Go(front.URL)
	b.Shows(`document.querySelector(".state").textContent === "Live" && document.querySelector("[data-uptime]").textContent === "1 min 29 s"`)
	b.Shows(`document.querySelector("td[data-place='resources.linked']").textContent === "267"`)
	b.Shows(`[...document.querySelectorAll(".legend b")].map(b => b.textContent).join() === "50,0,7,1,14,2,0,3,1,39.0 MiB,64.0 MiB"`)
	b.Shows(`[...document.querySelectorAll(".plot .line")].every(p => p.getTotalLength() > 80)`)
	views(b, "dash")
	b.Silent("dash")
}
