package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/push/pushtest"
)

// probeReport is what probe --json writes. Times are milliseconds since the connection was made.
type probeReport struct {
	URL        string          `json:"url"`
	TLS        bool            `json:"tls"`
	Requests   []probeExchange `json:"requests"`
	GoAway     string          `json:"goaway,omitempty"`
	Violations []string        `json:"violations"`
	Advice     []string        `json:"advice"`
	Frames     []string        `json:"frames,omitempty"` // with --frames
}

// probeExchange is a request, or a promise.
type probeExchange struct {
	Stream   uint32          `json:"stream"`
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Request  http.Header     `json:"request"`
	Hints    []probeHint     `json:"hints"`
	Status   int             `json:"status"` // 0 if no response came
	Response http.Header     `json:"response"`
	Trailer  http.Header     `json:"trailer,omitempty"`
	Bytes    int64           `json:"bytes"`
	Began    float64         `json:"began_ms"`    // was sent, or promised
	Answered float64         `json:"answered_ms"` // the fields of the response
	Ended    float64         `json:"ended_ms"`
	Reset    *probeReset     `json:"reset,omitempty"`
	Error    string          `json:"error,omitempty"`
	Promises []probeExchange `json:"promises"`
}

type probeHint struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	At     float64     `json:"at_ms"`
}

type probeReset struct {
	Code string `json:"code"`
	By   string `json:"by"` // "client" or "server"
}

func (s *probed) writeJSON(w io.Writer, frames bool) error {
	report := probeReport{
		URL: s.url, TLS: s.client.TLS() != nil, Violations: []string{}, Advice: []string{},
	}
	for _, x := range s.requests {
		report.Requests = append(report.Requests, reportExchange(x))
	}
	if g := s.client.GoAway(); g != nil {
		report.GoAway = g.Error()
	}
	for _, v := range s.client.Violations() {
		if v.Advice {
			report.Advice = append(report.Advice, v.Error())
		} else {
			report.Violations = append(report.Violations, v.Error())
		}
	}
	if frames {
		var log strings.Builder
		if err := s.client.WriteLog(&log); err != nil {
			return err
		}
		report.Frames = strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(report)
}

func reportExchange(x *pushtest.Exchange) probeExchange {
	e := probeExchange{
		Stream: x.ID, Method: x.Request.Method, URL: x.Request.URL(), Request: x.Request.Header,
		Hints: []probeHint{}, Status: x.Status,
		Response: x.Header, Trailer: x.Trailer, Bytes: x.Size,
		Began: milliseconds(x.Began), Answered: milliseconds(x.Answered),
		Ended:    milliseconds(x.Ended),
		Promises: []probeExchange{},
	}
	for _, h := range x.Hints {
		e.Hints = append(e.Hints, probeHint{h.Status, h.Header, milliseconds(h.At)})
	}
	err := x.Wait()
	if reset := (*pushtest.ResetError)(nil); errors.As(err, &reset) {
		e.Reset = &probeReset{reset.Code.String(), "server"}
		if reset.Local {
			e.Reset.By = "client"
		}
	}
	if err != nil {
		e.Error = err.Error()
	}
	for _, p := range x.Promises {
		e.Promises = append(e.Promises, reportExchange(p))
	}
	return e
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
