package push

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestDeadline has a deadline end as a context of package context does, whoever ends it, and whether
// somebody waited before or not.
func TestDeadline(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(parent context.CancelFunc, d *deadline)
		want error
	}{
		{"its time", func(context.CancelFunc, *deadline) { time.Sleep(time.Second) }, context.DeadlineExceeded},
		{"its parent", func(parent context.CancelFunc, _ *deadline) { parent() }, context.Canceled},
		{"itself", func(_ context.CancelFunc, d *deadline) { d.end() }, context.Canceled},
	} {
		for _, waited := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					parent, cancel := context.WithCancel(t.Context())
					defer cancel()
					d := &deadline{parent: parent, by: time.Now().Add(time.Second)}
					defer d.end()
					if waited {
						d.Done()
					}
					if err := d.Err(); err != nil {
						t.Fatalf("at the beginning: %v", err)
					}
					test.end(cancel, d)
					called := make(chan struct{})
					context.AfterFunc(d, func() { close(called) })
					<-d.Done()
					<-called
					if err := d.Err(); err != test.want {
						t.Errorf("got %v, want %v", err, test.want)
					}
				})
			})
		}
	}
}
