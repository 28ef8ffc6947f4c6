package runtime_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A kitchen is a module that has something to do before the first call.
type kitchen struct {
	did  []string
	fail error
}

func (k *kitchen) module() *host.Module {
	return &host.Module{
		Name: "kitchen", Doc: "A kitchen.", Members: []host.Member{{Name: "x"}},
		Open: func(l *host.Load) (any, error) {
			l.OnReady(func(ctx context.Context) error {
				k.did = append(k.did, "ready")
				if k.fail != nil {
					return k.fail
				}
				return ctx.Err()
			})
			l.OnPublish(func() { k.did = append(k.did, "publish") })
			l.OnRetire(func() { k.did = append(k.did, "retire") })
			return starlark.StringDict{"x": starlark.None}, nil
		},
	}
}

// want compares what was done since it was called last.
func (k *kitchen) want(t *testing.T, when string, want ...string) {
	t.Helper()
	if !slices.Equal(k.did, want) {
		t.Errorf("%s: it did %q, want %q", when, k.did, want)
	}
	k.did = nil
}

// TestReady follows a module that does something between the loading and the first call, and may fail.
func TestReady(t *testing.T) {
	d, k := new(disk), new(kitchen)
	c := &runtime.Config{FS: d, Modules: []*host.Module{k.module()}}
	const cooking = "load('@kitchen', 'x')\ndef app(environ, start_response): return 1\n"

	d.save("app.star", cooking)
	if found := runtime.Check(c, "app.star"); len(found) > 0 {
		t.Fatal(found)
	}
	k.want(t, "checked", "retire")
	d.save("app.star", cooking+"fail('late')\n")
	if _, err := runtime.Load(c, "app.star"); err == nil {
		t.Fatal("it loads")
	}
	k.want(t, "the top level fails", "retire")

	d.save("app.star", cooking)
	k.fail = errors.New("out of gas")
	if _, err := runtime.Load(c, "app.star"); !errors.Is(err, k.fail) {
		t.Errorf("the error is %v, want %v", err, k.fail)
	}
	k.want(t, "it fails", "ready", "retire")
	if _, err := runtime.LoadFile(c, "app.star"); !errors.Is(err, k.fail) {
		t.Errorf("the error is %v, want %v", err, k.fail)
	}
	k.want(t, "it fails for a file", "ready", "retire")

	live, err := runtime.Follow(c, "app.star")
	if !errors.Is(err, k.fail) {
		t.Errorf("the error is %v, want %v", err, k.fail)
	}
	defer live.Close()
	k.want(t, "it fails for one that is followed", "ready", "retire")
	k.fail = nil
	if err := live.Reload(); err != nil || live.Generation() != 1 { // with the same files
		t.Errorf("generation %d, %v", live.Generation(), err)
	}
	k.want(t, "it does not fail any more", "ready", "publish")
	if err := live.Reload(); err != nil {
		t.Error(err)
	}
	k.want(t, "nothing has changed")

	k.fail = errors.New("out of water")
	d.save("app.star", cooking+"# more\n")
	if err := live.Reload(); !errors.Is(err, k.fail) || live.Generation() != 1 {
		t.Errorf("generation %d, %v", live.Generation(), err)
	}
	k.want(t, "the next one fails", "ready", "retire")
	if got, _ := result(live.Program()); got != nil && got.String() != "1" {
		t.Errorf("the first serves %v", got)
	}
	if err := live.Status().Err; err == nil || !strings.Contains(err.Error(), "water") {
		t.Errorf("the status is %v", err)
	}

	k.fail = nil
	p, err := runtime.LoadFile(c, "")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Load("@kitchen"); err != nil {
		t.Error(err)
	}
	k.want(t, "loaded by a prompt", "ready")
}
