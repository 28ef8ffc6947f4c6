//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A call is a system call that a filter lets through.
type call struct {
	number uint32
	when   [][]cond // one of these must hold, with all of its conditions; none: always
}

// A cond holds if the argument, but for the bits that mask lacks, is value.
type cond struct {
	arg         uint32
	mask, value uint64
}

// An int is passed in a register of which the kernel looks at the lower half only.
const anInt = 1<<32 - 1

func is(arg uint32, values ...int) [][]cond {
	var when [][]cond
	for _, v := range values {
		when = append(when, []cond{{arg, anInt, uint64(uint32(v))}})
	}
	return when
}

// filter is the program for seccomp that lets the calls through that this process may make. The
// others fail with EPERM, but those that the kernel might not have, and that are tried with
// something to fall back to, with ENOSYS.
func (a Access) filter() []bpf.Instruction {
	const numberAt, archAt = 0, 4 // struct seccomp_data
	program := []bpf.Instruction{
		bpf.LoadAbsolute{Off: archAt, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: architecture, SkipTrue: 1},
		fail(unix.ENOSYS), // of another architecture: its numbers mean something else
		bpf.LoadAbsolute{Off: numberAt, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: newest, SkipFalse: 1},
		fail(unix.ENOSYS), // newer than these lists, or of x32
	}
	for _, number := range []uint32{unix.SYS_CLONE3, unix.SYS_FCHMODAT2} {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: number, SkipFalse: 1},
			fail(unix.ENOSYS)) // clone3 has its flags in memory, where no filter looks
	}
	for _, c := range a.calls() {
		body := c.body()
		program = append(program,
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: c.number, SkipTrue: uint8(len(body))})
		program = append(program, body...)
	}
	return append(program, fail(unix.EPERM))
}

func fail(errno syscall.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

// body is what follows when the number is that of c: it returns in any case.
func (c call) body() []bpf.Instruction {
	allow := bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	if c.when == nil {
		return []bpf.Instruction{allow}
	}
	var body []bpf.Instruction
	for _, conds := range c.when {
		var checks []bpf.Instruction
		for _, c := range conds {
			for half := range uint32(2) { // the lower first: both architectures are little-endian
				mask, value := uint32(c.mask>>(32*half)), uint32(c.value>>(32*half))
				if mask == 0 {
					continue
				}
				checks = append(checks,
					bpf.LoadAbsolute{Off: 16 + 8*c.arg + 4*half, Size: 4},
					bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask},
					bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: value})
			}
		}
		for i, check := range checks {
			if jump, ok := check.(bpf.JumpIf); ok {
				jump.SkipTrue = uint8(len(checks) - i) // past allow
				checks[i] = jump
			}
		}
		body = append(append(body, checks...), allow)
	}
	return append(body, fail(unix.EPERM))
}

// install puts the filter before all threads of the process, for good.
func (a Access) install() error {
	raw, err := bpf.Assemble(a.filter())
	if err != nil {
		return err
	}
	program := make([]syscall.SockFilter, len(raw))
	for i, r := range raw {
		program[i] = syscall.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return seccomp(&syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

// calls are the calls that this process may make: those without conditions first, as listed in
// calls_linux.go, and those of which some requests are let through.
func (a Access) calls() []call {
	var calls []call
	for _, number := range append(allowed[:len(allowed):len(allowed)], legacy...) {
		calls = append(calls, call{number: number})
	}
	const (
		exec       = unix.PROT_EXEC
		namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS |
			unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
		null = 1<<64 - 1 // mask of a pointer that must be null
	)
	self := os.Getpid()
	calls = append(calls,
		// Threads, but no processes.
		call{unix.SYS_CLONE, [][]cond{{{0, unix.CLONE_THREAD | namespaces, unix.CLONE_THREAD}}}},
		// No new executable memory.
		call{unix.SYS_MMAP, [][]cond{{{2, exec, 0}}}},
		call{unix.SYS_MPROTECT, [][]cond{{{2, exec, 0}}}},
		// Signals to this process only: Go's runtime stops its threads by them.
		call{unix.SYS_TGKILL, is(0, self)},
		call{unix.SYS_KILL, is(0, self)},
		// Names for memory and threads; not the signal at the parent's death, not dumpable.
		call{unix.SYS_PRCTL, is(0, unix.PR_SET_VMA, unix.PR_SET_NAME)},
		// To read limits, not to set them.
		call{unix.SYS_PRLIMIT64, [][]cond{{{0, anInt, 0}, {2, null, 0}},
			{{0, anInt, uint64(self)}, {2, null, 0}}}},
		// Times of an open file, not of a path.
		call{unix.SYS_UTIMENSAT, [][]cond{{{1, null, 0}}}},
		// Not F_SETOWN, F_SETSIG and the like, which send signals.
		call{unix.SYS_FCNTL, is(1, unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD,
			unix.F_GETFL, unix.F_SETFL, unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW, unix.F_OFD_GETLK,
			unix.F_OFD_SETLK, unix.F_OFD_SETLKW, unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ)},
		// Not TIOCSTI, which types into the terminal.
		call{unix.SYS_IOCTL, is(1, unix.TCGETS, unix.TIOCGWINSZ, unix.TIOCINQ, unix.FICLONE)},
	)
	families := []int{}
	if a.Network {
		families = append(families, unix.AF_INET, unix.AF_INET6)
	}
	if len(a.Unix) > 0 {
		families = append(families, unix.AF_UNIX)
	}
	if len(families) == 0 {
		return calls
	}
	var sockets [][]cond
	for _, family := range families {
		for _, kind := range []struct{ kind, protocol uint64 }{
			{unix.SOCK_STREAM, 0}, {unix.SOCK_STREAM, unix.IPPROTO_TCP},
			{unix.SOCK_DGRAM, 0}, {unix.SOCK_DGRAM, unix.IPPROTO_UDP},
		} {
			if family == unix.AF_UNIX && kind.kind == unix.SOCK_DGRAM {
				continue // no datagrams, which reach sockets that connect did not ask for
			}
			const flags = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
			sockets = append(sockets, []cond{{0, anInt, uint64(family)},
				{1, anInt &^ flags, kind.kind}, {2, anInt, kind.protocol}})
		}
	}
	return append(calls, call{unix.SYS_SOCKET, sockets}, call{unix.SYS_CONNECT, nil},
		call{unix.SYS_BIND, nil}, call{unix.SYS_SENDMMSG, nil}, call{unix.SYS_RECVMMSG, nil})
}
