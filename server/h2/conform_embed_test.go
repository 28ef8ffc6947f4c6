package h2_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// TestConformCloseNotify: frameworks that ask a ResponseWriter for http.CloseNotifier find one, which
// tells of the end of the stream and of the connection.
func TestConformCloseNotify(t *testing.T) {
	for departure, leave := range departures {
		t.Run(departure, func(t *testing.T) {
			site{noisy: true}.visit(t, func(t *testing.T, c *visitor) {
				c.get(1)
				call := c.call()
				var gone <-chan bool
				//lint:ignore SA1019 it is what is tested
				call.do(func(w http.ResponseWriter, r *http.Request) { gone = w.(http.CloseNotifier).CloseNotify() })
				synctest.Wait()
				select {
				case <-gone:
					t.Fatal("CloseNotify tells of an end while the client is there")
				default:
				}
				leave(c)
				<-gone
				call.finish()
			})
		})
	}
}

// TestConformWrongLength: what a handler says of its length that is none is as if it had said nothing;
// and what it wrote less than it declared arrives, before the stream is reset: RFC 9113, section 8.1.1.
func TestConformWrongLength(t *testing.T) {
	for _, value := range []string{"gibberish", "-1", "5 5", "5,5", "", "0x5", "99999999999999999999"} {
		against(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", value)
			io.WriteString(w, "hello")
		}, func(t *testing.T, c *visitor) {
			c.get(1)
			c.want("HEADERS 1 :status=200 content-length=5 "+text, `DATA 1 END "hello"`)
		})
	}
	short := map[string]http.HandlerFunc{
		"of a response": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "123")
			io.WriteString(w, "Hello")
		},
		"left at 103": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "123")
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "Hello")
		},
		"with trailers": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "123")
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, "Hello")
			w.Header().Set("X-Sum", "1")
		},
	}
	for name, h := range short {
		t.Run(name, func(t *testing.T) {
			against(t, h, func(t *testing.T, c *visitor) {
				c.get(1)
				got := transcript(c.heard())
				if !strings.Contains(got, "content-length=123") || !strings.Contains(got, `DATA 1 "Hello"`) ||
					!strings.Contains(got, "RST_STREAM 1 INTERNAL_ERROR") {
					t.Errorf("the server sent:%s\nwant what there is, then a reset", got)
				}
				c.wantAlive()
			})
		})
	}
	against(t, func(w http.ResponseWriter, r *http.Request) { // nothing at all
		w.Header().Set("Content-Length", "123")
	}, func(t *testing.T, c *visitor) {
		c.get(1)
		c.want("HEADERS 1 :status=200 content-length=123", "RST_STREAM 1 INTERNAL_ERROR")
	})
}

// TestConformServeConnContext: ServeConn ends with its context, whatever the client does and though a
// handler does not return.
func TestConformServeConnContext(t *testing.T) {
	for _, streams := range []uint32{0, 3} {
		t.Run(fmt.Sprint(streams, " streams"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := newMemory()
				returned, release := make(chan struct{}), make(chan struct{})
				ctx, cancel := context.WithCancel(context.Background())
				go func() {
					defer close(returned)
					new(h2.Server).ServeConn(ctx, far, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						<-r.Context().Done()
						<-release
					})})
				}()
				c := newClient(t, near, "http")
				c.memory = near
				c.greet()
				for i := range streams {
					c.get(2*i + 1)
				}
				c.quiet()
				cancel()
				select {
				case <-returned:
				case <-time.After(5 * time.Second):
					t.Error("ServeConn goes on after its context")
				}
				close(release)
				near.Close()
				<-returned
				time.Sleep(time.Minute) // the bubble's: timers end
			})
		})
	}
}

// TestConformWriteByteTimeoutProgress: a client that takes a little in each WriteByteTimeout is slow and
// not dead, though it takes longer for one write of the server's.
func TestConformWriteByteTimeoutProgress(t *testing.T) {
	for _, tc := range []struct {
		scheme string
		taken  int // in each 10 s
	}{{"http", 2 << 10}, {"https", 20 << 10}} {
		t.Run(tc.scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := site{limits: func(s *http.Server) { s.HTTP2 = &http.HTTP2Config{WriteByteTimeout: 15 * time.Second} }}
				v := s.open(t, tc.scheme)
				defer v.close()
				v.client = v.dial()
				v.greet(set(http2.SettingInitialWindowSize, 1<<20))
				v.window(0, 1<<20)
				v.get(1)
				call := v.call()
				v.memory.deaf(tc.taken)
				write := call.begin(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.WriteString(w, strings.Repeat("x", 200<<10)); err != nil {
						t.Errorf("the write failed: %v", err)
					}
				})
				for i := 0; !over(write) && i < 1000; i++ {
					time.Sleep(10 * time.Second)
					v.memory.sip(tc.taken)
				}
				if !over(write) {
					t.Fatal("the write does not end")
				}
				v.memory.hear()
				call.finish()
				v.wantAny("DATA 1 ...")
			})
		})
	}
}
