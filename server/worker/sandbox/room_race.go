//go:build linux && (amd64 || arm64) && race

package sandbox

// room has what the race detector keeps for each byte of the heap.
const room = misc + 1<<30
