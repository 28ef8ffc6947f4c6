package access

import (
	"cmp"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server"
)

// An Entry is what a line says of a request. Its names in JSON are those of OpenTelemetry's semantic
// conventions for HTTP, where they have one, else begin with larkspur. What is zero is left out, but
// the status.
type Entry struct {
	Time    time.Time `json:"timestamp"`
	Trace   string    `json:"trace_id"` // of the field traceparent, as the next one
	Parent  string    `json:"span_id"`
	Method  string    `json:"http.request.method"`
	Scheme  string    `json:"url.scheme"`
	Host    string    `json:"server.address"` // as the client has it, with a port if that has one
	Path    string    `json:"url.path"`
	Query   string    `json:"url.query"`
	Status  int       `json:"http.response.status_code"`
	Bytes   int64     `json:"http.response.body.size"`
	Version string    `json:"network.protocol.version"`
	Client  string    `json:"client.address"`
	Agent   string    `json:"user_agent.original"`
	Referer string    `json:"http.request.header.referer"`
	Error   string    `json:"error.type"` // the code of a failure

	Took      Seconds `json:"http.server.request.duration"`
	Queued    Seconds `json:"larkspur.queue.duration"`
	FirstByte Seconds `json:"larkspur.first_byte.duration"`
	Ran       Seconds `json:"larkspur.app.duration"` // of scripts, without waits
	Steps     uint64  `json:"larkspur.app.steps"`

	Request    string  `json:"larkspur.request.id"`
	Mount      string  `json:"larkspur.mount"`
	Generation uint64  `json:"larkspur.app.generation"`
	Limit      string  `json:"larkspur.limit"` // that was reached
	Place      string  `json:"larkspur.place"` // the line of script that failed
	Pushed     int     `json:"larkspur.push.promised"`
	Hinted     int     `json:"larkspur.push.hinted"`
	Verdicts   string  `json:"larkspur.push.verdicts"` // TARGET: OUTCOME; TARGET: OUTCOME
	Sample     float64 `json:"larkspur.sample"`        // the part of such requests that is logged
}

// Seconds is a duration that is written as seconds.
type Seconds float64

// Duration returns it.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// maxVerdicts is how many verdicts a line has; it says how many more there were.
const maxVerdicts = 16

// entry makes an entry of a record.
func (m Mask) entry(rec *server.Record) *Entry {
	r := rec.Request
	e := &Entry{Time: rec.Began.Add(rec.Took), Method: r.Method, Scheme: "http", Host: r.Host,
		Path: cmp.Or(r.URL.EscapedPath(), "/"), Query: m.Query(r.URL.RawQuery), Status: rec.Status, Bytes: rec.Bytes,
		Version: strings.TrimSuffix(strings.TrimPrefix(r.Proto, "HTTP/"), ".0"), Client: address(r.RemoteAddr),
		Agent: r.Header.Get("User-Agent"), Referer: m.URL(r.Header.Get("Referer")),
		Took: seconds(rec.Took), Queued: seconds(rec.Queued), FirstByte: seconds(rec.FirstByte),
		Ran: seconds(rec.Ran), Steps: rec.Steps, Request: rec.ID, Mount: rec.Mount, Generation: rec.Generation}
	if r.TLS != nil {
		e.Scheme = "https"
	}
	e.Trace, e.Parent = trace(r.Header)
	if f := rec.Failure; f != nil {
		e.Error, e.Limit, e.Place = string(f.Code), f.Limit(), f.Place()
	}
	e.push(m, rec.Verdicts)
	return e
}

// push says what was decided about resources.
func (e *Entry) push(m Mask, verdicts []push.Verdict) {
	var text strings.Builder
	for i := range verdicts {
		v := &verdicts[i]
		switch v.Status {
		case push.Promised:
			e.Pushed++
		case push.Hinted:
			e.Hinted++
		}
		if i < maxVerdicts {
			if i > 0 {
				text.WriteString("; ")
			}
			text.WriteString(m.URL(v.Target) + ": " + v.Outcome())
		}
	}
	if n := len(verdicts) - maxVerdicts; n > 0 {
		text.WriteString("; and " + strconv.Itoa(n) + " more")
	}
	e.Verdicts = text.String()
}

func seconds(d time.Duration) Seconds { return Seconds(d.Seconds()) }

// target is the path, and the query if there is one.
func (e *Entry) target() string {
	if e.Query == "" {
		return e.Path
	}
	return e.Path + "?" + e.Query
}

// address is the host of a peer, "" if it has none, as on a unix socket.
func address(peer string) string {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		return ""
	}
	return host
}

// trace is what traceparent says: the ids of the trace and of the caller's span. They are empty if
// there is none, or none as it should be. W3C Trace Context, section 3.2.
func trace(h http.Header) (id, parent string) {
	v := h["Traceparent"]
	if len(v) != 1 || len(v[0]) < 55 || len(v[0]) > 55 && (v[0][:2] == "00" || v[0][55] != '-') {
		return "", ""
	}
	p := strings.SplitN(v[0], "-", 4)
	if len(p) != 4 || !isID(p[0], 2) || p[0] == "ff" || !isID(p[1], 32) || !isID(p[2], 16) || !isID(p[3][:2], 2) ||
		strings.Trim(p[1], "0") == "" || strings.Trim(p[2], "0") == "" {
		return "", ""
	}
	return p[1], p[2]
}

func isID(s string, n int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == n && strings.ToLower(s) == s
}
