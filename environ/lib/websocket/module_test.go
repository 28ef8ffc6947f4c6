package websocket_test

import (
	"testing"

	ws "github.com/larkspur-web/larkspur/environ/lib/websocket"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) { hosttest.Module(t, ws.Module(), nil, nil) }
