package sandbox

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// A Starter starts workers so that the kernel kills them when this process ends, even by kill -9.
//
// The kernel does so when the thread ends that started them (PR_SET_PDEATHSIG, prctl(2)), and
// threads of Go may end at any time. A Starter has one for itself, which ends at Close. The zero
// value is ready. Its methods can be called concurrently.
type Starter struct {
	// NoNetwork puts what is started into a network namespace of its own, in which there is
	// nothing, if this process may make one (CAP_SYS_ADMIN). It takes the kernel a few
	// milliseconds, and it holds where seccomp is missing.
	NoNetwork bool
	// Nice is by how much the priority of what is started is lower than that of this process, from 0
	// to 19: nice(2). Where all want the processor, one of 10 has a tenth of what this process has.
	Nice int

	mu        sync.Mutex
	jobs      chan func()
	closed    bool
	namespace bool // one can be made
}

// Start starts cmd, as cmd.Start would, in group if that is not nil. What cmd.SysProcAttr and
// cmd.Env say besides is kept.
func (s *Starter) Start(cmd *exec.Cmd, group *Group) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("sandbox: the starter is closed")
	}
	if s.jobs == nil {
		s.jobs = make(chan func())
		s.namespace = s.NoNetwork && canMakeNetwork()
		locked := make(chan struct{})
		go serve(s.jobs, s.Nice, locked)
		<-locked
	}
	var attr syscall.SysProcAttr
	if cmd.SysProcAttr != nil {
		attr = *cmd.SysProcAttr
	}
	attr.Pdeathsig = syscall.SIGKILL
	if s.namespace {
		attr.Cloneflags |= syscall.CLONE_NEWNET
	}
	group.join(&attr)
	cmd.SysProcAttr = &attr
	// glibc would reserve 64 MiB of addresses in every thread that takes memory, see limitMemory.
	cmd.Env = append(cmd.Environ(), "MALLOC_ARENA_MAX=1")
	done := make(chan error)
	s.jobs <- func() { done <- cmd.Start() }
	return <-done
}

// serve does jobs in a thread of its own, which ends with them, and whose priority what it starts
// inherits. It closes locked when it has one.
func serve(jobs chan func(), nice int, locked chan struct{}) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if syscall.Gettid() == syscall.Getpid() {
		// Go never ends the main thread. Keep it until another goroutine has another.
		go serve(jobs, nice, locked)
		<-locked
		runtime.UnlockOSThread()
		return
	}
	if had, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0); nice > 0 && err == nil {
		// What the system call returns is 20 less the niceness. It may always be raised.
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 20-had+nice)
	}
	close(locked)
	for job := range jobs {
		job()
	}
}

// Close ends the thread. The kernel kills the processes that were started and still run.
func (s *Starter) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs != nil && !s.closed {
		close(s.jobs)
	}
	s.closed = true
}

// canMakeNetwork tries: a process is cloned into a namespace and finds no program to run.
func canMakeNetwork() bool {
	_, err := syscall.ForkExec("/dev/null/none", []string{"none"}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET},
	})
	return err == syscall.ENOTDIR
}
