package sandbox

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Resident is how many bytes of memory a process has that are its own: resident, and not of a file
// or shared. The process must not have been waited for: its number could be another's by then.
func Resident(pid int) (int64, error) {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, fmt.Errorf("sandbox: %w", err)
	}
	// proc_pid_statm(5): size, resident and shared pages, and more.
	var n [3]int64
	for i, field := range strings.Fields(string(statm)) {
		if i < len(n) {
			n[i], _ = strconv.ParseInt(field, 10, 64)
		}
	}
	return (n[1] - n[2]) * int64(os.Getpagesize()), nil
}

// Watch looks at Resident every so often, and returns what it was when it exceeded limit, or zero
// when ctx ends or the process does. It is for where neither RLIMIT_DATA nor a Group holds: what is
// allocated between two looks goes unseen.
func Watch(ctx context.Context, pid int, limit int64, every time.Duration) int64 {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if n, err := Resident(pid); err != nil {
			return 0
		} else if n > limit {
			return n
		}
		select {
		case <-ctx.Done():
			return 0
		case <-tick.C:
		}
	}
}
