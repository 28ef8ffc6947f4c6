package sandbox

import (
	"fmt"
	"strings"
)

// A Report says of each protection that was asked for whether it is enforced.
type Report []Protection

// A Protection is one row of a Report.
type Protection struct {
	Name     string // "memory", "files", "network", ...
	Enforced bool
	By       string // what enforces it: "RLIMIT_DATA", "Landlock ABI 7, seccomp"; empty if nothing
	Why      string // if it is not enforced: what is missing, and what that leaves open
}

// Require returns an error that names the first protection which is not enforced, or nil.
func (r Report) Require() error {
	for _, p := range r {
		if !p.Enforced {
			return fmt.Errorf("sandbox: %s: not enforced: %s", p.Name, p.Why)
		}
	}
	return nil
}

// String returns a table, one line a protection.
func (r Report) String() string {
	var b strings.Builder
	for _, p := range r {
		if p.Enforced {
			fmt.Fprintf(&b, "%-16s enforced      %s\n", p.Name, p.By)
		} else {
			fmt.Fprintf(&b, "%-16s NOT enforced  %s\n", p.Name, p.Why)
		}
	}
	return b.String()
}

// add appends a row for a protection that by enforces, if any; why says what is missing if none.
func (r *Report) add(name, why string, by ...string) {
	var have []string
	for _, b := range by {
		if b != "" {
			have = append(have, b)
		}
	}
	p := Protection{Name: name, Enforced: len(have) > 0, By: strings.Join(have, ", ")}
	if !p.Enforced {
		p.Why = why
	}
	*r = append(*r, p)
}
