package dev

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/server/dev/live"
	"github.com/larkspur-web/larkspur/server/dev/trace"
	"go.starlark.net/starlark"
)

// routes are the pages below Path.
func (f *front) routes() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET "+live.ScriptPath, f.hub.ServeScript)
	m.HandleFunc("GET "+live.EventsPath, f.hub.ServeEvents)
	m.HandleFunc("GET "+Path+"dev.css", asset("text/css; charset=utf-8", "pages/dev.css"))
	m.HandleFunc("GET "+Path+"inspector.js",
		asset("text/javascript; charset=utf-8", "pages/inspector.js"))
	m.HandleFunc("GET "+Path+"{$}", f.list)
	m.HandleFunc("GET "+Path+"kept", f.kept)
	m.HandleFunc("GET "+Path+"kept/{app}/{by}/{in}/{name}", f.look)
	m.HandleFunc("POST "+Path+"kept/{app}/{by}/{in}/{name}", f.change)
	m.HandleFunc("GET "+Path+"requests/{id}", f.show)
	m.HandleFunc("POST "+Path+"requests/{id}/replay", f.replay)
	m.HandleFunc("POST "+Path+"requests/{id}/save", f.save)
	return m
}

func asset(media, name string) http.HandlerFunc {
	content, err := files.ReadFile(name)
	return func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		send(w, r, http.StatusOK, media, content)
	}
}

// A listing is what the inspector's first page shows.
type listing struct {
	App      string // the names of all
	Serving  string // their generations
	Software string
	Keeps    bool          // one of them keeps something
	Overlay  *live.Overlay // why the last change does not serve
	Requests []row         // newest first
	Failing  bool          // only those that failed
	Reloads  []Reload      // newest first
	Failed   int
}

// A row is a request in the list.
type row struct {
	ID      uint64
	Replays uint64
	Began   time.Time
	Method  string
	Target  string
	Status  int
	Took    time.Duration
	Steps   uint64
	Sent    int64
	Over    bool
	Broken  bool
	Error   string
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	l := listing{
		Software: s.software, Overlay: s.hub.State().Overlay, Failing: r.URL.Query().Has("failing"),
	}
	l.App, l.Serving = summary(s.all())
	l.Keeps = slices.ContainsFunc(s.all(), func(a *App) bool { return len(a.Keepers) > 0 })
	s.mu.Lock()
	records := slices.Clone(s.records)
	l.Reloads = slices.Clone(s.reloads)
	s.mu.Unlock()
	slices.Reverse(l.Reloads)
	for _, rec := range slices.Backward(records) {
		row := rec.row()
		if row.failed() {
			l.Failed++
		}
		if !l.Failing || row.failed() {
			l.Requests = append(l.Requests, row)
		}
	}
	s.write(w, r, http.StatusOK, "list", l)
}

// summary names applications, and says which generations serve.
func summary(apps []*App) (names, serving string) {
	var files, generations []string
	for _, a := range apps {
		name := a.path(a.Entry)
		files = append(files, name)
		generations = append(generations, fmt.Sprintf("%d of %s", a.generation.Load(), name))
	}
	names = strings.Join(files, ", ")
	if len(apps) == 1 { // which is named above
		return names, fmt.Sprintf("generation %d serves", apps[0].generation.Load())
	}
	return names, "generations that serve: " + strings.Join(generations, ", ")
}

func (r row) failed() bool { return r.Status >= 500 || r.Error != "" }

func (r *record) row() row {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := row{
		ID: r.id, Replays: r.replays, Began: r.began, Status: r.status, Took: r.took,
		Steps: r.steps, Sent: r.sent, Over: r.over, Broken: r.broken,
	}
	if !r.over {
		v.Took = time.Since(r.began)
	}
	if r.request != nil {
		v.Method, v.Target = r.request.Method, r.request.URL.RequestURI()
	}
	if r.failure != nil {
		v.Error = r.failure.Message
	}
	return v
}

// A detail is what the inspector shows of one request.
type detail struct {
	row
	Software   string
	Generation uint64
	Proto      string
	Host       string
	Peer       string
	Received   int64
	Asked      []field
	Answered   []field
	Environ    []field
	Logs       []logLine
	Bars       []bar
	Work       []errand
	Failure    *failure
	Input      string
	Output     string
	CanSave    bool
	Saved      string
}

// A bar of the waterfall: where it begins and how long it is, in thousandths of the whole.
type bar struct {
	What, Text, Class string
	From, Length      int64
	At                time.Duration
	Y                 int
}

// gone is said of a request of which there is no record.
var gone = fmt.Sprintf("This request is not kept any more: the last %d are.", maxRecords)

func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	rec := s.find(r.PathValue("id"))
	if rec == nil {
		s.refuse(w, r, http.StatusNotFound, gone)
		return
	}
	d := rec.detail()
	d.Software = s.software
	d.Environ = rec.environ()
	d.CanSave = s.appOf(rec).saves()
	s.write(w, r, http.StatusOK, "request", d)
}

func (r *record) detail() detail {
	d := detail{row: r.row()}
	r.mu.Lock()
	defer r.mu.Unlock()
	d.Generation = r.generation
	d.Proto, d.Host, d.Peer = r.request.Proto, r.request.Host, r.request.RemoteAddr
	d.Asked, d.Answered = fields(r.request.Header), fields(r.header)
	d.Received, d.Input, d.Output = r.received, printable(r.input), printable(r.output)
	d.Logs = slices.Clone(r.logs)
	d.Failure, d.Saved = r.failure, r.saved
	d.Bars, d.Work = r.bars(d.Took), errands(r.work)
	return d
}

// bars are the waterfall: the whole request, what came on the way, and what was decided about
// resources.
func (r *record) bars(whole time.Duration) []bar {
	part := func(at time.Duration) int64 {
		if whole <= 0 {
			return 0
		}
		return min(int64(at)*1000/int64(whole), 1000)
	}
	bars := []bar{{What: "request", Class: "all", Length: 1000, At: whole}}
	for _, m := range r.marks {
		b := bar{What: m.What, Text: m.Text, Class: "mark", Length: 4, At: m.At}
		b.From = min(part(m.At), 996)
		switch m.What {
		case "103 Early Hints":
			b.Class, b.Length = "hinted", 1000-b.From
		case "header":
			b.Class, b.From, b.Length = "wait", 0, max(part(m.At), 4)
		case "first byte":
			b.Class, b.Length = "body", 1000-b.From
		}
		bars = append(bars, b)
	}
	bars = append(bars, r.workBars(part)...)
	for _, v := range r.verdicts {
		b := bar{What: v.Target, Class: string(v.Status), From: min(part(v.at), 996), At: v.at}
		b.Text = fmt.Sprintf("%s (%s)", v.Outcome(), v.Source)
		b.Length = 1000 - b.From
		if v.Detail != "" {
			b.Text += ": " + v.Detail
		}
		bars = append(bars, b)
	}
	return bars
}

// environ makes the environ of a request again, as the server gave it to the application.
func (r *record) environ() []field {
	m := r.by()
	if m == nil {
		return nil
	}
	facts := environ.FromHTTP(r.request)
	facts.ScriptName = m.path
	var all []field
	for _, item := range m.environ.New(facts).Items() {
		name, _ := starlark.AsString(item[0])
		if name == "larkspur.request_id" {
			continue // this one is another
		}
		value := trace.Show(item[1], 1000)
		if text, ok := starlark.AsString(item[1]); ok && secret(name) {
			value = mask(text)
		}
		all = append(all, field{name, value})
	}
	sortFields(all)
	return all
}

// printable is a body as text, or what can be said of one that is none.
func printable(b []byte) string {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return strconv.Itoa(len(b)) + " bytes that are no text"
		}
	}
	return strings.ToValidUTF8(string(b), "�")
}
