package session_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/environ/lib/session"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) {
	hosttest.Module(t, session.Module(), &host.Load{Grant: session.Random()}, nil)
}
