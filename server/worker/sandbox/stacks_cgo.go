//go:build cgo

package sandbox

// moreStacks is room in RLIMIT_DATA for the stacks of threads that are started after Enter: with cgo
// each is of the C library, and counts 8 MiB, of which a few KiB are used.
const moreStacks = 16 * 8 << 20
