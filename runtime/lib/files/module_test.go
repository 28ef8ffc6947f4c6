package files_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/files"
)

func TestModule(t *testing.T) {
	g := &files.Grant{Below: t.TempDir()}
	hosttest.Module(t, files.Module(), &host.Load{Grant: g}, nil)
	if _, err := files.Module().Values(&host.Load{Grant: "/srv"}); err == nil {
		t.Error("a string was taken for a grant")
	}
}
