//go:build linux && (amd64 || arm64) && !cgo && !race

package sandbox

// room has none for stacks without cgo: Go takes those of its threads, 16 KiB each, from its heap.
const room = misc
