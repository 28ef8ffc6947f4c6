//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// Probe returns what Enter would report in a worker, and changes nothing.
func Probe(l Limits, a Access) Report {
	return lookKernel().report(l, a)
}

// Enter confines the calling process, all threads of it, for good. Where the kernel lacks a means,
// Enter does without, and the Report says so. An error is of something else: a path of Access that
// is not there, a limit that cannot be set. The process is then confined in part, and should end.
//
// The kernel ends the process from here on when the thread ends that started it: a Starter's does
// not before its parent. Who starts workers by other means keeps the thread (runtime.LockOSThread).
//
// Names are resolved by Go itself from here on (net.DefaultResolver.PreferGo), since the C library
// would load files to do so.
func Enter(l Limits, a Access) (Report, error) {
	k := lookKernel()
	r := k.report(l, a) // while the process can still find out
	if err := enter(k, l, a); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return r, nil
}

func enter(k kernel, l Limits, a Access) error {
	net.DefaultResolver.PreferGo = true
	if err := l.limit(); err != nil {
		return err
	}
	if errno := allThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); errno != 0 {
		return fmt.Errorf("no_new_privs: %w", errno)
	}
	// Of each thread, as the kernel asks each when the parent ends; one of them will be there.
	errno := allThreads(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL))
	if errno != 0 {
		return fmt.Errorf("signal of the parent's death: %w", errno)
	}
	none := [2]unix.CapUserData{}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if errno := allThreads(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)),
		uintptr(unsafe.Pointer(&none))); errno != 0 {
		return fmt.Errorf("capabilities: %w", errno)
	}
	if err := a.restrict(k); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("dumpable: %w", err)
	}
	if k.seccomp {
		if err := a.install(); err != nil {
			return fmt.Errorf("seccomp: %w", err)
		}
	}
	return nil
}

//go:uintptrescapes

// allThreads makes a call in each thread of the process, in programs with cgo and without.
func allThreads(number, arg1, arg2 uintptr) syscall.Errno {
	_, _, errno := psx.Syscall6(number, arg1, arg2, 0, 0, 0, 0)
	return errno
}

// ownNetwork says that the process is in a network namespace in which no interface is up.
func ownNetwork() string {
	all, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 {
			return ""
		}
	}
	return "network namespace"
}
