package server_test

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
	"golang.org/x/net/http2"
)

// connect opens a connection in the mode of a site.
func connect(t *testing.T, s *site) net.Conn {
	t.Helper()
	where := s.listener.Addr().String()
	if s.mode.tls {
		return dial(t, where, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	}
	return dial(t, where, nil)
}

// TestEntryPoint checks how the application of a file is found: app, application, or the name that
// is given.
//
// Items: entry-point.
func TestEntryPoint(t *testing.T) {
	site := newSite(t, modes[0])
	files := fstest.MapFS{}
	const source = `
def NAME(environ, start_response):
    start_response("200 OK", [])
    return ["NAME"]
`
	for _, name := range []string{"app", "application", "other"} {
		files[name+".star"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(source, "NAME", name))}
	}
	for entry, want := range map[string]string{
		"app.star": "app", "application.star": "application", "other.star:other": "other",
	} {
		p, err := runtime.Load(&runtime.Config{FS: files}, entry)
		if err != nil {
			t.Fatal(err)
		}
		site.serve(&server.Handler{App: p})
		r, err := site.request("GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := site.ask(r); a.text != want {
			t.Errorf("%s: got %v, want %s", entry, &a, want)
		}
	}
}

// TestAuthority checks that an application never sees a request of HTTP/2 that names no host,
// or two.
//
// Items: authority.
func TestAuthority(t *testing.T) {
	host := func(fields ...string) (all [][2]string) {
		all = [][2]string{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}
		for i := 0; i < len(fields); i += 2 {
			all = append(all, [2]string{fields[i], fields[i+1]})
		}
		// Pseudo-header fields come first.
		slices.SortStableFunc(all, func(a, b [2]string) int {
			return strings.Compare(a[0][:1], b[0][:1])
		})
		return all
	}
	for _, m := range modes[1:] {
		t.Run(m.String(), func(t *testing.T) {
			s := newSession(newSetting(t), newSite(t, m), variants[0], fstest.MapFS{"app.star": {Data: []byte(`
def app(environ, start_response):
    print("host", environ["HTTP_HOST"])
    start_response("200 OK", [])
    return []
`)}}, t.Fatalf)
			s.begin()
			for _, tt := range []struct {
				fields [][2]string
				want   []int // 0 is a stream that was reset
			}{
				{host(":authority", "a.test"), []int{200}},
				{host("host", "a.test"), []int{200}},
				{host(":authority", "a.test", "host", "a.test"), []int{200}},
				{host(":authority", "a.test", "host", "b.test"), []int{400, 0}},
				{host(), []int{400, 0}},
				{host(":authority", ""), []int{400, 0}},
				{host("host", ""), []int{400, 0}},
			} {
				if got := ask2(t, connect(t, s.site), tt.fields); !slices.Contains(tt.want, got) {
					t.Errorf("%v: got %d, want one of %v", tt.fields, got, tt.want)
				}
			}
			s.silent([]string{"INFO host [^a]"})
		})
	}
}

// TestAnnouncedLimits checks that the server says its limits, so that a client need not run into
// them.
//
// Items: announced-limits.
func TestAnnouncedLimits(t *testing.T) {
	want := map[http2.SettingID][2]uint32{ // at least, at most
		http2.SettingMaxConcurrentStreams: {100, 250},
		http2.SettingMaxFrameSize:         {16 << 10, 16 << 10},
		http2.SettingMaxHeaderListSize:    {64 << 10, 72 << 10},
		http2.SettingInitialWindowSize:    {64<<10 - 1, 1 << 20},
	}
	for _, m := range modes[1:] {
		t.Run(m.String(), func(t *testing.T) {
			c := connect(t, newSite(t, m))
			if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
				t.Fatal(err)
			}
			framer := http2.NewFramer(c, c)
			if err := framer.WriteSettings(); err != nil {
				t.Fatal(err)
			}
			frame, err := framer.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			settings, ok := frame.(*http2.SettingsFrame)
			if !ok {
				t.Fatalf("the first frame is %v, not SETTINGS", frame)
			}
			for id, limits := range want {
				got, ok := settings.Value(id)
				if id == http2.SettingMaxFrameSize && !ok {
					got, ok = 16<<10, true // RFC 9113, section 6.5.2: the initial value
				}
				if !ok || got < limits[0] || got > limits[1] {
					t.Errorf("%v is %d, want between %d and %d", id, got, limits[0], limits[1])
				}
			}
		})
	}
	t.Run("http1", func(t *testing.T) {
		site := newSite(t, modes[0])
		fields := strings.Repeat("X-Field: "+strings.Repeat("x", 1000)+"\r\n", 80)
		a := site.octets("GET / HTTP/1.1\r\nHost: h\r\n"+fields+"\r\n", false)
		if a.code != 431 {
			t.Errorf("80 KB of header got %v, want 431", &a)
		}
	})
}
