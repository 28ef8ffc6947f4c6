package upstream

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestUnwell has a server that fails a check left out until the next one has had its time, and back as
// soon as it passes one.
func TestUnwell(t *testing.T) {
	status := http.StatusServiceUnavailable
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, "health")
	}))
	defer s.Close()
	p, err := New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Logger = slog.New(slog.DiscardHandler)
	b := p.servers[0]
	began := time.Now()
	b.ask("/health")
	if rest := time.Unix(0, b.until.Load()).Sub(began); rest < 2*checkEvery {
		t.Errorf("it is left out for %v, and the next check may be over only after %v", rest, 2*checkEvery)
	}
	status = http.StatusOK
	if b.ask("/health"); b.out() {
		t.Error("it is left out, and has passed a check")
	}
}
