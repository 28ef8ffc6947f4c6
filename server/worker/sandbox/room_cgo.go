//go:build linux && (amd64 || arm64) && cgo && !race

package sandbox

// room is for the stacks of 16 more threads: with cgo each is of the C library, and counts 8 MiB,
// of which a few KiB are used. A Starter sees to it that they have no heap of their own besides.
const room = misc + 16*8<<20
