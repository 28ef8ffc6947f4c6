package site_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/server/site"
)

const versioned = `
load("@response", "websocket")

VERSION = "1"

def talk(ws):
    for message in ws:
        ws.send("version %s: %s" % (VERSION, message))

app = websocket(talk)
`

// TestWebSocketReload: a conversation goes on with the version that it began with, a new one has the
// new version, with and without dev around it.
func TestWebSocketReload(t *testing.T) {
	for _, develop := range []bool{false, true} {
		name := map[bool]string{false: "serve", true: "dev"}[develop]
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "app.star")
			write := func(text string) {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write(versioned)
			s := &site.Server{Develop: develop}
			url := serve(t, s, &site.Site{Listen: []string{anywhere}, Mounts: []site.Mount{{App: site.Dir(dir, "")}}})
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			open := func() *websocket.Conn {
				c, _, err := websocket.Dial(ctx, url, nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.CloseNow() })
				return c
			}
			says := func(c *websocket.Conn, want string) {
				t.Helper()
				if err := c.Write(ctx, websocket.MessageText, []byte("a")); err != nil {
					t.Fatal(err)
				}
				if _, got, err := c.Read(ctx); err != nil || string(got) != want {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
			}
			old := open()
			says(old, "version 1: a")
			write(strings.Replace(versioned, `"1"`, `"2"`, 1))
			if err := s.Reload(); err != nil {
				t.Fatal(err)
			}
			says(open(), "version 2: a")
			says(old, "version 1: a")
			if err := old.Close(websocket.StatusNormalClosure, ""); err != nil {
				t.Error(err)
			}
			if develop {
				res, err := http.Get(url + "/_larkspur/")
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Errorf("the inspector answers %s", res.Status)
				}
			}
		})
	}
}
