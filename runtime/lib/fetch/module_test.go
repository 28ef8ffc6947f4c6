package fetch_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
)

func TestModule(t *testing.T) {
	hosttest.Module(t, fetch.Module(), &host.Load{Grant: new(fetch.Grant)}, nil)
}

// TestTrialModule tests the description of what @test has for the sake of the module.
func TestTrialModule(t *testing.T) {
	trial, err := new(fetch.Grant).Trial("")
	if err != nil {
		t.Fatal(err)
	}
	m := &host.Module{Name: "test", Doc: "Tests.", Members: trial.Members}
	hosttest.Module(t, m, nil, nil)
}
