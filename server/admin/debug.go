package admin

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"time"

	"github.com/google/pprof/profile"
	"github.com/larkspur-web/larkspur/runtime"
)

// spanOf is how long the profile is to be that r asks for: its parameter seconds, or else otherwise.
func spanOf(r *http.Request, otherwise time.Duration) (time.Duration, error) {
	text := r.FormValue("seconds")
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	d := time.Duration(n * float64(time.Second))
	if err != nil || !(n > 0) || n > longest.Seconds() {
		return 0, fmt.Errorf("seconds=%q: a number up to %v", text, longest.Seconds())
	}
	return d, nil
}

// profileScripts answers with where scripts have taken the time for some seconds.
func profileScripts(w http.ResponseWriter, r *http.Request) {
	d, err := spanOf(r, 10*time.Second)
	if err != nil {
		plain(w, http.StatusBadRequest, err.Error()+"\n")
		return
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), d)
	defer cancel()
	samples, err := runtime.Profile(ctx)
	if err != nil {
		plain(w, http.StatusConflict, err.Error()+"\n")
		return
	}
	p := encode(samples)
	p.TimeNanos, p.DurationNanos = began.UnixNano(), int64(time.Since(began))
	file(w, "starlark.pb.gz")
	_ = p.Write(w) // nobody is left to tell
}

// encode makes of samples what go tool pprof reads: the functions are those of scripts, and the label
// app is the program.
func encode(samples []runtime.Sample) *profile.Profile {
	time := &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, time},
		DefaultSampleType: "cpu", PeriodType: time, Period: 1}
	type place struct {
		file, name string
		line       int64
	}
	functions, lines := map[place]*profile.Function{}, map[place]*profile.Location{}
	locate := func(at place) *profile.Location {
		if l := lines[at]; l != nil {
			return l
		}
		f := functions[place{file: at.file, name: at.name}]
		if f == nil {
			f = &profile.Function{ID: uint64(len(functions) + 1), Name: at.name, SystemName: at.name, Filename: at.file}
			functions[place{file: at.file, name: at.name}] = f
			p.Function = append(p.Function, f)
		}
		l := &profile.Location{ID: uint64(len(lines) + 1), Line: []profile.Line{{Function: f, Line: at.line}}}
		lines[at] = l
		p.Location = append(p.Location, l)
		return l
	}
	for _, s := range samples {
		n := &profile.Sample{Value: []int64{s.Count, int64(s.Time)}, Label: map[string][]string{"app": {s.App}}}
		for i := len(s.Stack) - 1; i >= 0; i-- { // the innermost is first there
			f := s.Stack[i]
			n.Location = append(n.Location, locate(place{cmp.Or(f.Pos.Filename(), s.App), f.Name, int64(f.Pos.Line)}))
		}
		p.Sample = append(p.Sample, n)
	}
	return p
}

func file(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// profileGo answers with a profile of the processors' time. It is not net/http/pprof's, which would
// answer on http.DefaultServeMux, too, in each program that has this package.
func profileGo(w http.ResponseWriter, r *http.Request) {
	record(w, r, 10*time.Second, "profile", func() error { return pprof.StartCPUProfile(w) }, pprof.StopCPUProfile)
}

// traceGo answers with an execution trace.
func traceGo(w http.ResponseWriter, r *http.Request) {
	record(w, r, time.Second, "trace", func() error { return trace.Start(w) }, trace.Stop)
}

// record has something written for as long as r asks.
func record(w http.ResponseWriter, r *http.Request, otherwise time.Duration, name string, start func() error, stop func()) {
	d, err := spanOf(r, otherwise)
	if err != nil {
		plain(w, http.StatusBadRequest, err.Error()+"\n")
		return
	}
	file(w, name)
	if err := start(); err != nil {
		w.Header().Del("Content-Disposition")
		plain(w, http.StatusConflict, err.Error()+"\n")
		return
	}
	defer stop()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// lookUp answers with a profile that Go always makes: heap, goroutine and the like.
func lookUp(w http.ResponseWriter, r *http.Request) {
	p := pprof.Lookup(r.PathValue("name"))
	if p == nil {
		plain(w, http.StatusNotFound, "there is no such profile; /debug/pprof/ lists them\n")
		return
	}
	level, _ := strconv.Atoi(r.FormValue("debug"))
	if level > 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	} else {
		file(w, p.Name())
	}
	_ = p.WriteTo(w, min(max(level, 0), 2)) // nobody is left to tell
}

func listProfiles(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!doctype html><title>Profiles</title><meta name=color-scheme content=\"light dark\"><ul>",
		`<li><a href="profile?seconds=10">profile</a> (10 s)<li><a href="trace?seconds=1">trace</a> (1 s)`)
	for _, p := range pprof.Profiles() {
		name := html.EscapeString(p.Name())
		fmt.Fprintf(w, `<li><a href="%s?debug=1">%s</a> %d`, name, name, p.Count())
	}
	fmt.Fprint(w, "</ul>")
}
