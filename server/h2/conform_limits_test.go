package h2_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// limitCases are, by the fields of Server, what setting one to something changes. Each is what only
// the Server knows, and reaches a http.Server by Server.Configure.
var limitCases = map[string]struct {
	set  func(s *h2.Server)
	site site
	test func(t *testing.T, c *visitor)
}{
	"MaxStreams": {
		set: func(s *h2.Server) { s.MaxStreams = 3 },
		test: func(t *testing.T, c *visitor) {
			if n := c.theirs[http2.SettingMaxConcurrentStreams]; n != 3 {
				t.Errorf("MAX_CONCURRENT_STREAMS = %d, want 3", n)
			}
			for id := uint32(1); id < 9; id += 2 {
				c.get(id)
			}
			c.want("RST_STREAM 7 REFUSED_STREAM")
		},
	},
	"MaxHandlers": {
		set: func(s *h2.Server) { s.MaxHandlers = 1 },
		test: func(t *testing.T, c *visitor) {
			c.get(1)
			c.get(3)
			first := c.call()
			c.noCall()
			first.finish()
			c.call().finish()
			c.want("HEADERS 1 END ...", "HEADERS 3 END ...")
			// A handler that waits for its client does not count.
			c.post(5)
			c.get(7)
			waiting := c.call()
			c.noCall()
			done := waiting.begin(func(w http.ResponseWriter, r *http.Request) {
				r.Body.Read(make([]byte, 1))
			})
			c.call().finish()
			c.end(5, "x")
			<-done
		},
	},
	"MaxPromises": {
		set: func(s *h2.Server) { s.MaxPromises = 2 },
		test: func(t *testing.T, c *visitor) {
			page := pager(t, c, 1)
			if n, ok := page.promises(); n != 2 || !ok {
				t.Errorf("Promises = %d, %v, want 2, true", n, ok)
			}
			for i, want := range []error{nil, nil, h2.ErrPushLimit} {
				if err := page.push(fmt.Sprint("/", i), nil); !errors.Is(err, want) {
					t.Errorf("promise %d: %v, want %v", i, err, want)
				}
			}
		},
	},
	"MaxHeaderFields": {
		set: func(s *h2.Server) { s.MaxHeaderFields = 6 },
		test: func(t *testing.T, c *visitor) {
			c.get(1, "a", "1", "b", "2") // with four pseudo-fields
			c.call()
			c.get(3, "a", "1", "b", "2", "c", "3")
			c.want("HEADERS 3 :status=431 ...", `DATA 3 END "Request Header Fields Too Large\n"`)
		},
	},
	"MaxHeaderMemory": {
		set: func(s *h2.Server) { s.MaxHeaderMemory = 1 },
		test: func(t *testing.T, c *visitor) { // 16 KiB each connection has
			c.get(1, "a", strings.Repeat("1", 10_000))
			call := c.call()
			c.get(3, "a", strings.Repeat("3", 10_000))
			c.want("RST_STREAM 3 REFUSED_STREAM")
			call.finish()
			c.want("HEADERS 1 END ...")
			c.get(5, "a", strings.Repeat("5", 10_000))
			c.call().finish()
			c.want("HEADERS 5 END ...")
		},
	},
	"ControlBudget": {
		set:  func(s *h2.Server) { s.ControlBudget = 50 },
		site: site{noisy: true},
		test: func(t *testing.T, c *visitor) {
			for range 40 {
				c.ping("01234567")
			}
			if n := len(c.heard()); n != 40 {
				t.Fatalf("the server sent %d answers to 40 PINGs", n)
			}
			for range 20 {
				c.ping("01234567")
			}
			c.wantClosed(http2.ErrCodeEnhanceYourCalm)
		},
	},
	"SettingsTimeout": {
		set:  func(s *h2.Server) { s.SettingsTimeout = 3 * time.Second },
		site: site{silent: true, noisy: true},
		test: func(t *testing.T, c *visitor) {
			c.preface()
			time.Sleep(2900 * time.Millisecond)
			c.want("SETTINGS ...", "SETTINGS ACK")
			c.wantClosed(http2.ErrCodeSettingsTimeout)
		},
	},
	"StallTimeout": {
		set:  func(s *h2.Server) { s.StallTimeout = 3 * time.Second },
		site: site{settings: []http2.Setting{set(http2.SettingInitialWindowSize, 5)}},
		test: func(t *testing.T, c *visitor) {
			c.get(1)
			call := c.call()
			done := call.begin(func(w http.ResponseWriter, r *http.Request) {
				w.Write([]byte(strings.Repeat("x", 20_000)))
			})
			c.want("HEADERS 1 ...", `DATA 1 "xxxxx"`)
			time.Sleep(2900 * time.Millisecond)
			c.want()
			c.window(1, 5) // it goes on, and has as long again
			c.want(`DATA 1 "xxxxx"`)
			time.Sleep(2900 * time.Millisecond)
			c.want()
			time.Sleep(200 * time.Millisecond)
			c.want("RST_STREAM 1 INTERNAL_ERROR")
			<-done
		},
	},
	"ExtendedConnect": {
		set: func(s *h2.Server) { s.ExtendedConnect = true },
		test: func(t *testing.T, c *visitor) {
			if n := c.theirs[http2.SettingEnableConnectProtocol]; n != 1 {
				t.Errorf("ENABLE_CONNECT_PROTOCOL = %d, want 1", n)
			}
		},
	},
	"Backend": {
		set:  func(s *h2.Server) { s.Backend = true },
		site: site{handler: func(http.ResponseWriter, *http.Request) {}},
		test: func(t *testing.T, c *visitor) {
			c.get(1)
			if got := c.heard()[0].field("date"); got != "" {
				t.Errorf("date %q", got)
			}
		},
	},
}

// TestConformLimits sets each field of a Server, and nothing else, and sees that it counts.
func TestConformLimits(t *testing.T) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[h2.Server]()) {
		if !field.IsExported() {
			continue
		}
		t.Run(field.Name, func(t *testing.T) {
			tc, ok := limitCases[field.Name]
			if !ok {
				t.Fatal("nothing is known of it here")
			}
			tc.site.engine = tc.set
			tc.site.visit(t, tc.test)
		})
	}
}

// TestConformLimitsNegative: where a negative limit means none, there is none.
func TestConformLimitsNegative(t *testing.T) {
	none := site{engine: func(s *h2.Server) { s.MaxPromises = -1 }}
	none.visit(t, func(t *testing.T, c *visitor) {
		page := pager(t, c, 1)
		if n, ok := page.promises(); n != 0 || ok {
			t.Errorf("Promises = %d, %v, want 0, false", n, ok)
		}
		if err := page.push("/x", nil); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Push = %v, want http.ErrNotSupported", err)
		}
	})
	forever := site{silent: true, engine: func(s *h2.Server) { s.SettingsTimeout = -1 }}
	forever.limits = func(s *http.Server) { s.IdleTimeout = -1 }
	forever.visit(t, func(t *testing.T, c *visitor) {
		c.preface()
		time.Sleep(time.Hour)
		c.want("SETTINGS ...", "SETTINGS ACK")
		c.wantAlive()
	})
	slow := site{limits: func(s *http.Server) { s.ReadHeaderTimeout, s.IdleTimeout = -1, -1 }}
	slow.visit(t, func(t *testing.T, c *visitor) {
		block := c.request()
		c.raw(http2.FrameHeaders, http2.FlagHeadersEndStream, 1, block[:3])
		time.Sleep(time.Hour)
		c.raw(http2.FrameContinuation, http2.FlagContinuationEndHeaders, 1, block[3:])
		c.call().finish()
		c.want("HEADERS 1 END ...")
	})
	patient := site{engine: func(s *h2.Server) { s.StallTimeout = -1 }}
	patient.settings = []http2.Setting{set(http2.SettingInitialWindowSize, 5)}
	patient.visit(t, func(t *testing.T, c *visitor) {
		c.get(1)
		c.call().begin(func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(strings.Repeat("x", 20_000)))
		})
		time.Sleep(time.Hour)
		c.want("HEADERS 1 ...", `DATA 1 "xxxxx"`)
	})
}
