//go:build !linux

package sandbox

import (
	"context"
	"errors"
	"os/exec"
	"time"
)

// A Starter starts workers, on Linux so that the kernel kills them when this process ends.
// Elsewhere a worker has to see that the socket to its parent is closed.
type Starter struct {
	// NoNetwork and Nice have no effect here.
	NoNetwork bool
	Nice      int
}

// Start starts cmd; group is nil here.
func (*Starter) Start(cmd *exec.Cmd, group *Group) error { return cmd.Start() }

// Close does nothing here.
func (*Starter) Close() {}

// A Group limits what a worker uses, on Linux.
type Group struct{}

var errLinux = errors.New("sandbox: only Linux has this")

// NewGroup returns an error here.
func NewGroup(string, int64) (*Group, error) { return nil, errLinux }

// Groups returns an error here.
func Groups() error { return errLinux }

// Killed returns 0 here.
func (*Group) Killed() int { return 0 }

// Close does nothing here.
func (*Group) Close() error { return nil }

// Resident returns an error here.
func Resident(int) (int64, error) { return 0, errLinux }

// Watch returns 0 at once here.
func Watch(context.Context, int, int64, time.Duration) int64 { return 0 }
