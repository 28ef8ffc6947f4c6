//go:build !unix

package main

import "os"

// restartSignal is nil: there is none on this system.
var restartSignal os.Signal

var zeroSignal os.Signal = os.Interrupt
