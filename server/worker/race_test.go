//go:build race

package worker_test

// raced says that the race detector is at work, which takes memory and time.
const raced = true

// fewer is how often something is done that is done n times without the detector.
func fewer(n int) int { return (n + 2) / 3 }
