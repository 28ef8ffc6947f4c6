package h2_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// pager is a page in whose handler a test makes promises.
func pager(t *testing.T, c *visitor, id uint32, pairs ...string) *call {
	t.Helper()
	c.get(id, append([]string{":path", "/page"}, pairs...)...)
	return c.call()
}

// push has c's handler promise a request that the handler answers.
func (c *call) push(target string, o *http.PushOptions) (err error) {
	c.do(func(w http.ResponseWriter, r *http.Request) { err = w.(http.Pusher).Push(target, o) })
	return err
}

// TestConformPush: a promise is announced, its request is run by the handler, and its answer is
// sent on a stream of its own, while the page's goes on: RFC 9113, section 8.4.
func TestConformPush(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		header := http.Header{"User-Agent": {"agent"}, "X-Two": {"1", "2"}}
		if err := page.push("/style.css?v=1", &http.PushOptions{Header: header}); err != nil {
			t.Errorf("Push = %v", err)
		}
		c.want("PUSH_PROMISE 1 2 :method=GET :scheme=" + c.scheme + " :authority=example.test " +
			":path=/style.css?v=1 user-agent=agent x-two=1 x-two=2")
		promised := c.call()
		want := "GET /style.css?v=1 /style.css example.test User-Agent=agent X-Two=1,2"
		if got := sketch(promised.r); got != want {
			t.Errorf("the handler saw %q, want %q", got, want)
		}
		r := promised.r
		if r.RemoteAddr != page.r.RemoteAddr || (r.TLS != nil) != (c.scheme == "https") ||
			r.ProtoMajor != 2 || r.ContentLength != 0 {
			t.Errorf("the promised request is %+v", r)
		}
		if body, err := io.ReadAll(r.Body); len(body) > 0 || err != nil {
			t.Errorf("the promised request has a body: %q, %v", body, err)
		}
		promised.do(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/css")
			io.WriteString(w, "body {}")
		})
		promised.finish()
		time.Sleep(time.Second) // a promise gives way to its page for a moment
		c.want("HEADERS 2 :status=200 content-length=7 content-type=text/css",
			`DATA 2 END "body {}"`)
		page.write("page")
		page.finish()
		c.want("HEADERS 1 :status=200 "+text, `DATA 1 END "page"`)
		if ctx := promised.r.Context(); ctx.Err() == nil {
			t.Error("the context of the promised request goes on")
		}
	})
}

// TestConformPushHead: HEAD can be promised as well; its answer has no body.
func TestConformPushHead(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		if err := page.push("/x", &http.PushOptions{Method: "HEAD"}); err != nil {
			t.Fatal(err)
		}
		c.want("PUSH_PROMISE 1 2 :method=HEAD :scheme=" + c.scheme +
			" :authority=example.test :path=/x")
		promised := c.call()
		promised.do(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
		promised.finish()
		c.want("HEADERS 2 END :status=200 content-length=5 " + text)
	})
}

// TestConformPushBefore: a client learns of a promise before it sees what refers to it: RFC 9113,
// section 8.4.1.
func TestConformPushBefore(t *testing.T) {
	against(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			w.(http.Pusher).Push("/a", nil)
			io.WriteString(w, "<link>")
		}
	}, func(t *testing.T, c *visitor) {
		c.get(1, ":path", "/page")
		time.Sleep(time.Second)
		got := c.heard()
		if len(got) != 4 || got[0].kind != http2.FramePushPromise {
			t.Errorf("the server sent:%s\nwant the promise first", transcript(got))
		}
	})
}

// TestConformPushRefused: what may not be promised, with an answer that is ready or without. None
// of it reaches the client.
func TestConformPushRefused(t *testing.T) {
	method := func(m string) *http.Request { return &http.Request{Method: m, RequestURI: "/x"} }
	field := func(name, value string) *http.Request {
		return &http.Request{RequestURI: "/x", Header: http.Header{name: {value}}}
	}
	// RFC 9113, section 8.4: a promised request is safe, cacheable and without content.
	requests := map[string]*http.Request{
		"POST":                     method("POST"),
		"a method in lower case":   method("get"),
		"CONNECT":                  method("CONNECT"),
		"no target":                promised(""),
		"a relative target":        promised("x"),
		"an asterisk":              promised("*"),
		"another origin":           promised("https://evil.test/x"),
		"a scheme":                 promised("javascript:alert(1)"),
		"a fragment":               promised("/x#y"),
		"a line feed":              promised("/x\ny"),
		"a space":                  promised("/x y"),
		"a backslash":              promised(`/\evil.test`),
		"NUL":                      promised("/x\x00"),
		"a bad escape":             promised("/%zz"),
		"a pseudo-header field":    field(":path", "/y"),
		"Host":                     field("Host", "evil.test"),
		"Content-Length":           field("Content-Length", "1"),
		"Transfer-Encoding":        field("Transfer-Encoding", "chunked"),
		"Connection":               field("Connection", "close"),
		"Te":                       field("Te", "trailers"),
		"Upgrade":                  field("Upgrade", "h2c"),
		"Trailer":                  field("Trailer", "x"),
		"a value with a line feed": field("X", "a\r\nb"),
		"a name with a space":      field("X Y", "a"),
	}
	for name, r := range requests {
		t.Run(name, func(t *testing.T) {
			site{}.visit(t, func(t *testing.T, c *visitor) {
				page := pager(t, c, 1)
				o := &http.PushOptions{Method: r.Method, Header: r.Header}
				if page.push(r.RequestURI, o) == nil {
					t.Error("Push promised it")
				}
				if _, err := page.promise(r, nil, "x"); err == nil {
					t.Error("Promise promised it")
				}
				c.want()
				c.noCall()
				page.finish()
				c.want("HEADERS 1 END ...")
			})
		})
	}
}

// TestConformPushPusher: http.Pusher takes URLs of the page's own origin too, and of no other.
func TestConformPushPusher(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		if err := page.push(c.scheme+"://example.test/own", nil); err != nil {
			t.Errorf("its own origin: %v", err)
		}
		other := map[string]string{"http": "https", "https": "http"}[c.scheme]
		for _, target := range []string{
			other + "://example.test/x", c.scheme + "://evil.test/x",
			c.scheme + "://example.test.evil.test/x", c.scheme + "://example.test:1234/x",
			c.scheme + "://example.test@evil.test/x", c.scheme + ":///x", "x",
		} {
			if err := page.push(target, nil); err == nil {
				t.Errorf("%s was promised", target)
			}
		}
		c.want("PUSH_PROMISE 1 2 :method=GET :scheme=" + c.scheme +
			" :authority=example.test :path=/own")
	})
}

// TestConformPushParents: a promise needs a page: a GET or HEAD that the client sent and the server
// has not answered: RFC 9113, section 8.4.
func TestConformPushParents(t *testing.T) {
	refused := func(t *testing.T, call *call) {
		t.Helper()
		if _, err := call.promise(promised("/x"), nil, "x"); !errors.Is(err, h2.ErrPushParent) {
			t.Errorf("Promise = %v, want ErrPushParent", err)
		}
		if err := call.push("/x", nil); !errors.Is(err, h2.ErrPushParent) {
			t.Errorf("Push = %v, want ErrPushParent", err)
		}
		if n, ok := call.promises(); n != 0 || ok {
			t.Errorf("Promises = %d, %v, want 0, false", n, ok)
		}
	}
	t.Run("POST", func(t *testing.T) {
		site{}.visit(t, func(t *testing.T, c *visitor) {
			c.get(1, ":method", "POST")
			refused(t, c.call())
			c.want()
		})
	})
	t.Run("a promised request", func(t *testing.T) {
		site{}.visit(t, func(t *testing.T, c *visitor) {
			page := pager(t, c, 1)
			if err := page.push("/a", nil); err != nil {
				t.Fatal(err)
			}
			refused(t, c.call())
			c.want("PUSH_PROMISE 1 2 ...")
		})
	})
	t.Run("a page that was reset", func(t *testing.T) {
		site{}.visit(t, func(t *testing.T, c *visitor) {
			page := pager(t, c, 1)
			c.reset(1, http2.ErrCodeCancel)
			c.quiet()
			refused(t, page)
			c.want()
		})
	})
	t.Run("a page that has been answered", func(t *testing.T) {
		var p h2.Promiser
		keep := func(w http.ResponseWriter, r *http.Request) { p = promiser(w) }
		against(t, keep, func(t *testing.T, c *visitor) {
			c.get(1)
			c.want("HEADERS 1 END ...")
			if err := p.Promise(promised("/x"), nil, nil, false, nil); err == nil {
				t.Error("Promise promised it")
			}
			if err := p.(http.Pusher).Push("/x", nil); err == nil {
				t.Error("Push promised it")
			}
			if n, ok := p.Promises(); n != 0 || ok {
				t.Errorf("Promises = %d, %v, want 0, false", n, ok)
			}
			c.want()
		})
	})
}

// TestConformPushDisabled: a client that takes no promises gets none, and the handler is told:
// RFC 9113, section 6.5.2.
func TestConformPushDisabled(t *testing.T) {
	disabled := func(t *testing.T, call *call) {
		t.Helper()
		if _, err := call.promise(promised("/x"), nil, "x"); !errors.Is(err, h2.ErrPushDisabled) {
			t.Errorf("Promise = %v, want ErrPushDisabled", err)
		}
		if err := call.push("/x", nil); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Push = %v, want http.ErrNotSupported", err)
		}
		if n, ok := call.promises(); n != 0 || ok {
			t.Errorf("Promises = %d, %v, want 0, false", n, ok)
		}
	}
	off := site{settings: []http2.Setting{set(http2.SettingEnablePush, 0)}}
	off.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		disabled(t, page)
		c.want()
		page.finish()
		c.want("HEADERS 1 END ...")
	})
	// Changed on the way, and back.
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		c.settings(set(http2.SettingEnablePush, 0))
		c.want("SETTINGS ACK")
		disabled(t, page)
		c.settings(set(http2.SettingEnablePush, 1))
		c.want("SETTINGS ACK")
		if err := page.push("/x", nil); err != nil {
			t.Errorf("Push = %v", err)
		}
		c.want("PUSH_PROMISE 1 2 ...")
	})
	// After the client's GOAWAY: RFC 9113, section 6.8.
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		c.goAway(0, http2.ErrCodeNo)
		c.heard()
		disabled(t, page)
	})
}

// TestConformPushLimit: no more promised streams at once than the client allows: RFC 9113, section
// 5.1.2.
func TestConformPushLimit(t *testing.T) {
	for limit := range uint32(4) {
		some := site{settings: []http2.Setting{set(http2.SettingMaxConcurrentStreams, limit)}}
		some.visit(t, func(t *testing.T, c *visitor) {
			page := pager(t, c, 1)
			var want []string
			for i := range limit {
				if err := page.push(fmt.Sprint("/", i), nil); err != nil {
					t.Errorf("promise %d of %d: %v", i, limit, err)
				}
				want = append(want, fmt.Sprintf("PUSH_PROMISE 1 %d ...", 2*i+2))
			}
			if err := page.push("/more", nil); err == nil {
				t.Errorf("more than %d were promised", limit)
			}
			c.want(want...)
			if limit == 0 {
				return
			}
			// One that has ended makes room.
			c.call().finish()
			c.want("HEADERS 2 END ...")
			if err := page.push("/more", nil); err != nil {
				t.Errorf("after one has ended: %v", err)
			}
			c.want(fmt.Sprintf("PUSH_PROMISE 1 %d ...", 2*limit+2))
		})
	}
}

// TestConformPushReset: a client that has no use for a promise resets it: its handler is cancelled.
func TestConformPushReset(t *testing.T) {
	for _, code := range []http2.ErrCode{http2.ErrCodeCancel, http2.ErrCodeRefusedStream} {
		site{}.visit(t, func(t *testing.T, c *visitor) {
			page := pager(t, c, 1)
			if err := page.push("/x", nil); err != nil {
				t.Fatal(err)
			}
			c.want("PUSH_PROMISE 1 2 ...")
			promised := c.call()
			c.reset(2, code)
			c.quiet()
			if promised.r.Context().Err() == nil {
				t.Error("the handler of a promise that was reset is not cancelled")
			}
			promised.write("in vain")
			promised.finish()
			c.want()
			page.finish()
			c.want("HEADERS 1 END ...")
		})
	}
	// Its handler fails.
	site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		if err := page.push("/x", nil); err != nil {
			t.Fatal(err)
		}
		promised := c.call()
		promised.begin(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		c.want("PUSH_PROMISE 1 2 ...", "RST_STREAM 2 INTERNAL_ERROR")
		page.finish()
		c.want("HEADERS 1 END ...")
	})
	// The connection ends.
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		if err := page.push("/x", nil); err != nil {
			t.Fatal(err)
		}
		promised := c.call()
		c.conn.Close()
		c.quiet()
		<-promised.r.Context().Done()
	})
}

// TestConformPushStates: a client cannot send on what the server has promised: RFC 9113, section
// 5.1.
func TestConformPushStates(t *testing.T) {
	bad := map[string]func(c *visitor){
		"DATA":    func(c *visitor) { c.data(2, "x") },
		"HEADERS": func(c *visitor) { c.get(2) },
	}
	for name, send := range bad {
		t.Run(name, func(t *testing.T) {
			site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				page := pager(t, c, 1)
				if err := page.push("/x", nil); err != nil {
					t.Fatal(err)
				}
				c.want("PUSH_PROMISE 1 2 ...")
				send(c)
				c.wantClosed(http2.ErrCodeProtocol)
			})
		})
	}
}

// TestConformPushShutdown: promises that were made are kept when the server shuts down; new ones
// are not made.
func TestConformPushShutdown(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		if err := page.push("/x", nil); err != nil {
			t.Fatal(err)
		}
		promised := c.call()
		done := c.shutdown()
		time.Sleep(2 * time.Second)
		c.heard()
		if err := page.push("/y", nil); err == nil {
			t.Error("a promise was made after the last GOAWAY")
		}
		page.finish()
		promised.write("kept")
		promised.finish()
		time.Sleep(5 * time.Second)
		c.want("HEADERS 1 END ...", "HEADERS 2 ...", `DATA 2 END "kept"`, "EOF")
		if err := <-done; err != nil {
			t.Errorf("Shutdown = %v", err)
		}
	})
}

// TestConformPushUnderneath: the Promiser is found through ResponseWriters that wrap the server's,
// on a promised request too, where it says that there is nothing to promise.
func TestConformPushUnderneath(t *testing.T) {
	beneath := func(w http.ResponseWriter) (h2.Promiser, bool) {
		for {
			switch v := w.(type) {
			case h2.Promiser:
				return v, true
			case interface{ Unwrap() http.ResponseWriter }:
				w = v.Unwrap()
			default:
				return nil, false
			}
		}
	}
	against(t, func(w http.ResponseWriter, r *http.Request) {
		p, ok := beneath(wrapper{wrapper{w}})
		if !ok {
			t.Fatal("no Promiser beneath two wrappers")
		}
		if _, ok := beneath(struct{ http.ResponseWriter }{w}); ok {
			t.Error("a Promiser beneath what cannot be unwrapped")
		}
		if _, ok := p.Promises(); ok != (r.URL.Path == "/") {
			t.Errorf("Promises says %v on %s", ok, r.URL.Path)
		} else if ok {
			w.(http.Pusher).Push("/promised", nil)
		}
	}, func(t *testing.T, c *visitor) {
		c.get(1)
		c.want("PUSH_PROMISE 1 2 ...", "HEADERS 1 END ...", "HEADERS 2 END ...")
	})
}

type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }
