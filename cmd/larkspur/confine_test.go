package main

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server/worker/sandbox"
)

// TestCheckSandbox has check say that workers have no network, and whether they are in control groups.
func TestCheckSandbox(t *testing.T) {
	var said strings.Builder
	_ = checkSandbox(&said) // what this kernel lacks is not the matter
	if text := said.String(); !strings.HasPrefix(text, "sandbox ") &&
		(strings.Contains(text, "UDP ports") || !strings.Contains(text, "network")) {
		t.Errorf("it says\n%s", text)
	}
	if grouped := !strings.Contains(said.String(), "no control groups (cgroup v2)"); grouped != (sandbox.Groups() == nil) {
		t.Errorf("of control groups it says\n%s", said.String())
	}
}

// TestRequired has serve say how to do without what the kernel does not enforce.
func TestRequired(t *testing.T) {
	err := required(sandbox.Report{{Name: "memory", Enforced: true, By: "RLIMIT_AS"},
		{Name: "UDP ports", Why: "the kernel is too old"}})
	const want = "--sandbox require: sandbox: UDP ports: not enforced: the kernel is too old; --sandbox on does without"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := required(nil); err != nil {
		t.Error(err)
	}
}
