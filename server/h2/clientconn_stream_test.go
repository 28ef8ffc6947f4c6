package h2_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// A server that goes away answers what it has taken. What it has not may be sent elsewhere.
func TestClientGoAway(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		first := s.get("/")
		s.await("HEADERS 1 END ...")
		second := s.get("/")
		s.await("HEADERS 3 END ...")
		s.goAway(1<<31-1, http2.ErrCodeNo)
		s.quiet()
		s.wantUnprocessed(s.get("/"), true)
		s.goAway(1, http2.ErrCodeNo)
		s.wantUnprocessed(second, true)
		s.answer(1, false, ":status", "200")
		s.end(1, "hello")
		s.wantReply(first, `"hello"`)
		s.want("EOF")
		if err := s.conn.Err(); err == nil || !strings.Contains(err.Error(), "going away") {
			t.Errorf("the connection ends with %v", err)
		}
	})
}

// A stream that is refused was not processed; one that is reset may have been.
func TestClientRefused(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		refused, reset := s.get("/"), s.get("/")
		s.await("HEADERS 3 END ...")
		s.reset(1, http2.ErrCodeRefusedStream)
		s.reset(3, http2.ErrCodeCancel)
		<-refused.done
		<-reset.done
		a, b := errors.Is(refused.err, h2.ErrUnprocessed), errors.Is(reset.err, h2.ErrUnprocessed)
		if a == b {
			t.Errorf("%v; %v", refused.err, reset.err)
		}
		var e h2.ResetError
		if !errors.As(reset.err, &e) || !e.Remote {
			t.Errorf("%v is no ResetError of the server", reset.err)
		}
	})
}

// When the server dies, who waits for the rest of a response is told that it has not ended, and who
// waits for one that may have been processed is not told otherwise.
func TestClientServerDies(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, []http2.Setting{set(http2.SettingMaxConcurrentStreams, 4)},
		func(t *testing.T, s *backend) {
			whole, part, none := s.get("/"), s.get("/"), s.get("/")
			r, w := io.Pipe()
			upload := s.do(newRequest("POST", "/", r), nil)
			s.await("HEADERS 7 ...")
			s.get("/") // waits for a place, which it gets
			s.answer(1, false, ":status", "200")
			s.end(1, "whole")
			s.answer(3, false, ":status", "200")
			s.data(3, "part")
			s.await("HEADERS 9 END ...")
			waits := s.get("/")
			s.memory.Close()
			s.wantReply(part, `"part" h2: the connection was lost: unexpected EOF`)
			s.wantReply(whole, `"whole"`)
			if line := whole.String(); strings.Contains(line, "EOF") {
				t.Errorf("a response that was whole: %s", line)
			}
			for _, p := range []*reply{none, upload} {
				s.wantUnprocessed(p, false)
				if !errors.Is(p.err, io.ErrUnexpectedEOF) {
					t.Errorf("the error is %v", p.err)
				}
			}
			if _, err := w.Write([]byte("x")); err != io.ErrClosedPipe {
				t.Errorf("the body is not closed: %v", err)
			}
			s.wantUnprocessed(waits, true)
		})
}

// What a server has answered before it dies is had, even if a request finds it dead first. Of that
// nothing was sent.
func TestClientServerDiesUnnoticed(t *testing.T) {
	for _, dead := range []bool{true, false} { // or only deaf
		dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
			first, second := s.get("/"), s.get("/")
			s.await("HEADERS 3 END ...")
			s.memory.out.set(func() { s.memory.out.held = true })
			s.answer(1, false, ":status", "200")
			s.end(1, "whole")
			s.memory.in.set(func() { s.memory.in.broken = true })
			if dead {
				s.memory.out.set(func() { s.memory.out.ended = true })
			}
			third := s.get("/")
			s.memory.out.set(func() { s.memory.out.held = false })
			s.wantReply(first, `"whole"`)
			if !dead {
				time.Sleep(2 * time.Second) // the bubble's
			}
			<-s.conn.Done()
			s.wantUnprocessed(second, false)
			s.wantUnprocessed(third, true)
		})
	}
}

// No more streams are open than the server allows, others wait for a place, and no longer than their
// context. It may change its mind.
func TestClientMaxStreams(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, []http2.Setting{set(http2.SettingMaxConcurrentStreams, 1)},
		func(t *testing.T, s *backend) {
			s.get("/1")
			s.want("HEADERS 1 END :method=GET :scheme=http :path=/1 ...")
			ctx, cancel := context.WithCancel(context.Background())
			gone := s.do(newRequest("GET", "/gone", nil).WithContext(ctx), nil)
			s.quiet()
			second := s.get("/2")
			s.quiet()
			third := s.get("/3")
			s.want()
			cancel()
			if s.quiet(); gone.err != context.Canceled {
				t.Errorf("one that has waited returns %v", gone.err)
			}
			s.answer(1, true, ":status", "200")
			s.want("HEADERS 3 END :method=GET :scheme=http :path=/2 ...")
			s.settings(set(http2.SettingMaxConcurrentStreams, 0))
			s.reset(3, http2.ErrCodeCancel)
			s.want("SETTINGS ACK")
			s.wantReply(second, "CANCEL")
			if n := s.conn.Streams(); n != 0 {
				t.Errorf("%d streams are open", n)
			}
			s.settings(set(http2.SettingMaxConcurrentStreams, 2))
			s.want("SETTINGS ACK", "HEADERS 5 END :method=GET :scheme=http :path=/3 ...")
			s.get("/4")
			s.get("/5")
			s.want("HEADERS 7 END ...")
			s.conn.Shutdown()
			s.answer(5, true, ":status", "200")
			s.wantReply(third, "200 OK")
		})
}

// Before the server's SETTINGS, no more than a hundred streams are opened.
func TestClientAssumedStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBackend(t, h2.ClientConfig{})
		defer s.close()
		for range 120 {
			s.get("/")
		}
		if n := len(s.heard()); n != 101 {
			t.Errorf("%d frames came, want SETTINGS and 100 requests", n)
		}
		s.settings()
		if n := len(s.heard()); n != 21 {
			t.Errorf("%d frames came, want the answer and 20 requests", n)
		}
	})
}

// Shutdown lets streams end, and no other begin. Close ends all.
func TestClientShutdown(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		p := s.get("/")
		s.await("HEADERS 1 END ...")
		s.conn.Shutdown()
		s.want("GOAWAY 0 NO_ERROR")
		s.wantUnprocessed(s.get("/"), true)
		s.answer(1, false, ":status", "200")
		s.data(1, "hel")
		s.want()
		s.end(1, "lo")
		s.wantReply(p, `"hello"`)
		s.want("EOF")
		if <-s.conn.Done(); s.conn.Err() == nil {
			t.Error("the connection has ended for no reason")
		}
	})
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		s.conn.Shutdown()
		s.want("GOAWAY 0 NO_ERROR", "EOF")
	})
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		p := s.get("/")
		s.await("HEADERS 1 END ...")
		s.conn.Close()
		<-s.conn.Done()
		s.wantReply(p, "h2: the connection was closed")
		s.wantUnprocessed(s.get("/"), true)
	})
}

// The end of a request's context resets its stream, whatever waits for it.
func TestClientCancel(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(s *backend)
		want   string
	}{
		{"before the response", func(s *backend) {}, ""},
		{"in the body", func(s *backend) { s.answer(1, false, ":status", "200"); s.data(1, "hel") }, `"hel" `},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
				dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
					ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
					defer cancel()
					p := s.do(newRequest("GET", "/", nil).WithContext(ctx), nil)
					s.await("HEADERS 1 END ...")
					test.answer(s)
					s.quiet()
					if cause == context.Canceled {
						cancel()
					} else {
						time.Sleep(2 * time.Minute) // the bubble's
					}
					s.wantReply(p, test.want+cause.Error())
					s.want("RST_STREAM 1 CANCEL")
					// What was under way does no harm.
					s.answer(1, false, ":status", "200")
					s.end(1, "late")
					s.wantAlive()
				})
			}
		})
	}
	t.Run("nobody reads", func(t *testing.T) {
		dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
			ctx, cancel := context.WithCancel(context.Background())
			s.do(newRequest("GET", "/", nil).WithContext(ctx), nil)
			s.await("HEADERS 1 END ...")
			s.answer(1, false, ":status", "200")
			s.want()
			cancel()
			s.want("RST_STREAM 1 CANCEL")
		})
	})
	t.Run("it has ended before", func(t *testing.T) {
		dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			p := s.do(newRequest("GET", "/", nil).WithContext(ctx), nil)
			s.wantReply(p, "context canceled")
			if s.want(); s.conn.Streams() != 0 {
				t.Error("a stream is left")
			}
		})
	})
}

// Who closes the body early wants no more of it.
func TestClientCloseBody(t *testing.T) {
	dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
		p := s.get("/")
		s.await("HEADERS 1 END ...")
		s.answer(1, false, ":status", "200")
		s.data(1, "hello")
		<-p.done
		b := make([]byte, 2)
		if n, err := p.res.Body.Read(b); n != 2 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		p.res.Body.Close()
		p.res.Body.Close()
		s.want("RST_STREAM 1 CANCEL")
		if n, err := p.res.Body.Read(b); n != 0 || err == nil || err == io.EOF {
			t.Errorf("a Read after Close returns %d, %v", n, err)
		}
		// A Read that waits is ended too.
		p = s.get("/")
		s.await("HEADERS 3 END ...")
		s.answer(3, false, ":status", "200")
		<-p.done
		read := make(chan error)
		go func() {
			_, err := p.res.Body.Read(b)
			read <- err
		}()
		s.quiet()
		p.res.Body.Close()
		if err := <-read; err == nil || err == io.EOF {
			t.Errorf("the Read returns %v", err)
		}
		s.want("RST_STREAM 3 CANCEL")
	})
}

// Frames that are for nothing are borne as long as they may have been under way: a few thousand for each
// stream. Then they are a flood.
func TestClientWaste(t *testing.T) {
	for name, waste := range map[string]func(s *backend){
		"DATA on a stream that was reset":          func(s *backend) { s.data(1, "x") },
		"WINDOW_UPDATE on a stream that was reset": func(s *backend) { s.raw(http2.FrameWindowUpdate, 0, 1, []byte{0, 0, 0, 1}) },
		"RST_STREAM on a stream that was reset":    func(s *backend) { s.raw(http2.FrameRSTStream, 0, 1, make([]byte, 4)) },
		"HEADERS on a stream that was reset":       func(s *backend) { s.answer(1, false, ":status", "200") },
		"DATA without a payload":                   func(s *backend) { s.data(3, "") },
		"a type that is not known":                 func(s *backend) { s.raw(0xbb, 0, 0, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			dialBackend(t, h2.ClientConfig{}, nil, func(t *testing.T, s *backend) {
				ctx, cancel := context.WithCancel(context.Background())
				s.do(newRequest("GET", "/", nil).WithContext(ctx), nil)
				cancel()
				s.get("/")
				s.answer(3, false, ":status", "200")
				for range 20_000 {
					waste(s)
				}
				s.quiet()
				if err := s.conn.Err(); err != nil {
					t.Fatalf("the connection has ended: %v", err)
				}
				s.get("/") // and another stream that may have been reset
				for range 4000 {
					waste(s)
				}
				s.quiet()
				if err := s.conn.Err(); err != nil {
					t.Fatalf("the connection has ended: %v", err)
				}
				waste(s)
				s.quiet()
				if err := s.conn.Err(); err == nil || !strings.Contains(err.Error(), "for nothing") {
					t.Errorf("the connection has ended with %v", err)
				}
			})
		})
	}
}
