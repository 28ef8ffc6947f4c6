package main

import "os"

// heapFloor is how much garbage a server may make before it is collected, however little it holds.
// Go collects when the heap has doubled: a server that holds 5 MB and makes 300 MB a second would
// spend a fifth of its time on that.
const heapFloor = 32 << 20

// floorHeap returns memory that counts as held for as long as it is referred to, and that is never
// touched, so that the system need not have any for it. Whoever sets GOGC or GOMEMLIMIT decides
// about garbage, and gets none.
func floorHeap() []byte {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return make([]byte, heapFloor)
}
