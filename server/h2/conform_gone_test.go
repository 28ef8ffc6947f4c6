package h2_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// emissions are the ways to send an event; each says whether it failed.
var emissions = map[string]func(w http.ResponseWriter) error{
	"Write": func(w http.ResponseWriter) error {
		_, err := w.Write([]byte("data: x\n\n"))
		w.(http.Flusher).Flush()
		return err
	},
	"WriteString": func(w http.ResponseWriter) error {
		_, err := io.WriteString(w, "data: x\n\n")
		w.(http.Flusher).Flush()
		return err
	},
	"ResponseController": func(w http.ResponseWriter) error {
		io.WriteString(w, "data: x\n\n")
		return http.NewResponseController(w).Flush()
	},
	"FlushError": func(w http.ResponseWriter) error { return w.(interface{ FlushError() error }).FlushError() },
}

// departures are the ways in which a stream dies.
var departures = map[string]func(c *visitor){
	"reset":            func(c *visitor) { c.reset(1, http2.ErrCodeCancel) },
	"end of the conn":  func(c *visitor) { c.conn.Close() },
	"connection error": func(c *visitor) { c.raw(http2.FramePing, 0, 0, nil) },
	"stream error":     func(c *visitor) { c.window(1, 0) },
}

// TestConformGone: a handler that writes and flushes, and looks at nothing else, learns that its
// stream or its connection has gone.
func TestConformGone(t *testing.T) {
	for emission, emit := range emissions {
		for departure, leave := range departures {
			t.Run(emission+", "+departure, func(t *testing.T) {
				left := make(chan error, 2)
				site{noisy: true, handler: func(w http.ResponseWriter, r *http.Request) {
					for range 60 {
						if err := emit(w); err != nil {
							left <- err
							return
						}
						time.Sleep(time.Second)
					}
					left <- nil
				}}.visit(t, func(t *testing.T, c *visitor) {
					c.get(1)
					c.heard()
					leave(c)
					time.Sleep(3 * time.Second)
					select {
					case err := <-left:
						if err == nil {
							t.Error("the handler was not told")
						}
					default:
						t.Error("the handler still runs")
						<-left
					}
				})
			})
		}
	}
}

// TestConformGoneHead: to HEAD the response is over when it is flushed; its handler, which may wait
// for more to write, still learns of the end of the connection.
func TestConformGoneHead(t *testing.T) {
	site{}.visit(t, func(t *testing.T, c *visitor) {
		c.get(1, ":method", "HEAD")
		call := c.call()
		call.write("data: x\n\n")
		c.want("HEADERS 1 END ...")
		call.do(func(w http.ResponseWriter, r *http.Request) {
			if n, err := w.Write([]byte("more")); n != 4 || err != nil {
				t.Errorf("Write = %d, %v, want 4 and no error, as net/http has it", n, err)
			}
			if err := r.Context().Err(); err != nil {
				t.Errorf("the context ended with the answer: %v", err)
			}
		})
		c.conn.Close()
		call.do(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			if _, err := w.Write([]byte("more")); err == nil {
				t.Error("Write after the end of the connection gives no error")
			}
		})
		call.finish()
	})
}

// TestConformGoneCounts: neither an event stream between two events nor a handler that does not look
// whether its client has gone counts for MaxHandlers.
func TestConformGoneCounts(t *testing.T) {
	one := site{engine: func(s *h2.Server) { s.MaxHandlers = 1 }}
	one.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		events := c.call()
		events.write("data: x\n\n")
		c.get(3)
		c.call().finish()
		events.finish()
	})
	one.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		deaf := c.call()
		c.reset(1, http2.ErrCodeCancel)
		c.get(3)
		c.noCall()
		deaf.begin(func(w http.ResponseWriter, r *http.Request) {
			for range 60 { // it writes for ever, so to say
				io.WriteString(w, "data: x\n\n")
				time.Sleep(time.Second)
			}
		})
		c.call().finish()
		synctest.Wait()
		time.Sleep(time.Minute)
		deaf.finish()
	})
}
