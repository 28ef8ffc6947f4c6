package runtime

import (
	"context"
	"errors"
	"math"
	goruntime "runtime"
	"testing"
	"testing/synctest"
	"time"
)

// TestAfterFunc verifies that what is made of the context of a call ends with it, for each of the
// reasons that it may end for, that it costs no goroutine, and that what was stopped is not called.
func TestAfterFunc(t *testing.T) {
	for name, end := range map[string]func(c *deadlineContext, cancel func()){
		"the call ends":       func(c *deadlineContext, _ func()) { c.end() },
		"the parent ends":     func(_ *deadlineContext, cancel func()) { cancel() },
		"the deadline passes": func(*deadlineContext, func()) { time.Sleep(2 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(t.Context())
				defer cancel()
				c := new(deadlineContext)
				c.start(parent, time.Second)
				before := goruntime.NumGoroutine()
				child, stop := context.WithTimeout(c, time.Hour)
				defer stop()
				if n := goruntime.NumGoroutine(); n > before {
					t.Errorf("a context that is made of it costs %d goroutines", n-before)
				}
				called := make(chan string, 2)
				context.AfterFunc(c, func() { called <- "f" })
				if !context.AfterFunc(c, func() { called <- "stopped" })() {
					t.Error("it could not be stopped")
				}
				end(c, cancel)
				<-child.Done()
				if got := <-called; got != "f" {
					t.Errorf("%s was called", got)
				}
				synctest.Wait()
				if len(called) > 0 {
					t.Errorf("%s was called, too", <-called)
				}
				if err := child.Err(); err == nil || !errors.Is(err, c.Err()) {
					t.Errorf("the child's error is %v, that of the context %v", err, c.Err())
				}
				done := make(chan bool)
				context.AfterFunc(c, func() { close(done) }) // it has ended already
				<-done
			})
		})
	}
	c := new(deadlineContext)
	c.start(context.Background(), math.MaxInt64)
	stop := c.AfterFunc(func() {})
	c.end()
	if stop() {
		t.Error("it was stopped after the end")
	}
}
