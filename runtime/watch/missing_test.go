package watch_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/watch"
)

// Without a context nothing is watched, and without a program neither; both are said.
func TestWatchSaysWhatIsMissing(t *testing.T) {
	const noContext = "watch: nil context.Context: context.Background() never ends"
	var none context.Context
	var panicked any
	func() {
		defer func() { panicked = recover() }()
		new(watch.Watcher).Run(none)
	}()
	for _, test := range []struct {
		name string
		got  any
		want string
	}{
		{"Run", watch.Run(none, nil), noContext},
		{"Watcher.Run", panicked, noContext},
		{"Tree", watch.Tree(none, nil, t.TempDir(), nil, func() {}), noContext},
		{"Add", new(watch.Watcher).Add(watch.Target{Dir: t.TempDir()}), "watch: the Target has no Live"},
	} {
		if got := fmt.Sprint(test.got); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}
