package h2_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// conversations are what clients say from beginning to end, each a list of frames.
func conversations() [][][]byte {
	var all [][][]byte
	add := func(say func(fr *http2.Framer, cut func())) {
		var buf bytes.Buffer
		var frames [][]byte
		fr := http2.NewFramer(&buf, nil)
		fr.AllowIllegalWrites = true
		cut := func() {
			frames = append(frames, bytes.Clone(buf.Bytes()))
			buf.Reset()
		}
		fr.WriteSettings(set(http2.SettingInitialWindowSize, 1<<20), set(http2.SettingHeaderTableSize, 8192))
		cut()
		fr.WriteSettingsAck()
		cut()
		say(fr, cut)
		all = append(all, frames)
	}
	headers := func(fr *http2.Framer, id uint32, end bool, block []byte) {
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: end, EndHeaders: true, BlockFragment: block})
	}
	get, post := plainBlock("GET", "/"), plainBlock("POST", "/upload", "content-length", "20")
	add(func(fr *http2.Framer, cut func()) {
		for id := uint32(1); id < 20; id += 2 {
			headers(fr, id, true, get)
			cut()
		}
	})
	add(func(fr *http2.Framer, cut func()) {
		for id := uint32(1); id < 8; id += 2 {
			headers(fr, id, false, post)
			cut()
			fr.WriteData(id, false, []byte("0123456789"))
			cut()
			fr.WriteDataPadded(id, true, []byte("0123456789"), make([]byte, 30))
			cut()
		}
	})
	add(func(fr *http2.Framer, cut func()) {
		headers(fr, 1, false, plainBlock("POST", "/upload", "trailer", "x"))
		cut()
		fr.WriteData(1, false, make([]byte, 5000))
		cut()
		headers(fr, 1, true, []byte{0x00, 1, 'x', 1, 'y'})
		cut()
		fr.WritePing(false, [8]byte{1})
		cut()
		fr.WriteWindowUpdate(0, 1<<20)
		cut()
		headers(fr, 3, true, plainBlock("GET", "/big"))
		cut()
		fr.WriteWindowUpdate(3, 1<<20)
		cut()
		fr.WriteRSTStream(3, http2.ErrCodeCancel)
		cut()
	})
	add(func(fr *http2.Framer, cut func()) {
		fr.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndStream, 1, get[:5])
		cut()
		fr.WriteContinuation(1, false, get[5:9])
		cut()
		fr.WriteContinuation(1, true, get[9:])
		cut()
		fr.WriteRawFrame(framePriorityUpdate, 0, 0, []byte("\x00\x00\x00\x03u=1, i"))
		cut()
		fr.WriteRawFrame(http2.FramePriority, 0, 3, []byte{0, 0, 0, 1, 200})
		cut()
		// The dynamic table: entered, used, evicted.
		headers(fr, 3, true, append(bytes.Clone(get), 0x40, 1, 'a', 1, 'b', 0xbe, 0xbe))
		cut()
		headers(fr, 5, true, append([]byte{0x3f, 0x01, 0x3f, 0xe1, 0x0f}, get...))
		cut()
		fr.WriteSettings(set(http2.SettingInitialWindowSize, 0), set(http2.SettingMaxFrameSize, 1<<20), set(http2.SettingEnablePush, 0))
		cut()
		headers(fr, 7, true, plainBlock("GET", "/page"))
		cut()
		fr.WriteGoAway(0, http2.ErrCodeNo, []byte("bye"))
		cut()
	})
	return all
}

// mutate returns a conversation with a few things wrong.
func mutate(r *rand.Rand, said [][][]byte) []byte {
	frames := append([][]byte(nil), said[r.IntN(len(said))]...)
	for range 1 + r.IntN(4) {
		i := r.IntN(len(frames))
		switch r.IntN(8) {
		case 0: // a frame twice
			frames = append(frames, frames[i])
		case 1: // a frame less
			frames = append(frames[:i:i], frames[i+1:]...)
			if len(frames) == 0 {
				return nil
			}
		case 2: // two frames change places
			j := r.IntN(len(frames))
			frames[i], frames[j] = frames[j], frames[i]
		case 3: // a frame of another conversation
			other := said[r.IntN(len(said))]
			frames = append(frames, other[r.IntN(len(other))])
		case 4: // a bit of a frame's header
			frames[i] = bytes.Clone(frames[i])
			frames[i][r.IntN(min(9, len(frames[i])))] ^= 1 << r.IntN(8)
		case 5: // a few bytes anywhere
			frames[i] = bytes.Clone(frames[i])
			for range 1 + r.IntN(4) {
				frames[i][r.IntN(len(frames[i]))] = byte(r.Uint32())
			}
		case 6: // a frame cut short
			frames[i] = frames[i][:1+r.IntN(len(frames[i]))]
		case 7: // a frame of noise
			noise := make([]byte, r.IntN(200))
			for k := range noise {
				noise[k] = byte(r.Uint32())
			}
			var b bytes.Buffer
			fr := http2.NewFramer(&b, nil)
			fr.AllowIllegalWrites = true
			fr.WriteRawFrame(http2.FrameType(r.IntN(20)), http2.Flags(r.Uint32()), r.Uint32N(10), noise)
			frames = append(frames, b.Bytes())
		}
	}
	return bytes.Join(frames, nil)
}

// TestAttackMutated: thousands of connections whose frames are wrong somewhere, 200 at a time: no
// panic, no hang, and nothing of them is left.
func TestAttackMutated(t *testing.T) {
	n := 10_000
	if testing.Short() || raceDetector {
		n = 500
	}
	before, beforeHeap := runtime.NumGoroutine(), settledHeap()
	g := newTarget(t, nil)
	g.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := w.(http.Pusher); ok && r.URL.Path == "/page" {
			p.Push("/big", nil)
		}
		if r.URL.Path != "/work" {
			g.ServeHTTP(w, r)
		}
	})
	said := conversations()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(n) || t.Failed() {
					return
				}
				message := mutate(rand.New(rand.NewPCG(1, uint64(i))), said)
				if err := tell(g.plain, message); err != nil {
					t.Errorf("conversation %d: %v:\n%x", i, err, message)
				}
			}
		})
	}
	wg.Wait()
	if log := g.log.String(); strings.Contains(log, "panic") {
		t.Errorf("the server logged:\n%s", log)
	}
	c := g.dial(t, "http")
	c.greet()
	c.get(1)
	if f := c.awaitStream(1); f.field(":status") != "200" {
		t.Errorf("after all that the server sent %v", f)
	}
	c.conn.Close()
	g.server.Close()
	settle(t, before)
	if h := settledHeap(); h > beforeHeap+10<<20 {
		t.Errorf("the heap grew from %d to %d KB", beforeHeap>>10, h>>10)
	}
}

// settledHeap is the heap when all garbage is gone.
func settledHeap() uint64 {
	runtime.GC()
	runtime.GC()
	return heap()
}

// tell says a message and no more, and waits for the end of the connection.
func tell(address string, message []byte) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	io.WriteString(conn, http2.ClientPreface)
	conn.Write(message)
	conn.(*net.TCPConn).CloseWrite()
	_, err = io.Copy(io.Discard, conn)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		return fmt.Errorf("the connection does not end: %w", err)
	}
	return nil
}
