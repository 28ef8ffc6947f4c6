package state_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/state"
)

// TestDial keeps state by the connections of another grant, with a server in this process and with one
// elsewhere; that makes none to anything else.
func TestDial(t *testing.T) {
	for name, front := range map[string]func() *state.Grant{
		"dir": func() *state.Grant { return &state.Grant{Dir: t.TempDir()} },
		"url": func() *state.Grant {
			c := newCluster(t, "--user", "ann", "--pass", "secret")
			return &state.Grant{URL: "nats://ann:secret@127.0.0.1:" + c.port}
		},
	} {
		t.Run(name, func(t *testing.T) {
			front := front()
			defer front.Close()
			guest := &state.Grant{Dir: front.Dir, URL: front.URL, Guest: true}
			asked := ""
			guest.Connect = func(ctx context.Context, network, address string) (net.Conn, error) {
				asked = network + " " + address
				return front.Dial(ctx, network, address)
			}
			defer guest.Close()
			newDesk(t, guest).want(`counter("n").add()`, "1")
			if asked == "" {
				t.Error("it asked for no connection")
			}
			for _, address := range []string{"127.0.0.1:1", "example.com:4222"} {
				_, err := front.Dial(t.Context(), "tcp", address)
				if err == nil || !strings.Contains(err.Error(), "is no server of the state that is granted") {
					t.Errorf("%s: %v", address, err)
				}
			}
		})
	}
}
