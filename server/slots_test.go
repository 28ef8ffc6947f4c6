package server

import (
	"context"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// TestSlotsTurns verifies who gets a slot: calls that go on before requests that have not begun,
// each in the order in which they came; and that nobody who has left gets one.
func TestSlotsTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&Slots{Calls: 1, Queue: 2, Wait: time.Second}).orProcess()
		if !s.try() || s.try() {
			t.Fatal("got no slot, or two of one")
		}
		got := make(chan string, 9)
		queue := func(name string, ctx context.Context, take func(context.Context) error) {
			go func() {
				if err := take(ctx); err != nil {
					name += ": " + err.Error()
				}
				got <- name
			}()
			synctest.Wait()
		}
		ctx, leave := context.WithCancel(t.Context())
		queue("first", t.Context(), s.come)
		queue("second", t.Context(), s.come)
		queue("third", t.Context(), s.come)
		queue("who leaves", ctx, s.goOn)
		queue("who goes on", t.Context(), s.goOn)
		leave()
		synctest.Wait()
		s.release()
		synctest.Wait()
		s.release()
		synctest.Wait()
		time.Sleep(2 * time.Second)
		want := []string{"third: " + errFull.Error(), "who leaves: context canceled", "who goes on",
			"first", "second: " + errFull.Error()}
		for _, want := range want {
			if got := <-got; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		s.release()
		if !s.try() {
			t.Error("a slot is lost")
		}
	})
}

// TestSlotsOverload verifies that the newest request is next where the oldest has waited for half of its time, and the
// oldest where it has not.
func TestSlotsOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := (&Slots{Calls: 1, Queue: 9, Wait: time.Second}).orProcess()
		s.try()
		got := make(chan string, 9)
		queue := func(name string) {
			go func() {
				if err := s.come(t.Context()); err != nil {
					name += ": " + err.Error()
				}
				got <- name
			}()
			synctest.Wait()
		}
		queue("oldest")
		time.Sleep(300 * time.Millisecond)
		queue("second")
		queue("third")
		s.release() // the oldest has waited for 0.3 s
		time.Sleep(550 * time.Millisecond)
		queue("newest")
		s.release() // the second has waited for 0.55 s
		time.Sleep(2 * time.Second)
		for _, want := range []string{"oldest", "newest", "second: " + errFull.Error(), "third: " + errFull.Error()} {
			if name := <-got; name != want && !(want[0] == 's' && name[0] == 't') && !(want[0] == 't' && name[0] == 's') {
				t.Errorf("got %s, want %s", name, want)
			}
		}
	})
}

// TestSlotsTight verifies that a request waits for memory while a call runs, that it does so no
// longer than for a slot, and that it goes ahead when nothing runs.
func TestSlotsTight(t *testing.T) {
	before := debug.SetMemoryLimit(1 << 20) // less than the test holds
	defer debug.SetMemoryLimit(before)
	s := (&Slots{Calls: 2, Wait: 50 * time.Millisecond}).orProcess()
	for host.Allocated(); !host.Tight(); host.Allocated() {
		time.Sleep(time.Millisecond)
	}
	if s.tight() {
		t.Error("a request waits although nothing runs")
	}
	if !s.try() {
		t.Fatal("got no slot")
	}
	if err := s.relax(t.Context()); err != errTight {
		t.Errorf("got %v, want %v", err, errTight)
	}
	s.Wait = time.Minute
	got := make(chan error, 1)
	go func() { got <- s.relax(t.Context()) }()
	s.release()
	if err := <-got; err != nil {
		t.Errorf("got %v when the call has ended", err)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if !s.try() {
		t.Fatal("got no slot")
	}
	defer s.release()
	if err := s.relax(ctx); err != context.Canceled {
		t.Errorf("got %v, want that of the client", err)
	}
}
