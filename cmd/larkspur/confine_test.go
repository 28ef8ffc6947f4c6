package main

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/worker/sandbox"
)

// TestCheckSandbox has check say more of an application that may use the network, as serve requires more
// for it.
func TestCheckSandbox(t *testing.T) {
	for _, test := range []struct {
		line string
		want bool
	}{
		{"env=HOME", false},
		{"sql:notes=notes.db", false},
		{"fetch=example.com", true},
		{"mail=smtp://host?from=a@example.com", true},
		{"sql:notes=postgres://host/notes", true},
	} {
		granted, err := grant.Parse([]string{test.line})
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		_ = checkSandbox(&said, granted) // what this kernel lacks is not the matter
		ports := strings.Contains(said.String(), "UDP ports")
		if elsewhere := strings.HasPrefix(said.String(), "sandbox "); ports != test.want && !elsewhere {
			t.Errorf("with --grant %s it says\n%s", test.line, said.String())
		}
		if grouped := !strings.Contains(said.String(), "no control groups (cgroup v2)"); grouped != (sandbox.Groups() == nil) {
			t.Errorf("of control groups it says\n%s", said.String())
		}
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
