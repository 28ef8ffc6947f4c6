package h2_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A pushClient is a client that accepts promises, one frame at a time.
type pushClient struct {
	t    *testing.T
	conn net.Conn
	fr   *http2.Framer

	refuse bool // it resets what is promised
}

// visit serves h to a client with the given SETTINGS.
func visit(t *testing.T, h http.HandlerFunc, settings ...http2.Setting) *pushClient {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan bool)
	go func() {
		new(h2.Server).ServeConn(context.Background(), server, &http.Server{Handler: h})
		close(done)
	}()
	t.Cleanup(func() { client.Close(); <-done })
	fr := http2.NewFramer(client, client)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	go func() {
		io.WriteString(client, http2.ClientPreface)
		fr.WriteSettings(settings...)
		var block strings.Builder
		e := hpack.NewEncoder(&block)
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a.test"}, {":path", "/page"}} {
			e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndHeaders: true, EndStream: true})
	}()
	return &pushClient{t: t, conn: client, fr: fr}
}

// stream returns the frames of streams, in short, until the given one has ended.
func (c *pushClient) until(id uint32) (heard []string) {
	c.t.Helper()
	for {
		f, err := c.fr.ReadFrame()
		if err != nil {
			c.t.Fatal(err)
		}
		switch f := f.(type) {
		case *http2.PushPromiseFrame:
			if c.refuse {
				go http2.NewFramer(c.conn, nil).WriteRSTStream(f.PromiseID, http2.ErrCodeRefusedStream)
			}
			block := append([]byte(nil), f.HeaderBlockFragment()...)
			fields, err := c.fr.ReadMetaHeaders.DecodeFull(block)
			if err != nil {
				c.t.Fatal(err)
			}
			var path string
			for _, f := range fields {
				if f.Name == ":path" {
					path = f.Value
				}
			}
			heard = append(heard, "promise "+path)
		case *http2.MetaHeadersFrame:
			heard = append(heard, "header "+f.PseudoValue("status"))
		case *http2.DataFrame:
			heard = append(heard, "data "+string(f.Data()))
		case *http2.RSTStreamFrame:
			heard = append(heard, "reset")
		}
		if h := f.Header(); h.StreamID == id && h.Flags.Has(http2.FlagDataEndStream) {
			return heard
		}
	}
}

// A promise goes out before what the page sends after it, its prepared answer follows the page, and the
// page's handler can wait for what became of it.
func TestPromise(t *testing.T) {
	outcome := make(chan error, 1)
	c := visit(t, func(w http.ResponseWriter, r *http.Request) {
		st, ok := h2.StreamOf(w)
		if !ok || st.Promises() == 0 {
			t.Error("the stream takes no promises")
			return
		}
		p, err := st.Promise(h2.Promise{Target: "/style.css", Answer: &h2.Answer{Header: http.Header{"Content-Type": {"text/css"}}, Body: []byte("css")}})
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(w, "page")
		go func() { outcome <- p.Err() }()
	})
	got := strings.Join(c.until(2), ", ")
	if want := "promise /style.css, header 200, header 200, data page, data css"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := <-outcome; err != nil {
		t.Errorf("the outcome is %v", err)
	}
}

// A promise that the client refuses is known to be refused.
func TestPromiseRefused(t *testing.T) {
	outcome := make(chan error, 1)
	c := visit(t, func(w http.ResponseWriter, r *http.Request) {
		st, _ := h2.StreamOf(w)
		p, err := st.Promise(h2.Promise{Target: "/big", Answer: &h2.Answer{Body: make([]byte, 1<<20)}})
		if err != nil {
			t.Error(err)
			return
		}
		outcome <- p.Err() // before the page ends
	}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.refuse = true
	c.until(1)
	err := <-outcome
	var reset h2.ResetError
	if !h2.Refused(err) || !errors.As(err, &reset) || reset.Code != http2.ErrCodeRefusedStream {
		t.Errorf("the outcome is %v, want that it was refused", err)
	}
}

// What a client does not accept, or no client could, is an error and promises nothing.
func TestPromiseErrors(t *testing.T) {
	c := visit(t, func(w http.ResponseWriter, r *http.Request) {
		st, _ := h2.StreamOf(w)
		for _, p := range []h2.Promise{
			{Target: "https://evil.test/"}, {Target: "relative"}, {Target: "/a b"}, {Target: "*"}, {Target: ""},
			{Target: "/", Method: "POST"}, {Target: "/", Header: http.Header{"Host": {"evil.test"}}},
			{Target: "/", Header: http.Header{"X": {"a\r\nb"}}}, {Target: "/", Header: http.Header{"a b": {"c"}}},
		} {
			if _, err := st.Promise(p); err == nil {
				t.Errorf("%+v was promised", p)
			}
		}
		if _, err := st.Promise(h2.Promise{Target: "/1", Answer: &h2.Answer{Body: []byte("1")}}); err != nil {
			t.Error(err)
		}
		if err := w.(http.Pusher).Push("/2", nil); err != h2.ErrPushLimit {
			t.Errorf("the second promise: %v, want ErrPushLimit", err)
		}
		if n := st.Promises(); n != 0 {
			t.Errorf("%d promises are left of one", n)
		}
	}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.until(1)
}

// A client that says so gets no promises.
func TestPromiseDisabled(t *testing.T) {
	c := visit(t, func(w http.ResponseWriter, r *http.Request) {
		if err := w.(http.Pusher).Push("/", nil); err != http.ErrNotSupported {
			t.Errorf("Push: %v, want http.ErrNotSupported", err)
		}
	}, http2.Setting{ID: http2.SettingEnablePush, Val: 0})
	if got := strings.Join(c.until(1), ", "); got != "header 200" {
		t.Errorf("got %s", got)
	}
}

// A promise without an answer is answered by the handler, which sees what was promised.
func TestPush(t *testing.T) {
	c := visit(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			if err := w.(http.Pusher).Push("/x?y", &http.PushOptions{Header: http.Header{"Accept": {"text/css"}}}); err != nil {
				t.Error(err)
			}
			return
		}
		if err := w.(http.Pusher).Push("/z", nil); err != h2.ErrPushParent {
			t.Errorf("a promise on a promised stream: %v", err)
		}
		io.WriteString(w, r.Method+" "+r.Host+r.RequestURI+" "+r.Header.Get("Accept"))
	})
	got := c.until(2)
	if want := "data GET a.test/x?y text/css"; got[len(got)-1] != want {
		t.Errorf("got %q, want %q last", got, want)
	}
}
