package response_test

import (
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ/lib/response"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
)

func TestModule(t *testing.T) {
	l := &host.Load{Tree: fstest.MapFS{"public/a.txt": {Data: []byte("hello")}}}
	hosttest.Module(t, response.Module(), l, nil)
}
