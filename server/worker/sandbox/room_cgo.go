//go:build cgo && !race

package sandbox

// room is for the stacks of 16 more threads: with cgo each is of the C library, and counts 8 MiB, of
// which a few KiB are used.
const room = misc + 16*8<<20
