//go:build race

package worker_test

// raced says that the race detector is at work, which takes memory and time.
const raced = true
