package h2_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// Package push asks for the same methods. Neither package imports the other.
var (
	_ push.Promiser = h2.Promiser(nil)
	_ h2.Promiser   = push.Promiser(nil)
)

// promiser is what a handler promises with.
func promiser(w http.ResponseWriter) h2.Promiser { return w.(h2.Promiser) }

// promised is a request as a handler promises it.
func promised(target string) *http.Request { return &http.Request{RequestURI: target} }

// promise has c's handler promise a request whose answer is ready, and returns what becomes of it.
func (c *call) promise(
	r *http.Request, header http.Header, body string,
) (settled <-chan error, err error) {
	outcome := make(chan error, 2)
	settle := func(err error) { outcome <- err }
	c.do(func(w http.ResponseWriter, _ *http.Request) {
		err = promiser(w).Promise(r, header, []byte(body), false, settle)
	})
	return outcome, err
}

// promises is what c's handler is told of the promises that it can make.
func (c *call) promises() (n int, ok bool) {
	c.do(func(w http.ResponseWriter, _ *http.Request) { n, ok = promiser(w).Promises() })
	return n, ok
}

// open requires that a promise is not settled yet.
func open(t *testing.T, settled <-chan error) {
	t.Helper()
	select {
	case err := <-settled:
		t.Errorf("the promise is settled, with %v", err)
	default:
	}
}

// wantRefused requires that a promise is settled by the client's reset.
func wantRefused(t *testing.T, settled <-chan error, code http2.ErrCode) {
	t.Helper()
	var reset h2.ResetError
	if err := <-settled; !errors.As(err, &reset) || !reset.Remote || reset.Code != code {
		t.Errorf("the promise is settled with %v, want a reset by the client with %v", err, code)
	}
}

// TestConformPromise: an answer that is ready is sent as it is; no handler is called; the outcome
// is known.
func TestConformPromise(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		header := http.Header{"Content-Type": {"text/css"}, "Etag": {`"1"`}}
		settled, err := page.promise(promised("/style.css"), header, "body {}")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // a promise gives way to its page for a moment
		c.want("PUSH_PROMISE 1 2 ...",
			`HEADERS 2 :status=200 content-length=7 content-type=text/css etag="1"`,
			`DATA 2 END "body {}"`)
		c.noCall()
		if err := <-settled; err != nil {
			t.Errorf("the promise is settled with %v", err)
		}
		// What was sent whole may still be unwanted.
		c.reset(2, http2.ErrCodeCancel)
		c.quiet()
		wantRefused(t, settled, http2.ErrCodeCancel)
	})
}

// TestConformPromiseHead: the answer to a promised HEAD is its header; what body it would have is
// told by its length.
func TestConformPromiseHead(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		r := &http.Request{Method: "HEAD", RequestURI: "/x"}
		if _, err := page.promise(r, http.Header{"Content-Type": {"x/y"}}, "hello"); err != nil {
			t.Fatal(err)
		}
		c.want("PUSH_PROMISE 1 2 :method=HEAD ...",
			"HEADERS 2 END :status=200 content-length=5 content-type=x/y")
	})
}

// TestConformPromiseOrder: a promise goes out before what its page sends after it, and its answer
// follows the page.
func TestConformPromiseOrder(t *testing.T) {
	against(t, func(w http.ResponseWriter, r *http.Request) {
		err := promiser(w).Promise(promised("/style.css"), nil, []byte("css"), false, nil)
		if err != nil {
			t.Error(err)
		}
		io.WriteString(w, "page")
	}, func(t *testing.T, c *visitor) {
		c.get(1, ":path", "/page")
		time.Sleep(time.Second)
		c.want("PUSH_PROMISE 1 2 ...", "HEADERS 2 :status=200 ...", "HEADERS 1 :status=200 ...",
			`DATA 1 END "page"`, `DATA 2 END "css"`)
	})
}

// TestConformPromiseRefused: a client that has no use for a promise resets it, and its maker is
// told; so he is when the connection ends.
func TestConformPromiseRefused(t *testing.T) {
	shut := site{settings: []http2.Setting{set(http2.SettingInitialWindowSize, 0)}}
	for _, code := range []http2.ErrCode{http2.ErrCodeCancel, http2.ErrCodeRefusedStream} {
		shut.visit(t, func(t *testing.T, c *visitor) {
			page := pager(t, c, 1)
			settled, err := page.promise(promised("/big"), nil, strings.Repeat("x", 1<<20))
			if err != nil {
				t.Fatal(err)
			}
			c.want("PUSH_PROMISE 1 2 ...", "HEADERS 2 ...")
			open(t, settled)
			c.reset(2, code)
			wantRefused(t, settled, code) // before the page ends
			page.finish()
			c.want("HEADERS 1 END ...")
		})
	}
	shut.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		settled, err := page.promise(promised("/x"), nil, "x")
		if err != nil {
			t.Fatal(err)
		}
		c.conn.Close()
		c.quiet()
		var reset h2.ResetError
		if err := <-settled; err == nil || errors.As(err, &reset) {
			t.Errorf("the promise is settled with %v, want the end of the connection", err)
		}
	})
}

// TestConformPromiseLimit: how many promises are left is told, and one more is an error.
func TestConformPromiseLimit(t *testing.T) {
	one := []http2.Setting{
		set(http2.SettingMaxConcurrentStreams, 1), set(http2.SettingInitialWindowSize, 0),
	}
	site{settings: one}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		if n, ok := page.promises(); n != 1 || !ok {
			t.Errorf("Promises = %d, %v, want 1, true", n, ok)
		}
		if _, err := page.promise(promised("/1"), nil, "1"); err != nil {
			t.Error(err)
		}
		if _, err := page.promise(promised("/2"), nil, "2"); !errors.Is(err, h2.ErrPushLimit) {
			t.Errorf("Promise = %v, want ErrPushLimit", err)
		}
		if err := page.push("/2", nil); !errors.Is(err, h2.ErrPushLimit) {
			t.Errorf("Push = %v, want ErrPushLimit", err)
		}
		if n, ok := page.promises(); n != 0 || !ok {
			t.Errorf("Promises = %d, %v, want 0, true", n, ok)
		}
	})
}

// TestConformPromiseSession: what is kept with one response of a connection is there with the next,
// and not with another connection.
func TestConformPromiseSession(t *testing.T) {
	against(t, func(w http.ResponseWriter, r *http.Request) {
		_, loaded := promiser(w).Session().LoadOrStore("key", "value")
		w.Header().Set("Loaded", map[bool]string{true: "yes", false: "no"}[loaded])
	}, func(t *testing.T, c *visitor) {
		c.get(1)
		c.want("HEADERS 1 END :status=200 content-length=0 loaded=no")
		c.get(3)
		c.want("HEADERS 3 END :status=200 content-length=0 loaded=yes")
		other := c.dial()
		other.greet()
		other.get(1)
		other.want("HEADERS 1 END :status=200 content-length=0 loaded=no")
	})
}

// TestConformPromiseFlow: promised streams have windows as others do, and their own states: RFC
// 9113, section 5.1.
func TestConformPromiseFlow(t *testing.T) {
	small := site{settings: []http2.Setting{set(http2.SettingInitialWindowSize, 10)}}
	small.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		header := http.Header{"Content-Type": {"x/y"}}
		settled, err := page.promise(promised("/x"), header, strings.Repeat("x", 50))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		c.want("PUSH_PROMISE 1 2 ...", "HEADERS 2 :status=200 content-length=50 content-type=x/y",
			`DATA 2 "xxxxxxxxxx"`)
		c.window(2, 30)
		if c.body(2, 30) {
			t.Error("the stream has ended")
		}
		c.raw(http2.FramePriority, 0, 2, make([]byte, 5)) // may be sent
		open(t, settled)
		c.window(2, 100)
		if !c.body(2, 10) {
			t.Error("the stream has not ended")
		}
		if err := <-settled; err != nil {
			t.Errorf("the promise is settled with %v", err)
		}
	})
}

// TestConformPromiseConnection: fields of the connection in an answer that is ready have no effect,
// on the connection neither: they are of a response that went another way.
func TestConformPromiseConnection(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		header := http.Header{"Connection": {"close"}, "Keep-Alive": {"1"}, "Content-Type": {"x/y"}}
		if _, err := page.promise(promised("/x"), header, "x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		c.want("PUSH_PROMISE 1 2 ...", "HEADERS 2 :status=200 content-length=1 content-type=x/y",
			`DATA 2 END "x"`)
		c.wantAlive()
	})
}
