package mail_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	"github.com/larkspur-web/larkspur/runtime/lib/mail"
)

func TestModule(t *testing.T) {
	hosttest.Module(t, mail.Module(), &host.Load{Grant: new(mail.Grant)}, nil)
}

// TestTrialModule tests the description of what @test has for the sake of the module.
func TestTrialModule(t *testing.T) {
	trial, err := new(mail.Grant).Trial("")
	if err != nil {
		t.Fatal(err)
	}
	hosttest.Module(t, &host.Module{Name: "test", Doc: "Tests.", Members: trial.Members}, nil, nil)
}
