package pushtest_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/larkspur-web/larkspur/push/pushtest"
	"golang.org/x/net/http2"
)

// TestChangeWaits changes SETTINGS of which the first have not been acknowledged: the change waits
// until they are. net/http acknowledges those that it finds together with one ACK.
func TestChangeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		server := http2.NewFramer(theirs, theirs)
		var told int // SETTINGS of the client
		go func() {
			_, _ = io.ReadFull(theirs, make([]byte, len(http2.ClientPreface)))
			for {
				f, err := server.ReadFrame()
				if err != nil {
					return
				}
				if s, ok := f.(*http2.SettingsFrame); ok && !s.IsAck() {
					told++
				}
			}
		}()
		go func() { _ = server.WriteSettings() }()
		dial := func(context.Context, string, string) (net.Conn, error) { return ours, nil }
		c, err := pushtest.Dial(t.Context(), "http://h.test", &pushtest.Settings{DialContext: dial})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()

		changed := make(chan error, 1)
		go func() { changed <- c.Change(http2.Setting{ID: http2.SettingEnablePush, Val: 0}) }()
		for want := 1; want <= 2; want++ {
			synctest.Wait()
			if told != want {
				t.Fatalf("%d SETTINGS came before ACK %d, want %d", told, want, want)
			}
			_ = server.WriteSettingsAck()
		}
		if err := <-changed; err != nil {
			t.Error(err)
		}
	})
}
