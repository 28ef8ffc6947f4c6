//go:build !race

package worker_test

const raced = false

func fewer(n int) int { return n }
