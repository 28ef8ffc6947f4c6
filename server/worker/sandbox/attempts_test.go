//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite"
)

// An attempt is something that a worker tries. It fails if one of the means in by is there: 'L' for
// Landlock, 's' for seccomp, 'c' for root without its capabilities, 'l' for a limit; '#' says that
// it takes root. An empty by is for what a worker must be able to do.
type attempt struct {
	name       string
	protection string // the row of the Report that promises it fails
	by         string
	try        func(scene) error
}

func attemptNamed(name string) attempt {
	lists := [][]attempt{attempts, networkAttempts, limitAttempts, fatalAttempts, waiting}
	for _, list := range lists {
		for _, a := range list {
			if a.name == name {
				return a
			}
		}
	}
	panic("no attempt " + name)
}

var attempts = []attempt{
	// What a worker does all day.
	{"read its tree", "", "", func(s scene) error {
		return readAll(filepath.Join(s.Read, "app.star"))
	}},
	{"change its directory", "", "", func(s scene) error {
		a, b := filepath.Join(s.Write, "a"), filepath.Join(s.Write, "b")
		return errors.Join(os.MkdirAll(a, 0o755), os.MkdirAll(b, 0o755),
			os.WriteFile(filepath.Join(a, "f"), []byte("one"), 0o644),
			os.Rename(filepath.Join(a, "f"), filepath.Join(b, "f")), os.RemoveAll(b))
	}},
	{"load a zone", "", "", func(scene) error {
		_, err := time.LoadLocation("Europe/Berlin")
		return err
	}},
	{"collect while a loop runs", "", "", collect},
	{"run 40 threads", "", "", threads},
	{"keep rows in SQLite", "", "", sqlite},

	// Files.
	{"list / in an older thread", "files", "L", func(scene) error {
		for range 4 {
			older <- func() error { _, err := os.ReadDir("/"); return err }
		}
		var errs []error
		for range 4 {
			if err := <-listed; err == nil {
				return nil // one that could
			} else {
				errs = append(errs, err)
			}
		}
		return errs[0]
	}},
	{"list /", "files", "L", func(scene) error { _, err := os.ReadDir("/"); return err }},
	{"read /etc/shadow", "files", "L#", func(scene) error { return readAll("/etc/shadow") }},
	{"read /proc/self/status", "files", "L", func(scene) error {
		return readAll("/proc/self/status")
	}},
	{"read /proc/PARENT/environ", "files", "Lc", func(scene) error {
		return readAll(fmt.Sprintf("/proc/%d/environ", os.Getppid()))
	}},
	{"open /proc/PARENT/mem", "files", "Lc", func(scene) error {
		f, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", os.Getppid()), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return f.Close()
	}},
	{"read outside by a link", "files", "L", func(s scene) error {
		return readAll(filepath.Join(s.Read, "link"))
	}},
	{"write outside", "files", "L", func(s scene) error {
		return os.WriteFile(filepath.Join(s.Outside, "new"), nil, 0o644)
	}},
	{"write its tree", "files", "L", func(s scene) error {
		return os.WriteFile(filepath.Join(s.Read, "app.star"), nil, 0o644)
	}},
	{"truncate outside", "files", "Ls", func(s scene) error {
		return os.Truncate(filepath.Join(s.Outside, "f"), 0)
	}},
	{"remove outside", "files", "L", func(s scene) error {
		return os.Remove(filepath.Join(s.Outside, "gone"))
	}},
	{"rename to outside", "files", "L", func(s scene) error {
		from := filepath.Join(s.Write, "moved")
		return errors.Join(os.WriteFile(from, nil, 0o644),
			os.Rename(from, filepath.Join(s.Outside, "moved")))
	}},
	{"link from outside", "files", "L", func(s scene) error {
		return os.Link(filepath.Join(s.Outside, "f"), filepath.Join(s.Write, "linked"))
	}},
	{"make a device", "files", "Ls#", func(s scene) error {
		return unix.Mknod(filepath.Join(s.Write, "device"), unix.S_IFCHR|0o666, 1<<8|5)
	}},
	{"chmod outside", "file attributes", "s", func(s scene) error {
		return os.Chmod(filepath.Join(s.Outside, "f"), 0o600)
	}},
	{"chown outside", "file attributes", "s", func(s scene) error {
		return os.Chown(filepath.Join(s.Outside, "f"), os.Getuid(), os.Getgid())
	}},
	{"utime outside", "file attributes", "s", func(s scene) error {
		return os.Chtimes(filepath.Join(s.Outside, "f"), time.Now(), time.Now())
	}},
	{"xattr outside", "file attributes", "s", func(s scene) error {
		return unix.Setxattr(filepath.Join(s.Outside, "f"), "user.x", []byte("y"), 0)
	}},

	// Programs and processes.
	{"execute /bin/true", "processes", "Ls", func(scene) error {
		return exec.Command("/bin/true").Run()
	}},
	{"fork", "processes", "s", fork},
	{"signal the parent", "signals", "Ls", func(scene) error {
		return syscall.Kill(os.Getppid(), syscall.SIGWINCH)
	}},
	{"signal a thread of the victim", "signals", "Ls", func(s scene) error {
		return unix.Tgkill(s.Victim, s.Victim, syscall.SIGWINCH)
	}},
	{"signal by F_SETOWN", "system calls", "s", func(s scene) error {
		_, err := unix.FcntlInt(0, unix.F_SETOWN, os.Getppid())
		return err
	}},
	{"trace the victim", "other processes", "Ls", func(s scene) error {
		runtime.LockOSThread() // the thread ends with the attempt's goroutine, and the tracing too
		return errnoOf(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(s.Victim), 0, 0)
	}},
	{"read the victim's memory", "other processes", "Ls", func(s scene) error {
		var b [8]byte
		local := []unix.Iovec{{Base: &b[0], Len: 8}}
		_, err := unix.ProcessVMReadv(s.Victim, local, []unix.RemoteIovec{{Base: 1, Len: 8}}, 0)
		if err == unix.EFAULT { // it looked there
			return nil
		}
		return err
	}},
	{"take the victim's descriptor", "other processes", "Ls", func(s scene) error {
		pidfd, err := unix.PidfdOpen(s.Victim, 0)
		if err != nil {
			return err
		}
		defer unix.Close(pidfd)
		fd, err := unix.PidfdGetfd(pidfd, 1, 0)
		unix.Close(fd)
		return err
	}},

	// Network.
	{"connect by TCP", "network", "Ls", func(s scene) error { return dial("tcp", s.TCP) }},
	{"listen by TCP", "network", "s", func(s scene) error { return listen() }},
	{"send by UDP", "network", "s", func(s scene) error { return dial("udp", s.UDP) }},
	{"open a raw socket", "network", "sc#", func(s scene) error {
		return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	}},
	{"open a netlink socket", "network", "s", func(s scene) error {
		return socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	}},
	{"connect to a unix socket", "unix sockets", "s", func(s scene) error {
		return dial("unix", s.Unix)
	}},
	{"connect to an abstract socket", "unix sockets", "Ls", func(s scene) error {
		return dial("unix", s.Abstract)
	}},

	// The kernel.
	{"mount", "system calls", "sc#", func(s scene) error {
		if err := unix.Mount("none", s.Outside, "tmpfs", 0, ""); err != nil {
			return err
		}
		return unix.Unmount(s.Outside, 0)
	}},
	{"chroot", "system calls", "sc#", func(s scene) error { return unix.Chroot("/") }},
	{"make a namespace", "system calls", "s", func(scene) error {
		return unix.Unshare(unix.CLONE_FILES)
	}},
	{"load a BPF program", "system calls", "s", func(scene) error {
		return known(unix.SYS_BPF, 0, 0, 0)
	}},
	{"open perf", "system calls", "s", func(scene) error {
		return known(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0)
	}},
	{"set up io_uring", "system calls", "s", func(scene) error {
		return known(unix.SYS_IO_URING_SETUP, 1, 0, 0)
	}},
	{"use a keyring", "system calls", "s", func(scene) error {
		return known(unix.SYS_KEYCTL, 1<<20, 0, 0)
	}},
	{"fault in user space", "system calls", "s", func(scene) error {
		return known(unix.SYS_USERFAULTFD, 1, 0, 0)
	}},
	{"make a file in memory", "system calls", "s", func(scene) error {
		fd, err := unix.MemfdCreate("x", 0)
		unix.Close(fd)
		return err
	}},
	{"map executable memory", "system calls", "s", func(scene) error {
		b, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC,
			unix.MAP_PRIVATE|unix.MAP_ANON)
		if err == nil {
			unix.Munmap(b)
		}
		return err
	}},
	{"type into the terminal", "system calls", "s", func(scene) error {
		err := errnoOf(unix.SYS_IOCTL, 0, unix.TIOCSTI, 0, 0)
		if err == unix.ENOTTY || err == unix.EFAULT || err == unix.EIO {
			return nil // the terminal looked at it, or there is none
		}
		return err
	}},
	{"live on without the parent", "system calls", "s", func(scene) error {
		return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0)
	}},
	{"raise a limit", "system calls", "s", func(scene) error {
		return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 0, Max: 0})
	}},
	{"become another user", "system calls", "s", func(scene) error {
		same := uintptr(os.Getuid())
		return errnoOf(unix.SYS_SETRESUID, same, same, same, 0)
	}},
}

// networkAttempts are for a worker that may connect to the port of TCP of the scene.
var networkAttempts = []attempt{
	{"connect to the granted port", "", "", func(s scene) error { return dial("tcp", s.TCP) }},
	{"load the certificates", "", "", func(scene) error {
		pool, err := x509.SystemCertPool()
		if err == nil && pool.Equal(x509.NewCertPool()) {
			return errors.New("there are none")
		}
		return err
	}},
	{"resolve localhost", "", "", func(scene) error {
		_, err := net.DefaultResolver.LookupHost(context.Background(), "localhost")
		return err
	}},
	{"connect to another port", "TCP ports", "L", func(s scene) error {
		return dial("tcp", s.OtherTCP)
	}},
	{"listen, with a network", "system calls", "s", func(s scene) error { return listen() }},
	{"connect by MPTCP", "system calls", "s", func(s scene) error {
		return socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP)
	}},
	{"raw socket, with a network", "system calls", "sc#", func(s scene) error {
		return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	}},
	{"unix socket, with a network", "unix sockets", "s", func(s scene) error {
		return dial("unix", s.Unix)
	}},
	// What Landlock of ABI 10 refuses, and this list is right about only where there is none.
	{"send by UDP to any port", "UDP ports", "", func(s scene) error {
		return dial("udp", s.UDP)
	}},
}

// olderThreads are there before Enter; each does what comes next to older.
var older, listed = make(chan func() error), make(chan error, 4)

func olderThreads() {
	for range 4 {
		go func() {
			runtime.LockOSThread()
			listed <- (<-older)()
		}()
	}
}

func readAll(path string) error {
	_, err := os.ReadFile(path)
	return err
}

func dial(network, address string) error {
	c, err := net.DialTimeout(network, address, 10*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("x"))
	return err
}

func listen() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	return l.Close()
}

func socket(family, kind, protocol int) error {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func errnoOf(number, a, b, c, d uintptr) error {
	if _, _, errno := syscall.Syscall6(number, a, b, c, d, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// known makes a call that the kernel finds wrong, and is content if the kernel looked at it.
func known(number, a, b, c uintptr) error {
	if err := errnoOf(number, a, b, c, 0); err == unix.EPERM || err == unix.ENOSYS {
		return err
	}
	return nil
}

// fork makes a process that is not a thread, and that ends at once.
func fork(scene) error {
	pid, _, errno := syscall.RawSyscall(unix.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
	switch {
	case errno != 0:
		return errno
	case pid == 0:
		for {
			syscall.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
		}
	}
	var status syscall.WaitStatus
	_, err := syscall.Wait4(int(pid), &status, 0, nil)
	return err
}

// collect needs Go's runtime to stop a loop that calls nothing, which it does by a signal.
func collect(scene) error {
	var ended atomic.Bool
	go func() {
		for n := uint64(0); n < 1<<33; n++ { // or until the process ends
		}
		ended.Store(true)
	}()
	for range 3 {
		runtime.GC()
	}
	if ended.Load() {
		return errors.New("the loop was waited for")
	}
	return nil
}

func threads(scene) error {
	var all sync.WaitGroup
	here := make(chan bool)
	for range 40 {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			<-here
		})
	}
	close(here)
	all.Wait()
	return nil
}

func sqlite(s scene) error {
	db, err := sql.Open("sqlite", filepath.Join(s.Write, "rows.db")+"?_pragma=journal_mode(wal)")
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range []string{"create table t(a)", "insert into t values(1)", "vacuum"} {
		if _, err := db.Exec(statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
