package websocket_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	ws "github.com/larkspur-web/larkspur/environ/lib/websocket"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A granted is environ["larkspur.websocket"] of a server that is none.
type granted struct {
	host.Object
	nc net.Conn
}

func (g *granted) Handshake() *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	return r
}

func (g *granted) Upgrade(http.Header, func()) (net.Conn, *bufio.ReadWriter, error) {
	return g.nc, bufio.NewReadWriter(bufio.NewReader(g.nc), bufio.NewWriter(g.nc)), nil
}

// FuzzFrames: whatever a client sends, the function ends soon after the client has left, and every
// message that it has got is one: text that is UTF-8, or octets, within the limit.
func FuzzFrames(f *testing.F) {
	for _, frames := range [][]frame{
		{{head: fin | text, payload: "hello"}, {head: fin | bye, payload: "\x03\xe8bye"}},
		{{head: text, payload: "a"}, {head: fin | ping, payload: "p"}, {head: fin | more, payload: "b"}},
		{{head: fin | octet, payload: "\xff", long: true}},
		{{head: fin | octet, says: 1 << 40}},
		{{head: fin | text, payload: "\xff"}},
		{{head: fin | bye, payload: "\x03\xed"}},
		{{head: fin | text | rsv1, payload: "x"}},
		{{head: fin | text, payload: "x", plain: true}},
	} {
		var all []byte
		for _, one := range frames {
			all = append(all, one.bytes()...)
		}
		f.Add(all)
	}
	const limit = 1000
	f.Fuzz(func(t *testing.T, sent []byte) {
		values, err := ws.Module().Values(new(host.Load))
		if err != nil {
			t.Fatal(err)
		}
		fn := starlark.NewBuiltin("fn", func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
			_ []starlark.Tuple) (starlark.Value, error) {
			for v := range starlark.Elements(args[0].(starlark.Iterable)) {
				if n := starlark.Len(v); n > limit {
					t.Errorf("a message of %d", n)
				}
			}
			return starlark.None, nil
		})
		thread := new(starlark.Thread)
		app, err := starlark.Call(thread, values["websocket"], starlark.Tuple{fn},
			[]starlark.Tuple{{starlark.String("max_size"), starlark.MakeInt(limit)}})
		if err != nil {
			t.Fatal(err)
		}
		theirs, ours := net.Pipe()
		env := starlark.NewDict(1)
		env.SetKey(starlark.String("larkspur.websocket"), &granted{"granted", ours})
		start := starlark.NewBuiltin("start_response", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple,
			[]starlark.Tuple) (starlark.Value, error) {
			return starlark.None, nil
		})
		go io.Copy(io.Discard, theirs)
		go func() {
			theirs.SetWriteDeadline(time.Now().Add(5 * time.Second))
			theirs.Write(sent)
			theirs.Close()
		}()
		done := make(chan error, 1)
		go func() {
			_, err := starlark.Call(thread, app, starlark.Tuple{env, start}, nil)
			done <- err
		}()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("it has not ended")
		}
	})
}
