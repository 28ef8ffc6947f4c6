package h2

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// FuzzFrames sends a server whatever bytes behind a preface. It must neither panic nor hang, and its
// handlers and workers must end with the connection.
func FuzzFrames(f *testing.F) {
	var seed strings.Builder
	fr := http2.NewFramer(&seed, nil)
	var block strings.Builder
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/?x"}, {"content-length", "3"}, {"priority", "u=1,i"}, {"trailer", "x"}} {
		e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndHeaders: true, PadLength: 3})
	fr.WriteDataPadded(1, false, []byte("abc"), []byte{0, 0})
	fr.WriteWindowUpdate(0, 1000)
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("\x00\x01x\x01y"), EndStream: true})
	fr.WriteContinuation(1, true, nil)
	fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
	fr.WritePing(false, [8]byte{1})
	fr.WriteRawFrame(framePriorityUpdate, 0, 0, []byte("\x00\x00\x00\x01u=2"))
	fr.WriteRSTStream(1, http2.ErrCodeCancel)
	fr.WriteGoAway(0, http2.ErrCodeNo, nil)
	f.Add([]byte(seed.String()))

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(Promiser).Promise(&http.Request{RequestURI: "/pushed"}, nil, []byte("promised"), false, nil)
		n, _ := io.Copy(io.Discard, r.Body)
		w.Write(make([]byte, min(n*1000, 100_000)))
	})
	hs := &http.Server{Handler: handler, ErrorLog: log.New(panicWriter{}, "", 0), ReadTimeout: time.Second, WriteTimeout: time.Second}
	f.Fuzz(func(t *testing.T, frames []byte) {
		client, server := net.Pipe()
		var s Server
		served := make(chan bool)
		go func() {
			s.ServeConn(context.Background(), server, hs)
			close(served)
		}()
		go io.Copy(io.Discard, client)
		client.SetWriteDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(client, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		client.Write(frames)
		client.Close()
		select {
		case <-served:
		case <-time.After(10 * time.Second):
			t.Fatal("the connection does not end")
		}
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			s.workers.mu.Lock()
			busy := s.workers.handlers + s.workers.ready.n + s.workers.overLimit.n + len(s.workers.idle)
			s.workers.mu.Unlock()
			if busy == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d handlers, tasks or workers are left", busy)
			}
		}
	})
}

// A panicWriter takes the server's log, in which a panic is an error of the engine's here.
type panicWriter struct{}

func (panicWriter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "panic") {
		panic(string(p))
	}
	return len(p), nil
}
