package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server"
)

// Configure sets no time by which a response must have ended: the handlers of an embedder know
// nothing of it, and stream as long as they are read.
func TestConfigureSetsNoWriteDeadline(t *testing.T) {
	s := new(http.Server)
	if err := server.Configure(s); err != nil {
		t.Fatal(err)
	}
	if d := s.WriteTimeout; d != 0 {
		t.Errorf("WriteTimeout = %v, want none", d)
	}
	kept := &http.Server{WriteTimeout: time.Second}
	if err := server.Configure(kept); err != nil {
		t.Fatal(err)
	}
	if d := kept.WriteTimeout; d != time.Second {
		t.Errorf("WriteTimeout = %v, want the second that it was", d)
	}
}
