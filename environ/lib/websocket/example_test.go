package websocket_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing/fstest"

	"github.com/coder/websocket"
	ws "github.com/larkspur-web/larkspur/environ/lib/websocket"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server"
)

// An embedder grants the module, and any server of net/http has WebSockets.
func ExampleModule() {
	app, err := runtime.Load(&runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
load("@websocket", "websocket")

def greet(ws):
    for name in ws:
        ws.send("Hello, %s!" % name)

app = websocket(greet)
`)}},
		Modules: []*host.Module{ws.Module()},
	}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := httptest.NewServer(&server.Handler{App: app})
	defer s.Close()
	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, s.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = c.Write(ctx, websocket.MessageText, []byte("Ada"))
	_, answer, err := c.Read(ctx)
	fmt.Println(string(answer), err)
	fmt.Println(c.Close(websocket.StatusNormalClosure, ""))
	// Output:
	// Hello, Ada! <nil>
	// <nil>
}
