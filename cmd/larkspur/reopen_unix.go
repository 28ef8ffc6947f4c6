//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyReopen has c told that logs are to be opened again.
func notifyReopen(c chan<- os.Signal) { signal.Notify(c, syscall.SIGUSR1) }
