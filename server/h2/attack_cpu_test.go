//go:build unix

package h2_test

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/server/h2"
	"golang.org/x/net/http2"
)

// cpu is what the process has used of the processors, the attackers in it included.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestAttackDearFrames: frames that are small to send, or few, and make the server do much, are
// charged for what they make: the budget of a connection buys less than a second of a processor.
func TestAttackDearFrames(t *testing.T) {
	// 64 changes, which open and shut the windows of all streams.
	var toggles []http2.Setting
	for i := range uint32(64) {
		toggles = append(toggles, set(http2.SettingInitialWindowSize, i%2))
	}
	members := strings.Repeat("a,", (16<<10-6)/2) + "b"
	order := func(i int) uint32 { return uint32(499 - 2*(i%250)) } // the last first
	floods := map[string]func(a *attacker, i int){
		"changes of INITIAL_WINDOW_SIZE": func(a *attacker, i int) { a.fr.WriteSettings(toggles...) },
		"WINDOW_UPDATE in reverse":       func(a *attacker, i int) { a.fr.WriteWindowUpdate(order(i), 1) },
		"PRIORITY_UPDATE of 16 KiB": func(a *attacker, i int) {
			id := binary.BigEndian.AppendUint32(nil, order(i))
			a.fr.WriteRawFrame(framePriorityUpdate, 0, 0, append(id, members...))
		},
	}
	for name, frames := range floods {
		t.Run(name, func(t *testing.T) {
			g := newTarget(t, nil)
			g.during(func() {
				a := g.attack(g.keeper, "http", set(http2.SettingInitialWindowSize, 0))
				for i := range 250 {
					a.headers(uint32(2*i+1), true, plainBlock("GET", "/", "priority", "u=3"))
				}
				a.flush()
				for a.heard[http2.FrameHeaders].Load() < 250 {
					time.Sleep(time.Millisecond)
				}
				before := cpu()
				n := a.flood(100_000, func(i int) { frames(a, i) })
				g.calmDown(a)
				used := cpu() - before
				t.Logf("ended after %d frames and %v of the processors", n, used)
				if used > time.Second && !raceDetector {
					t.Errorf("%d frames took %v of the processors", n, used)
				}
			})
		})
	}
}

// TestAttackLongFields: fields that are a byte to send again and long to look through.
func TestAttackLongFields(t *testing.T) {
	fields := map[string]string{
		"priority": strings.Repeat("a,", 1950) + "b",
		"trailer":  strings.Repeat("a,", 1950) + "b",
		"te":       "trailers",
		"expect":   strings.Repeat("a,", 1950) + "b",
	}
	for name, value := range fields {
		t.Run(name, func(t *testing.T) {
			g := newTarget(t, nil, func(s *h2.Server) { s.ControlBudget = 100_000 })
			first, again := bombOf(name, value, 15)
			g.during(func() {
				a := g.attack(t, "http")
				before := cpu()
				// In waves, so that what their headers take does not have most of them refused.
				const wave = 10
				n := 2000
				if raceDetector {
					n = 500
				}
				for i := range n {
					a.headers(uint32(2*i+1), true, first)
					first = again
					if i%wave == 0 {
						a.flush()
					}
					refused := a.heard[http2.FrameRSTStream].Load
					for start := time.Now(); i%wave == 0 && a.answers()+refused() <= int64(i); {
						if time.Sleep(100 * time.Microsecond); time.Since(start) > 30*time.Second {
							t.Errorf("%d requests, %d answers after 30 s", i, a.answers())
							return
						}
					}
				}
				a.flush()
				if refused := a.heard[http2.FrameRSTStream].Load(); refused > 0 {
					t.Errorf("%d requests were refused", refused)
				}
				used := cpu() - before
				t.Logf("%d requests took %v of the processors", n, used)
				if used > time.Second && !raceDetector {
					t.Errorf("%d requests of %d bytes took %v of the processors", n, len(again)+9, used)
				}
			})
		})
	}
}
