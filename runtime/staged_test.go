package runtime_test

import (
	"context"
	"errors"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
)

// A staged generation serves when it is published, and not before; it is that of its tree from then on.
func TestStage(t *testing.T) {
	l, err := runtime.NewLive(&runtime.Config{FS: tree("app.star", "def app(): return 1")}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	serves := func(want string) {
		t.Helper()
		if v, err := l.Do(context.Background()); err != nil || v.String() != want {
			t.Errorf("it serves %v (%v), want %s", v, err, want)
		}
	}
	stage := func(script string) *runtime.Staged {
		t.Helper()
		s, err := l.Stage(tree("app.star", script))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, err := l.Stage(tree("app.star", "def app(")); err == nil {
		t.Error("what does not load was staged")
	}
	second, third := stage("def app(): return 2"), stage("def app(): return 3")
	serves("1")
	if err := second.Publish(); err != nil {
		t.Error(err)
	}
	serves("2")
	if err := l.Reload(); err != nil || l.Generation() != 2 {
		t.Errorf("the same tree is loaded again: generation %d, %v", l.Generation(), err)
	}
	if err := third.Publish(); !errors.Is(err, runtime.ErrChanging) {
		t.Errorf("what was staged for another generation: %v", err)
	}
	if err := second.Publish(); err == nil {
		t.Error("it was published twice")
	}
	second.Drop()
	stage("def app(): return 4").Drop()
	serves("2")
	last := stage("def app(): return 5")
	l.Close()
	if err := last.Publish(); !errors.Is(err, runtime.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}
