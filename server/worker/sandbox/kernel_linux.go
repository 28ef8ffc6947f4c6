//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A kernel is what the running one offers.
type kernel struct {
	landlock int  // ABI of Landlock; 0 if there is none
	signals  bool // Landlock keeps signals in, and the threads of one process can still signal
	seccomp  bool // filters that hold for all threads at once
}

// lookKernel asks the kernel without changing this process.
func lookKernel() kernel {
	const version, errata = 1 << 0, 1 << 1 // LANDLOCK_CREATE_RULESET_VERSION, _ERRATA
	var k kernel
	k.landlock = createRuleset(version)
	if k.landlock >= 6 {
		// Before ABI 8 each thread gets a domain of its own. Erratum 2, where it is not repaired,
		// lets none of them signal another, and Go's runtime stops threads by signals.
		k.signals = k.landlock >= 8 || createRuleset(errata)&(1<<1) != 0
	}
	// No filter is at address 0: a kernel that knows the flag finds that out after the flag.
	k.seccomp = seccomp(nil) == syscall.EFAULT
	return k
}

// createRuleset asks Landlock what flag asks for, and returns 0 if there is no Landlock.
func createRuleset(flag uintptr) int {
	n, _, errno := syscall.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, flag)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// seccomp installs a filter for all threads of the process.
func seccomp(program *syscall.SockFprog) error {
	tid, _, errno := syscall.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(program)))
	if errno != 0 {
		return errno
	}
	if tid != 0 { // seccomp(2): the thread that could not be synchronized; none has the filter
		return fmt.Errorf("thread %d has a filter of its own", tid)
	}
	return nil
}

// landlockFrom returns what the Landlock of this kernel is called in a Report, if it has that ABI.
func (k kernel) landlockFrom(abi int) string {
	if k.landlock < abi {
		return ""
	}
	return fmt.Sprintf("Landlock ABI %d", k.landlock)
}

func (k kernel) filter() string {
	if !k.seccomp {
		return ""
	}
	return "seccomp"
}

// lacks says which ABI of Landlock is needed and which is there.
func (k kernel) lacks(abi int) string {
	if k.landlock == 0 {
		return fmt.Sprintf("Landlock (ABI %d) is not in this kernel, or not on at boot", abi)
	}
	return fmt.Sprintf("Landlock ABI %d is needed, this kernel has %d", abi, k.landlock)
}

// report is what this kernel enforces of l and a. Besides files and network, whatever Landlock
// holds seccomp holds too.
func (k kernel) report(l Limits, a Access) Report {
	const noFilter = "this kernel has no seccomp filter"
	var r Report
	for _, limit := range l.resources() {
		if limit.asked {
			r.add(limit.name, "", limit.by)
		}
	}
	r.add("privileges", "", "no_new_privs", "no capabilities")
	r.add("processes", noFilter, k.filter())
	r.add("files", k.lacks(1), k.landlockFrom(1))
	r.add("file attributes", noFilter+": files of the same user can be changed", k.filter())
	if a.Network {
		if len(a.Ports) > 0 {
			r.add("TCP ports", k.lacks(4)+": all can be reached", k.landlockFrom(4))
		}
		r.add("UDP ports", k.lacks(10)+": all can be reached", k.landlockFrom(10))
	} else {
		r.add("network", noFilter, k.filter(), ownNetwork())
	}
	if len(a.Unix) > 0 {
		r.add("unix sockets", k.lacks(9)+": all that the user may open can be reached",
			k.landlockFrom(9))
	} else {
		r.add("unix sockets", noFilter, k.filter())
	}
	signals := ""
	if k.signals {
		signals = k.landlockFrom(6)
	}
	r.add("signals", noFilter+", and "+k.lacks(6), k.filter(), signals)
	r.add("other processes", noFilter+", and "+k.lacks(1), k.filter(), k.landlockFrom(1))
	r.add("system calls", noFilter, k.filter())
	r.add("orphans", "", "PDEATHSIG")
	return r
}
