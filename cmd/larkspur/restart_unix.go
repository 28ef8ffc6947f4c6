//go:build unix

package main

import (
	"os"
	"syscall"
)

// restartSignal has a server start its successor.
var restartSignal os.Signal = syscall.SIGUSR2

// zeroSignal does nothing to a process but find out whether there is one.
var zeroSignal os.Signal = syscall.Signal(0)
