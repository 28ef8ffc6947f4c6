//go:build !cgo

package sandbox

// moreStacks is zero without cgo: Go takes the stacks of its threads, 16 KiB each, from its heap.
const moreStacks = 0
