package site_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/server/site"
)

// A lockedBuffer is a log that requests write to while the test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestLog: what an application logs has the id of its request, as its environ has it; what it logs
// to find a fault is shown while it is developed.
func TestLog(t *testing.T) {
	for _, develop := range []bool{false, true} {
		var log lockedBuffer
		s := &site.Server{Develop: develop, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		url := serve(t, s, &site.Site{Listen: []string{anywhere},
			Mounts: []site.Mount{{App: &site.Application{FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@log", "log")
log.info("loading")
def app(environ, start_response):
    log.info("asked", n = 1)
    log.debug("looking")
    start_response("200 OK", [])
    return [environ["larkspur.request_id"]]
`)}}}}}})
		id := get(t, url)
		for want, wanted := range map[string]bool{
			"level=INFO msg=loading file=app.star line=3\n":                      true,
			"level=INFO msg=asked n=1 request=" + id + " file=app.star line=5\n": true,
			"level=DEBUG msg=looking request=" + id + " file=app.star line=6\n":  develop,
		} {
			if strings.Contains(log.String(), want) != wanted {
				t.Errorf("developed %v: the log has %q: %v; it is\n%s", develop, want, !wanted, log.String())
			}
		}
	}
}
