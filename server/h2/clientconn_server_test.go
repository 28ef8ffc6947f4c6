//go:build unix

package h2_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// servers are those that a ClientConn is tried with, each on its end of a connection.
var servers = []struct {
	name  string
	serve func(nc net.Conn, h http.Handler)
}{
	{"ours", func(nc net.Conn, h http.Handler) {
		s := &h2.Server{ExtendedConnect: true, ControlBudget: 1 << 30}
		s.ServeConn(context.Background(), nc, &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)})
	}},
	{"x/net", func(nc net.Conn, h http.Handler) {
		//lint:ignore SA1019 it is another server than ours
		new(http2.Server).ServeConn(nc, &http2.ServeConnOpts{Handler: h,
			BaseConfig: &http.Server{ErrorLog: log.New(io.Discard, "", 0)}})
	}},
}

// withServers runs f with a connection to each server, which must end when f has.
func withServers(
	t *testing.T, config h2.ClientConfig, h http.HandlerFunc, f func(t *testing.T, c *h2.ClientConn),
) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			near, far := socketPair(t)
			served := make(chan bool)
			go func() {
				defer close(served)
				server.serve(far, h)
			}()
			c := h2.NewClientConn(near, config)
			defer func() {
				c.Close()
				<-c.Done()
				<-served
			}()
			f(t, c)
		})
	}
}

// socketPair is a pair of sockets, as a front has with its worker.
func socketPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		defer f.Close()
		if ends[i], err = net.FileConn(f); err != nil {
			t.Fatal(err)
		}
	}
	return ends[0], ends[1]
}

// echo answers with the request: its method, target and length, its body and trailers.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Request", r.Method+" "+r.RequestURI+" "+strconv.FormatInt(r.ContentLength, 10))
	w.Header().Set("Trailer", "X-Sum")
	if n := r.URL.Query().Get("hints"); n != "" {
		for i := range must(strconv.Atoi(n)) {
			w.Header().Set("Link", fmt.Sprintf("</%d>", i))
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Del("Link")
	}
	if status := r.URL.Query().Get("status"); status != "" {
		w.WriteHeader(must(strconv.Atoi(status)))
	}
	flush := http.NewResponseController(w).Flush
	flush()
	hash := sha256.New()
	if r.Method == "CONNECT" {
		w = flushing{w}
	}
	io.Copy(struct{ io.Writer }{w}, io.TeeReader(r.Body, hash))
	w.Header().Set("X-Sum", fmt.Sprintf("%x-%s", hash.Sum(nil)[:4], r.Trailer.Get("X-Sum")))
}

// flushing sends at once what is written.
type flushing struct{ http.ResponseWriter }

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.ResponseWriter.Write(p)
	if err == nil {
		err = http.NewResponseController(f.ResponseWriter).Flush()
	}
	return n, err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Requests of all shapes come back from a server as they were sent.
func TestClientWithServers(t *testing.T) {
	large := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{}).Read(large)
	for _, window := range []int32{0, 1 << 20, 100, 1} {
		bodies := [][]byte{nil, []byte("small"), large[:2048], large}
		if window == 1 {
			bodies = bodies[:3]
		}
		config := h2.ClientConfig{Window: window}
		t.Run(fmt.Sprint("window ", window), func(t *testing.T) {
			withServers(t, config, echo, func(t *testing.T, c *h2.ClientConn) {
				for _, body := range bodies {
					for _, known := range []bool{true, false} {
						exchangeBody(t, c, body, known)
					}
				}
				if n := c.Streams(); n != 0 {
					t.Errorf("%d streams are left", n)
				}
			})
		})
	}
}

// exchangeBody sends a body to echo, and checks what comes back.
func exchangeBody(t *testing.T, c *h2.ClientConn, body []byte, known bool) {
	t.Helper()
	r := newRequest("PUT", "/a%20b?c", bytes.NewReader(body))
	r.ContentLength = -1
	length := "-1"
	if known {
		r.ContentLength, length = int64(len(body)), strconv.Itoa(len(body))
	}
	if body == nil {
		r.Body, length = nil, "0"
	} else {
		r.Trailer = http.Header{"X-Sum": {"mine"}}
	}
	res, err := c.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if known { // by Read, or else by WriteTo
		_, err = io.Copy(&got, struct{ io.Reader }{res.Body})
	} else {
		_, err = io.Copy(&got, res.Body)
	}
	if err != nil || !bytes.Equal(got.Bytes(), body) {
		t.Fatalf("%d bytes came back, want %d: %v", got.Len(), len(body), err)
	}
	sum := fmt.Sprintf("%x-mine", sha256.Sum256(body))
	if body == nil {
		sum = fmt.Sprintf("%x-", sha256.Sum256(nil))
	}
	if got, want := res.Trailer.Get("X-Sum"), sum[:8]+sum[64:]; got != want {
		t.Errorf("the trailer is %q, want %q", got, want)
	}
	if got, want := res.Header.Get("X-Request"), "PUT /a%20b?c "+length; got != want {
		t.Errorf("the request was %q, want %q", got, want)
	}
	res.Body.Close()
}

// Hints are seen in order and before the response, each while another request runs on the connection.
func TestClientHints(t *testing.T) {
	withServers(t, h2.ClientConfig{}, echo, func(t *testing.T, c *h2.ClientConn) {
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				seen := 0
				res, err := c.Do(newRequest("GET", "/?hints=4", nil), func(status int, h http.Header) error {
					if got, want := h.Get("Link"), fmt.Sprintf("</%d>", seen); status != 103 || got != want {
						t.Errorf("%d %q, want 103 %q", status, got, want)
					}
					seen++
					res, err := c.RoundTrip(newRequest("POST", "/?status=404", strings.NewReader("nested")))
					if err != nil {
						return err
					}
					if b, err := io.ReadAll(res.Body); string(b) != "nested" || err != nil || res.StatusCode != 404 {
						t.Errorf("the nested response is %v %q, %v", res.Status, b, err)
					}
					return nil
				})
				if err != nil || seen != 4 || res.Header["Link"] != nil {
					t.Errorf("%v, %v, %d hints", res, err, seen)
				}
			})
		}
		group.Wait()
	})
}

// Many goroutines make requests on one connection, some of which are canceled or closed early.
func TestClientConcurrency(t *testing.T) {
	withServers(t, h2.ClientConfig{Window: 4000}, echo, func(t *testing.T, c *h2.ClientConn) {
		var group sync.WaitGroup
		var whole atomic.Int32
		for i := range 64 {
			group.Go(func() {
				rnd := rand.New(rand.NewPCG(1, uint64(i)))
				for range 30 {
					body := bytes.Repeat([]byte{byte(i)}, rnd.IntN(20_000))
					ctx, cancel := context.WithCancel(context.Background())
					r := newRequest("POST", "/", bytes.NewReader(body)).WithContext(ctx)
					early := rnd.IntN(10)
					if early == 0 {
						time.AfterFunc(time.Duration(rnd.IntN(1000))*time.Microsecond, cancel)
					}
					res, err := c.RoundTrip(r)
					switch {
					case err == nil && early == 1:
						io.CopyN(io.Discard, res.Body, 10)
					case err == nil:
						var b []byte
						if b, err = io.ReadAll(res.Body); err == nil && !bytes.Equal(b, body) {
							t.Errorf("%d bytes came back, want %d", len(b), len(body))
						}
						whole.Add(1)
					}
					if err != nil && early != 0 {
						t.Error(err)
					}
					if err == nil {
						res.Body.Close()
					}
					cancel()
				}
			})
		}
		group.Wait()
		if err := c.Err(); err != nil || whole.Load() < 1000 {
			t.Errorf("%d whole responses, %v", whole.Load(), err)
		}
		if err := c.Ping(t.Context()); err != nil || c.Streams() != 0 {
			t.Errorf("%d streams are left, %v", c.Streams(), err)
		}
	})
}

// A WebSocket's stream is open in both directions, until either side ends it.
func TestClientTunnel(t *testing.T) {
	withServers(t, h2.ClientConfig{}, echo, func(t *testing.T, c *h2.ClientConn) {
		r, w := io.Pipe()
		res, err := c.RoundTrip(newRequest("CONNECT", "/", r, ":protocol", "websocket"))
		if strings.HasSuffix(t.Name(), "x/net") { // offers it only if GODEBUG says so
			if err == nil {
				t.Error("it is not offered")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		for i := range 100 {
			fmt.Fprint(w, i)
			if n, err := res.Body.Read(b); string(b[:n]) != strconv.Itoa(i) || err != nil {
				t.Fatalf("read %q, %v, want %d", b[:n], err, i)
			}
		}
		w.Close()
		if n, err := res.Body.Read(b); n != 0 || err != io.EOF {
			t.Errorf("read %q, %v", b[:n], err)
		}
	})
}

// A reverse proxy may have it as its transport, and passes interim responses and trailers on.
func TestClientInProxy(t *testing.T) {
	withServers(t, h2.ClientConfig{}, echo, func(t *testing.T, c *h2.ClientConn) {
		front := httptest.NewServer(&httputil.ReverseProxy{Transport: c, Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "worker"})
		}})
		defer front.Close()
		r, err := http.NewRequest("POST", front.URL+"/?hints=3&status=201", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		var links []string
		r = r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
				links = append(links, h.Get("Link"))
				return nil
			},
		}))
		res, err := front.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if string(b) != "hello" || err != nil || res.StatusCode != 201 || res.Trailer.Get("X-Sum") == "" {
			t.Errorf("%s %q %v, %v", res.Status, b, res.Trailer, err)
		}
		if got, want := fmt.Sprint(links), "[</0> </1> </2>]"; got != want {
			t.Errorf("the hints are %s, want %s", got, want)
		}
	})
}

// net/http's client may have it as its transport.
func TestClientAsTransport(t *testing.T) {
	withServers(t, h2.ClientConfig{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/next", http.StatusFound)
			return
		}
		io.WriteString(w, "hello "+r.Host)
	}, func(t *testing.T, c *h2.ClientConn) {
		client := &http.Client{Transport: c, Timeout: time.Minute}
		res, err := client.Get("http://example.test/")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); string(b) != "hello example.test" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
}
