// Package sandbox confines a worker: the process in which an application runs that nobody has read.
//
// The worker calls Enter on itself, when its configuration is read and its sockets are open, and
// before it loads a script. What Enter takes away, nothing in the process can bring back. A Starter
// in the process that starts workers does what only a parent can do. Probe says beforehand what
// this kernel will enforce, and Report.Require refuses to go on without.
//
// # What holds against what
//
// Two attackers are meant. A script has only the builtins that it was given: it can take memory and
// time, and it can mislead a builtin that reaches outside. An intruder has found a flaw in one of
// them, and runs instructions of his own in the process.
//
//   - Memory: RLIMIT_AS and RLIMIT_DATA hold against both, in one step and in many. An allocation
//     that goes past them fails, and Go ends the process ("out of memory", status 2). RLIMIT_DATA
//     alone does not stop one big step of Go, see limitMemory. Go's own limit lies below
//     (debug.SetMemoryLimit), so that garbage is collected before. The page cache is not counted:
//     a Group (cgroup v2) counts that too. Watch looks at the resident set where neither holds.
//   - Time: RLIMIT_CPU holds against both. At the limit the process ends with ExitCPU, and if it
//     does not the kernel kills it a second later, whatever it is in the middle of.
//   - Open files, the size of a file: RLIMIT_NOFILE and RLIMIT_FSIZE hold against both. The call
//     fails (EMFILE, EFBIG), and the process lives.
//   - Programs and processes: seccomp refuses fork and exec, and Landlock grants the execution of
//     no file. RLIMIT_NPROC would count all processes and threads of the user, and not hold for
//     root: it is not set. Threads can be made, each of them at the price of its stack.
//   - Files: Landlock grants what Access names and a few files of the system that are only read
//     (zones of time, types of media and, with a network, name servers and certificates).
//     Everything else, /proc included, cannot be opened. What it does not cover is refused by
//     seccomp where it takes a path and changes something (chmod, chown, utime, truncate, xattr,
//     mount, chroot), but stat and readlink remain: an intruder learns that a path exists, its
//     size, owner and times.
//   - Network: without Access.Network, seccomp refuses to make any socket and to connect one; what
//     was open before remains, and so does what another process hands over (package worker): an
//     intruder says to who is at the other end what he likes. A Starter that may do so
//     also gives the process a network namespace in which there is nothing. With Network, only TCP
//     and UDP over IP remain, and Landlock holds the ports of TCP (ABI 4) and of UDP (ABI 10). No
//     means here looks at addresses: whether one may be spoken to is for the builtin that speaks to
//     it, which holds against a script and not against an intruder.
//   - Unix sockets: seccomp refuses to make one, unless Access.Unix names some; which ones, only
//     Landlock of ABI 9 holds.
//   - Other processes: signals, ptrace, process_vm_readv, pidfd are refused by seccomp, and by
//     Landlock, whose domain may neither trace (ABI 1) nor signal (ABI 6) what is outside.
//     PR_SET_DUMPABLE keeps other workers of the same user out of this one.
//   - The kernel: seccomp lets through the calls that Go's runtime and our packages make and no
//     other, so that mount, bpf, io_uring, perf, keyctl, userfaultfd, namespaces, new executable
//     memory and calls of another architecture are refused; ioctl, fcntl and prctl are let through
//     for a few harmless requests each. All capabilities are dropped, and no_new_privs is set.
//   - Orphans: the kernel kills the process when its parent ends, also by kill -9.
//
// Not confined are the descriptors that the process already has, what the machine's caches tell by
// their timing, and flaws of the kernel in what is let through. Workers should run as a user of
// their own: then the rights of files hold besides, even where Landlock is missing.
package sandbox

import "time"

// ExitCPU is the status of a process that has used all its CPU time: 128 and the number of SIGXCPU, as a
// shell has it.
const ExitCPU = 128 + 24

// Limits are what a worker process may use. The zero value limits nothing but core dumps, which are
// never written.
type Limits struct {
	// Memory is how many bytes the process may have beyond those that it has at the call of Enter.
	// Zero means no limit. From three quarters of it on, Go collects garbage as hard as it can. The
	// kernel's limit is the next multiple of 64 MiB, by which Go's heap grows, and 16 MiB for all
	// that is not heap; what Go had reserved at the call comes on top, 64 MiB at most. A build with
	// cgo adds 128 MiB for the stacks of 16 more threads.
	Memory int64
	// CPU is the processor time that the process may use in its life, user and system together,
	// rounded up to seconds. Zero means no limit.
	CPU time.Duration
	// Files is how many descriptors the process may have open, those included that it has already.
	// Zero means as many as before.
	Files int
	// FileSize is the size in bytes that a file can reach by what this process writes. Zero means
	// no limit. It holds for a standard error that is a file, too.
	FileSize int64
}

// Access is what a worker process can reach. The zero value is nothing but the descriptors that it
// has, and the system's files that the package comment names.
type Access struct {
	// Read are files and trees that can be read, Write those that can also be changed: files in
	// them are written, made, renamed and removed. Each must exist. What is granted is the file or
	// directory that the path leads to at the call of Enter: one that takes its place later is
	// not, so that a file which is replaced when it changes is granted by its directory.
	Read, Write []string
	// Network lets the process connect to others by TCP, and ask name servers by UDP.
	Network bool
	// Ports are the ports of TCP that it may connect to. Empty means all. Port 53 is always among
	// them, as name servers answer there at length.
	Ports []uint16
	// Unix are the sockets in the file system that it may connect to.
	Unix []string
}
