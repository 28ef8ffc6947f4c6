package h2_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// attacker is a client that writes what it likes as fast as it can and remembers little of what it
// reads: how often each frame came, and how the connection ended.
type attacker struct {
	conn  net.Conn
	fr    *http2.Framer // of buf
	buf   bytes.Buffer
	told  chan struct{} // closed when GOAWAY comes with an error
	gone  chan struct{} // closed when the connection has ended
	code  atomic.Int64  // of GOAWAY; -1 when none came
	heard [256]atomic.Int64
}

// attack opens a connection, greeted with those settings.
func (s *service) attack(t testing.TB, scheme string, settings ...http2.Setting) *attacker {
	t.Helper()
	conn, err := s.connect(scheme)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	a := &attacker{conn: conn, told: make(chan struct{}), gone: make(chan struct{})}
	a.code.Store(-1)
	a.fr = http2.NewFramer(&a.buf, nil)
	a.fr.AllowIllegalWrites = true
	a.buf.WriteString(http2.ClientPreface)
	a.fr.WriteSettings(settings...)
	a.fr.WriteSettingsAck()
	a.flush()
	go a.listen()
	return a
}

// listen reads until the end.
func (a *attacker) listen() {
	defer close(a.gone)
	in := bufio.NewReaderSize(a.conn, 64<<10)
	var head [9]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		length := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		a.heard[head[3]].Add(1)
		if http2.FrameType(head[3]) == http2.FrameGoAway && length >= 8 {
			var body [8]byte
			if _, err := io.ReadFull(in, body[:]); err != nil {
				return
			}
			length -= 8
			code := int64(binary.BigEndian.Uint32(body[4:]))
			if was := a.code.Swap(code); code > 0 && was <= 0 {
				close(a.told)
			}
		}
		if _, err := in.Discard(length); err != nil {
			return
		}
	}
}

// flush writes what has been gathered; it returns false when the connection takes no more.
func (a *attacker) flush() bool {
	_, err := a.conn.Write(a.buf.Bytes())
	a.buf.Reset()
	return err == nil
}

// flood writes frames for i = 0, 1, ... until n or until the connection has ended, and reports how
// many it wrote.
func (a *attacker) flood(n int, frames func(i int)) int {
	for i := range n {
		frames(i)
		if a.buf.Len() > 32<<10 && !a.flush() || a.code.Load() > 0 {
			return i
		}
	}
	a.flush()
	return n
}

// wave sends the first half of some streams, which are for path, and, when their handlers run, the
// other.
func (g *target) wave(a *attacker, path string, n int, first, then func(i int)) int {
	const size = 50
	for i := 0; i < n; i += size {
		for j := range size {
			first(i + j)
		}
		a.flush()
		time.Sleep(time.Millisecond)
		for start := time.Now(); path == "/work" && g.most.Load() == 0 && a.code.Load() <= 0; time.Sleep(time.Millisecond) {
			if time.Since(start) > 10*time.Second {
				break // the caller finds that none has run
			}
		}
		for j := range size {
			then(i + j)
		}
		if !a.flush() || a.code.Load() > 0 {
			return i
		}
	}
	return n
}

// end waits for the end of the connection and returns what GOAWAY said.
func (a *attacker) end(within time.Duration) (code http2.ErrCode, ended bool) {
	select {
	case <-a.gone:
	case <-time.After(within):
		return 0, false
	}
	return http2.ErrCode(a.code.Load()), true
}

// calmDown requires that the server ends the connection with ENHANCE_YOUR_CALM or one of those codes.
// That the connection is closed as well is for closed to see, since it may take a second.
func (g *target) calmDown(a *attacker, codes ...http2.ErrCode) {
	g.t.Helper()
	select {
	case <-a.told:
	case <-a.gone:
	case <-time.After(10 * time.Second):
		g.t.Error("the connection goes on")
		return
	}
	g.ending = append(g.ending, a)
	code := a.code.Load()
	if code < 0 {
		g.t.Error("the connection ended without GOAWAY")
	} else if want := append(codes, http2.ErrCodeEnhanceYourCalm); !slices.Contains(want, http2.ErrCode(code)) {
		g.t.Errorf("the connection ended with %v, want one of %v", http2.ErrCode(code), want)
	}
}

// closed requires that all connections that have been told so have ended.
func (g *target) closed() {
	g.t.Helper()
	for _, a := range g.ending {
		if _, ended := a.end(10 * time.Second); !ended {
			g.t.Error("a connection goes on after GOAWAY")
		}
		a.conn.Close()
	}
	g.ending = nil
}

// plainBlock is a header block that uses the static table only, so that it can be sent any number of
// times, in any order.
func plainBlock(method, path string, more ...string) []byte {
	literal := func(index byte, s string) []byte {
		return append([]byte{index, byte(len(s))}, s...)
	}
	b := []byte{0x82, 0x86}
	if method == "POST" {
		b[0] = 0x83
	}
	b = append(b, literal(0x04, path)...)
	b = append(b, literal(0x01, "example.test")...)
	for i := 0; i < len(more); i += 2 {
		b = append(b, 0x00, byte(len(more[i])))
		b = append(b, more[i]...)
		b = append(b, byte(len(more[i+1])))
		b = append(b, more[i+1]...)
	}
	return b
}

func (a *attacker) headers(id uint32, end bool, block []byte) {
	a.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndStream: end, EndHeaders: true})
}

// target is a server under attack, and what is measured of it meanwhile.
type target struct {
	*service
	t       *testing.T // what is wrong is told to it
	keeper  *testing.T // connections end with it
	running atomic.Int64
	most    atomic.Int64  // handlers of /work at once
	release chan struct{} // closed: /work returns
	quiet   time.Duration // a bystander's p99 without an attack
	ending  []*attacker   // whose connections are to be closed
}

// newTarget starts a server whose /work does not look at its context and takes 500 ms, like a
// computation, and which answers anything else at once.
func newTarget(t *testing.T, limits func(*http.Server), engine ...func(*h2.Server)) *target {
	g := &target{t: t, keeper: t, release: make(chan struct{})}
	g.service = serve(t, g, limits, engine...)
	t.Cleanup(func() { close(g.release) })
	return g
}

func (g *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/work":
		n := g.running.Add(1)
		defer g.running.Add(-1)
		for old := g.most.Load(); n > old && !g.most.CompareAndSwap(old, n); old = g.most.Load() {
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-g.release:
		}
	case "/big":
		io.WriteString(w, megabyte)
	case "/upload":
		io.Copy(io.Discard, r.Body)
	default:
		io.WriteString(w, "hello, world\n")
	}
}

var megabyte = strings.Repeat("x", 1<<20)

// calm is the p99 that nobody complains of on a machine with two cores where the attacker has one of
// them: below it twice the quiet value is not asked for.
const calm = 60 * time.Millisecond

// during runs an attack while a bystander makes requests on a connection of its own, and holds the
// server to what it promises: the heap stays below 64 MB, and the bystander's p99 below twice of what
// it was before, or below calm. A machine may be busy with something else, so the attack has three
// tries; what is wrong with the server is wrong each time.
func (g *target) during(attack func()) {
	g.t.Helper()
	var complaint string
	for try := range 3 {
		if g.quiet == 0 {
			g.quiet, _ = g.watch(nil)
		}
		before := heap()
		under, peak := g.watch(attack)
		g.t.Logf("p99 %v, before %v; heap %d KB, before %d KB; handlers %d", under, g.quiet, peak>>10, before>>10, g.most.Load())
		if under > calm { // or it is the machine, which was calm before
			after, _ := g.watch(nil)
			g.quiet = max(g.quiet, after)
		}
		limit := max(2*g.quiet, calm)
		if raceDetector {
			limit *= 5
		}
		switch {
		case peak > before+64<<20:
			complaint = fmt.Sprintf("the heap grew to %d MB", peak>>20)
		case under > limit:
			complaint = fmt.Sprintf("another client's p99 is %v, before it was %v", under, g.quiet)
		default:
			return
		}
		g.t.Logf("try %d: %s", try+1, complaint)
		g.quiet = 0
		runtime.GC()
	}
	g.t.Error(complaint)
}

// watch makes requests, one after another, while attack runs, but for 100 ms at least. It returns
// their p99 and the largest heap seen.
func (g *target) watch(attack func()) (p99 time.Duration, peak uint64) {
	g.t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols), HTTP2: &http.HTTP2Config{}}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	c := &http.Client{Transport: tr, Timeout: 20 * time.Second}
	var took []time.Duration
	var failure error
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			start := time.Now()
			res, err := c.Get("http://" + g.plain + "/")
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			d := time.Since(start)
			var reset http2.StreamError
			late := errors.As(err, &reset) && g.server.WriteTimeout > 0 && d >= g.server.WriteTimeout
			if err != nil && !late {
				failure = fmt.Errorf("after %v: %w", d, err)
				return
			}
			took = append(took, d) // the server's limit ends one that takes long: it took that long
			select {
			case <-stop:
				if len(took) >= 30 {
					return
				}
			case <-time.After(2 * time.Millisecond):
			}
		}
	})
	wg.Go(func() {
		for {
			peak = max(peak, heap())
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	start := time.Now()
	if attack != nil {
		attack()
	}
	time.Sleep(time.Until(start.Add(100 * time.Millisecond)))
	close(stop)
	wg.Wait()
	if failure != nil {
		g.t.Errorf("another client's request failed: %v", failure)
	}
	if len(took) == 0 {
		return 0, peak
	}
	slices.Sort(took)
	return took[len(took)*99/100], peak
}

// A metronome counts how late the machine wakes those who wait in this process, in all: a machine
// that others keep busy makes whatever waits again and again wait so much longer.
type metronome struct {
	late atomic.Int64
	stop chan struct{}
}

func newMetronome() *metronome {
	m := &metronome{stop: make(chan struct{})}
	go func() {
		const beat = 10 * time.Millisecond
		for {
			start := time.Now()
			select {
			case <-m.stop:
				return
			case <-time.After(beat):
				m.late.Add(int64(time.Since(start) - beat))
			}
		}
	}()
	return m
}

func (m *metronome) lateness() time.Duration { return time.Duration(m.late.Load()) }

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// settle waits until no more goroutines run than before, give or take few.
func settle(t *testing.T, before int) {
	t.Helper()
	const few = 5
	for start := time.Now(); time.Since(start) < 15*time.Second; time.Sleep(20 * time.Millisecond) {
		if runtime.NumGoroutine() <= before+few {
			return
		}
	}
	var stacks bytes.Buffer
	buf := make([]byte, 64<<10)
	stacks.Write(buf[:runtime.Stack(buf, true)])
	t.Errorf("%d goroutines, before %d:\n%s", runtime.NumGoroutine(), before, stacks.String())
}

// in makes t the test that g reports to, and clears what was measured.
func (g *target) in(t *testing.T) {
	t.Helper()
	g.t = t
	g.handlersGone()
}

// handlersGone waits until no handler of /work runs.
func (g *target) handlersGone() {
	g.t.Helper()
	for start := time.Now(); g.running.Load() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			g.t.Fatalf("%d handlers still run", g.running.Load())
		}
	}
	g.most.Store(0)
}
