package websocket_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
	"github.com/larkspur-web/larkspur/cmd/testdata/browsertest"
	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
	"github.com/larkspur-web/larkspur/server"
)

const page = `
load("@websocket", "websocket")

def app(environ, start_response):
    if environ["PATH_INFO"] == "/chat":
        def talk(ws):
            ws.send("%s %s %s" % (environ["REQUEST_METHOD"], environ["SERVER_PROTOCOL"], environ["wsgi.url_scheme"]))
            for message in ws:
                ws.send(message)
            print("closed", ws.close_code, ws.close_reason)
        return websocket(talk, subprotocols = ["chat"])(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return ["""<!doctype html><title>chat</title><link rel=icon href=data:,><pre id=said></pre><script>
const said = document.getElementById("said"), say = text => said.textContent += text + "\\n";
const ws = new WebSocket("/chat", ["soap", "chat"]);
ws.binaryType = "arraybuffer";
ws.onopen = () => { say("open " + ws.protocol); ws.send("grüß"); ws.send(new Uint8Array([1, 2, 255])); ws.send("x".repeat(300000)) };
ws.onmessage = e => {
    say(typeof e.data == "string" ? e.data.length > 1000 ? "text of " + e.data.length : e.data : "bytes " + new Uint8Array(e.data));
    if (e.data.length == 300000) ws.close(4001, "enough");
};
ws.onclose = e => say("close " + e.code + " " + e.reason + " " + e.wasClean);
</script>"""]
`

// secure serves over TLS, and returns the origin and the log.
func secure(t *testing.T, script string, engine bool) (*httptest.Server, *records) {
	t.Helper()
	log := new(records)
	logger := log.logger()
	app := load(t, log, script)
	s := httptest.NewUnstartedServer(&server.Handler{App: app, Logger: logger})
	if engine {
		if err := server.Configure(s.Config); err != nil {
			t.Fatal(err)
		}
		s.TLS = s.Config.TLSConfig
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, log
}

// TestBrowser: Chromium has its WebSocket in a stream of the connection by which the page came, and
// where HTTP/2 offers none, over one of HTTP/1.1.
func TestBrowser(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	for name, c := range map[string]struct {
		engine bool
		proto  string
	}{
		"HTTP/2":   {true, "HTTP/2.0"},
		"HTTP/1.1": {false, "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := secure(t, page, c.engine)
			b := browsertest.Open(t, s.Certificate())
			b.Go(s.URL)
			b.Shows(`document.getElementById("said").textContent.includes("close")`)
			got := browsertest.Value[string](b, `document.getElementById("said").textContent`)
			want := "open chat\nGET " + c.proto + " https\ngrüß\nbytes 1,2,255\ntext of 300000\nclose 4001 enough true\n"
			if got != want {
				t.Errorf("the page says\n%swant\n%s", got, want)
			}
			b.Silent("the page")
			log.await(t, "closed 4001 enough")
		})
	}
}

// TestAnyHandler: a handler behind a Front that knows WebSockets over HTTP/1.1 has them over HTTP/2.
func TestAnyHandler(t *testing.T) {
	l, err := server.Listen("http://127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &server.Group{Handler: &server.Front{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		_, m, err := c.Reader(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		out, err := c.Writer(r.Context(), websocket.MessageText)
		if err == nil {
			_, err = io.Copy(out, m)
			out.Close()
		}
		if err != nil {
			t.Error(err)
		}
		c.Close(websocket.StatusNormalClosure, "")
	})}}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- g.Serve(ctx, l) }()
	t.Cleanup(func() { stop(); <-served })
	s := &site{t: t, addr: l.URL[len("http://"):]}
	each(t, func(t *testing.T, proto string) {
		c := s.open(t, proto)
		say(t, c, "a")
		want(t, c, "a")
		wantClose(t, c, 1000)
	})
}
