//go:build !unix

package main

import "os"

// notifyReopen does nothing: there is no signal for it.
func notifyReopen(chan<- os.Signal) {}
