package runtime_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// TestOnEnd begins something in the loading of a program and in three calls of a request.
func TestOnEnd(t *testing.T) {
	running := 0
	begin := host.Func("begin", func(th *starlark.Thread) {
		running++
		host.CallOf(th).OnEnd(func() { running-- })
		stop := host.CallOf(th).OnEnd(func() { t.Error("called, though it was stopped") })
		stop()
	})
	p, err := runtime.Load(&runtime.Config{
		FS:          tree("app.star", "begin()\ndef app(): begin()"),
		Predeclared: starlark.StringDict{"begin": begin},
	}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if running != 0 {
		t.Error("the end of the load ended nothing")
	}
	r := p.Begin()
	for i := range 3 {
		if _, err := result(r); err != nil {
			t.Fatal(err)
		}
		if running != i+1 {
			t.Errorf("%d are running after call %d of the request", running, i+1)
		}
	}
	r.End()
	if running != 0 {
		t.Errorf("%d are running after the request", running)
	}
}
