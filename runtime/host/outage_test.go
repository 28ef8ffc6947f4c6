package host_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// TestOutage: a client is told whose fault it is that something outside was not done.
func TestOutage(t *testing.T) {
	for kind, want := range map[string]int{
		"refused": 500, "invalid": 500, "limit": 500, "timeout": 504, "connect": 502, "dns": 502, "rejected": 502,
	} {
		err := host.NewOutage(kind, "no %s", "way").Of("").Of("GET /")
		if host.StatusOf(err) != want || host.KindOf(err) != kind || err.Error() != "GET /: no way" {
			t.Errorf("%s: got %d, %s, %v", kind, host.StatusOf(err), host.KindOf(err), err)
		}
	}
}
