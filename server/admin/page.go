package admin

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/worker"
)

var (
	//go:embed pages/page.html
	pageText string
	//go:embed pages/style.css
	styleText string
)

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"ago": ago, "took": took, "size": display.Bytes, "class": class,
}).Parse(pageText))

// policy is the content security policy of the page, which needs no script.
const policy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'"

// A row is what runs at a mount.
type row struct {
	site.MountStats
	Kind  string
	Pool  *worker.Stats
	Loads uint64 // of generations after the first
}

// poolOf is the pool that answers at a mount, as it is now; nil if none does.
func poolOf(m site.MountStats) *worker.Stats {
	if p, ok := m.Handler.(interface{ Stats() worker.Stats }); ok {
		s := p.Stats()
		return &s
	}
	return nil
}

func rowOf(m site.MountStats) row {
	r := row{MountStats: m, Kind: "application", Pool: poolOf(m)}
	switch {
	case r.Pool != nil:
		r.Kind = "workers"
		r.Generation, r.Loaded, r.Failures = r.Pool.Generation, r.Pool.Loaded, r.Pool.Failures
	case m.App == "":
		r.Kind = "handler"
	}
	if r.Generation > 0 {
		r.Loads = r.Generation - 1
	}
	return r
}

// page shows what the server does.
func (a *Admin) page(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	data := struct {
		view
		site.Stats
		Rows     []row
		Unready  string
		Software string
		Now      time.Time
	}{view: a.board.view(now), Unready: a.unready(), Software: a.Software, Now: now}
	if a.Stats != nil {
		data.Stats = a.Stats()
	}
	for _, m := range data.Mounts {
		r := rowOf(m)
		if r.Pool != nil {
			slices.SortFunc(r.Pool.Workers, func(a, b worker.WorkerStats) int { return a.Started.Compare(b.Started) })
		}
		data.Rows = append(data.Rows, r)
	}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, &data); err != nil {
		plain(w, http.StatusInternalServerError, err.Error()+"\n")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(text.Bytes()) // nobody is left to tell
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write([]byte(styleText))
}

// ago says how long ago a time was, roughly.
func ago(now, at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return took(now.Sub(at)) + " ago"
}

// took is a duration in two digits or three, and in one unit.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return strconv.FormatInt(max(d, 0).Microseconds(), 10) + " µs"
	case d < time.Second:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'g', 3, 64) + " ms"
	case d < 2*time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// class is how a status is shown.
func class(status int) string {
	switch {
	case status >= 500:
		return "bad"
	case status >= 400:
		return "warn"
	}
	return "good"
}
