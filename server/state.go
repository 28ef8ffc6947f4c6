package server

import (
	"net/http"
	"strconv"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/server/answer"
	"go.starlark.net/starlark"
)

// A state is what an application has said of its response: set, and not sent. It knows no
// connection.
type state struct {
	called     bool             // start_response was called, even if wrongly
	mayUpgrade bool             // 101 may be said: the connection can be taken over
	status     int32            // zero until start_response was called rightly
	fields     []environ.Field  // of the last right call
	length     int64            // that the application declared; -1 for none
	few        [2]environ.Field // room for the fields of most responses
}

// set takes what start_response was called with. The call counts even if that is wrong: a second
// one is a second one, and what it was to replace is void.
func (s *state) set(status, headers starlark.Value) error {
	s.begin()
	code, err := answer.Status(status)
	if err != nil && !(s.mayUpgrade && code == http.StatusSwitchingProtocols) {
		return err
	}
	fields, err := answer.Headers(s.few[:0], headers, "headers")
	if err != nil {
		return err
	}
	return s.accept(code, fields)
}

// setGo is set for an application that is written in Go.
func (s *state) setGo(status int, fields []environ.Field) error {
	s.begin()
	if status < 100 || status > 599 {
		return environ.Errorf(environ.CodeStatus, "", "status %d is not between 200 and 599",
			status)
	}
	if !s.mayUpgrade || status != http.StatusSwitchingProtocols {
		if err := answer.Final(status, strconv.Itoa(status)); err != nil {
			return err
		}
	}
	for i, f := range fields {
		if err := environ.CheckField(f, "fields", i); err != nil {
			return err
		}
	}
	return s.accept(status, fields)
}

func (s *state) begin() { s.called, s.status, s.fields, s.length = true, 0, nil, -1 }

func (s *state) accept(status int, fields []environ.Field) (err error) {
	length, err := answer.Length(fields)
	if err == nil {
		s.status, s.fields, s.length = int32(status), fields, length
	}
	return err
}

// forbidsBody reports whether a response with the status has no body, whatever the method.
func (s *state) forbidsBody() bool {
	// RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
	return s.status == http.StatusNoContent || s.status == http.StatusResetContent ||
		s.status == http.StatusNotModified || s.status == http.StatusSwitchingProtocols
}

// declared is the Content-Length that the response is to have, -1 for none.
func (s *state) declared() int64 {
	switch s.status {
	case http.StatusNoContent:
		return -1 // RFC 9110, section 8.6: must not.
	case http.StatusNotModified:
		return -1 // RFC 9110, section 15.4.5: should not; some clients wait for what it promises.
	case http.StatusResetContent:
		return 0 // RFC 9110, section 15.3.6
	}
	return s.length
}
