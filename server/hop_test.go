package server_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/h2"
	"github.com/larkspur-web/larkspur/server/worker"
)

// hops reports whether t is one of those that [TestHop] runs.
func hops(t testing.TB) bool { return strings.HasPrefix(t.Name(), "TestHop/") }

// hopped returns h, behind a hop in those that [TestHop] runs.
func hopped(t testing.TB, h http.Handler) http.Handler {
	if whole, ok := h.(*server.Handler); ok && hops(t) {
		return behindHop(t, whole)
	}
	return h
}

// behindHop has what h serves answer as a worker does, behind a front. What the plan of pushes looks at
// of a generation is that of the application.
func behindHop(t testing.TB, h *server.Handler) http.Handler {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close() })
	go worker.Serve(far, &server.Front{Hop: true, MaxBody: -1, Logger: h.Logger, Handler: &server.Gateway{
		App: h.App, Environ: h.Environ, ServerName: h.ServerName, WriteTimeout: h.WriteTimeout,
		IdleTimeout: h.IdleTimeout, Slots: h.Slots, Logger: h.Logger,
	}}, nil)
	link := &worker.Link{Conn: h2.NewClientConn(near, h2.ClientConfig{}), Variables: h.Variables}
	return &server.Front{Mounts: []server.Mount{{Path: h.Mount, Handler: generational{link, h}}}, MaxBody: h.MaxBody,
		ErrorPage: h.ErrorPage, Logger: h.Logger, Access: h.Access, Push: h.Push}
}

// generational is a link to an application whose generation is known here.
type generational struct {
	*worker.Link
	h *server.Handler
}

// Generation is [server.Backend]'s.
func (l generational) Generation() uint64 {
	run := l.h.App.Begin()
	defer run.End()
	return run.Generation()
}

// TestHop runs the tests of pushes with the application behind a hop, as in a worker. What a script
// sees of a call differs there by its nature: it is forwarded, and the front decides. Not here are
// TestPushXNet, whose server is another one, and TestPushGo, which has no application.
func TestHop(t *testing.T) {
	for _, c := range []struct {
		name string
		test func(*testing.T)
	}{
		{"Links", TestPushLinks},
		{"Call", TestPushCall},
		{"Present", TestPushPresent},
		{"Late", TestPushLate},
		{"Diary", TestPushDiary},
		{"Fresh", TestPushFresh},
		{"Refused", TestPushRefused},
		{"Unverified", TestPushUnverified},
		{"Slots", TestPushSlots},
		{"PageFirst", TestPushPageFirst},
		{"Map", TestPushMap},
		{"Mount", TestPushMount},
		{"Peers", TestPushPeers},
		{"Hints1", TestPushHints1},
		{"Personal", TestPushPersonal},
		{"WithCookie", TestPushWithCookie},
		{"Copies", TestPushCopies},
		{"PersonalVariable", TestPushPersonalVariable},
	} {
		t.Run(c.name, c.test)
	}
}
